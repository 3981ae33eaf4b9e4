package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// connectionState is the state of an endpoint to a service of an account's own: what the provider said of it, and, once it
// is accepted, whether a packet would get through.
func (v *view) connectionState(e world.Endpoint) string {
	s, _ := v.w.EndpointServices.Get(e.Provider)
	b, _ := v.w.LoadBalancers.Get(s.Balancer)
	switch {
	case !e.Works():
		return endpointState(e, v.seen)
	case e.Connection != world.ConnectionAccepted:
		return e.Connection
	case v.seen.Ready(e.Rev, string(e.VPC), string(e.ID), string(b.Gateway()), "names"):
		return "available"
	}
	return "pending"
}

// connection describes an endpoint as the provider of its service sees it.
func (v *view) connection(e world.Endpoint) ec2api.VpcEndpointConnection {
	s, _ := v.w.EndpointServices.Get(e.Provider)
	b, _ := v.w.LoadBalancers.Get(s.Balancer)
	out := ec2api.VpcEndpointConnection{
		ServiceId: new(string(e.Provider)), VpcEndpointId: new(string(e.ID)), VpcEndpointOwner: new(string(e.Account)), VpcEndpointState: new(v.connectionState(e)),
		CreationTimestamp: new(e.Created), NetworkLoadBalancerArns: []string{b.ARN()}, IpAddressType: new("ipv4"), VpcEndpointRegion: new(e.Region),
		VpcEndpointConnectionId: new("vpce-con-" + world.Derived(string(e.ID), 17)), Tags: []ec2api.Tag{},
	}
	for _, n := range v.w.EndpointNames(e) {
		out.DnsEntries = append(out.DnsEntries, ec2api.DnsEntry{DnsName: new(n.Name), HostedZoneId: new(n.Zone)})
	}
	return out
}

// DescribeVpcEndpointConnections lists the endpoints to the caller's services.
func (s *Service) DescribeVpcEndpointConnections(_ context.Context, c world.Caller, in *ec2api.DescribeVpcEndpointConnectionsInput) (*ec2api.DescribeVpcEndpointConnectionsOutput, error) {
	v := s.look(c)
	var rows []world.Endpoint
	for _, own := range mine(&v.w.EndpointServices, c) {
		rows = append(rows, v.w.Connections(own.ID)...)
	}
	filters := listing.Filters[world.Endpoint]{Fields: map[string]func(world.Endpoint) []string{
		"ip-address-type":     one(func(world.Endpoint) string { return "ipv4" }),
		"service-id":          one(func(e world.Endpoint) world.EndpointServiceID { return e.Provider }),
		"vpc-endpoint-owner":  one(func(e world.Endpoint) world.AccountID { return e.Account }),
		"vpc-endpoint-region": one(func(e world.Endpoint) string { return e.Region }),
		"vpc-endpoint-state":  one(v.connectionState),
		"vpc-endpoint-id":     one(func(e world.Endpoint) world.EndpointID { return e.ID }),
	}}
	page, next, err := list(query{"vpc-endpoint", nil, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcEndpointConnectionsOutput{VpcEndpointConnections: each(page, v.connection), NextToken: next}, nil
}

// AcceptVpcEndpointConnections lets endpoints that wait lead to a service.
func (s *Service) AcceptVpcEndpointConnections(ctx context.Context, c world.Caller, in *ec2api.AcceptVpcEndpointConnectionsInput) (*ec2api.AcceptVpcEndpointConnectionsOutput, error) {
	out, err := s.decide(ctx, c, decision{in.ServiceId, in.VpcEndpointIds, in.DryRun, world.ConnectionAccepted})
	return &ec2api.AcceptVpcEndpointConnectionsOutput{Unsuccessful: out}, err
}

// RejectVpcEndpointConnections keeps endpoints from a service, those it was reached by among them.
func (s *Service) RejectVpcEndpointConnections(ctx context.Context, c world.Caller, in *ec2api.RejectVpcEndpointConnectionsInput) (*ec2api.RejectVpcEndpointConnectionsOutput, error) {
	out, err := s.decide(ctx, c, decision{in.ServiceId, in.VpcEndpointIds, in.DryRun, world.ConnectionRejected})
	return &ec2api.RejectVpcEndpointConnectionsOutput{Unsuccessful: out}, err
}

// decision is what becomes of endpoints to a service.
type decision struct {
	service   *string
	endpoints []string
	dry       *bool
	becomes   string
}

func (s *Service) decide(ctx context.Context, c world.Caller, d decision) ([]ec2api.UnsuccessfulItem, error) {
	for _, id := range d.endpoints {
		if err := awserr.EC2CheckID("vpc-endpoint", id); err != nil {
			return nil, err
		}
	}
	var out []ec2api.UnsuccessfulItem
	_, err := s.update(ctx, c, d.dry, func(tx *world.Tx) error {
		out = []ec2api.UnsuccessfulItem{}
		own, err := find(&tx.EndpointServices, c, "vpc-endpoint-service", d.service)
		if err != nil {
			return err
		}
		for _, id := range d.endpoints {
			e, ok := tx.Endpoints.Get(world.EndpointID(id))
			switch {
			case !ok || e.Provider != own.ID || !e.Works():
				out = append(out, failed(id, "InvalidVpcEndpoint.NotFound", "The Vpc Endpoint Id '"+id+"' does not exist"))
			case e.Connection == d.becomes:
			case e.Connection == world.ConnectionRejected:
				out = append(out, failed(id, "InvalidState", "The connection of the Vpc Endpoint '"+id+"' was rejected"))
			default:
				e.Connection = d.becomes
				tx.Touch(&e.Meta)
				tx.Endpoints.Put(e)
			}
		}
		return nil
	})
	return out, err
}
