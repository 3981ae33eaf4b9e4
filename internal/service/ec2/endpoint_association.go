package ec2

import (
	"context"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/fabric"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// DescribeVpcEndpointAssociations lists the resources at the caller's endpoints of types Resource and ServiceNetwork.
func (s *Service) DescribeVpcEndpointAssociations(_ context.Context, c world.Caller, in *ec2api.DescribeVpcEndpointAssociationsInput) (*ec2api.DescribeVpcEndpointAssociationsOutput, error) {
	v := s.look(c)
	of, err := pick("vpc-endpoint", in.VpcEndpointIds, mine(&v.w.Endpoints, c))
	if err != nil {
		return nil, err
	}
	var rows []world.EndpointAssociation
	for _, e := range of {
		rows = append(rows, slices.Collect(v.w.EndpointAssociations.In(string(e.ID)))...)
	}
	d := &associations{view: v}
	page, next, err := list(query{noun: "vpc-endpoint-association", filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun},
		rows, d.filters(), listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcEndpointAssociationsOutput{VpcEndpointAssociations: each(page, d.describe), NextToken: next}, nil
}

// associations describes associations; it compiles the network when it is first needed.
type associations struct {
	*view
	fabric *fabric.Fabric
}

func (d *associations) describe(a world.EndpointAssociation) ec2api.VpcEndpointAssociation {
	e, _ := d.w.Endpoints.Get(a.Endpoint)
	cfg, _ := d.w.ResourceConfigurations.Get(a.Configuration)
	out := ec2api.VpcEndpointAssociation{
		Id: new(string(a.ID)), VpcEndpointId: new(string(a.Endpoint)), AssociatedResourceAccessibility: new("Inaccessible"),
		DnsEntry:              &ec2api.DnsEntry{DnsName: new(d.w.EndpointAssociationName(a)), HostedZoneId: new(world.ResourceHostedZone(e.Region))},
		AssociatedResourceArn: new(cfg.OwnARN()),
	}
	if d.accessible(e, a) {
		out.AssociatedResourceAccessibility = new("Accessible")
	}
	if n, ok := d.w.ServiceNetworks.Get(e.Network); ok {
		out.ServiceNetworkArn, out.ServiceNetworkName = new(n.ARN()), new(n.Name)
	}
	if g, ok := d.w.ResourceConfigurations.Get(cfg.Group); ok {
		out.ResourceConfigurationGroupArn = new(g.OwnARN())
	}
	if a.Failure != "" {
		out.FailureCode = new(a.Failure)
		if e.Message != "" {
			out.FailureReason = new(e.Message)
		}
	}
	return out
}

// accessible tells whether packets get from the endpoint to the resource's gateway, and on from there: all of it is in the
// kernel, and the gateway knows where the resource is.
func (d *associations) accessible(e world.Endpoint, a world.EndpointAssociation) bool {
	cfg, _ := d.w.ResourceConfigurations.Get(a.Configuration)
	g, ok := d.w.GatewayOf(cfg)
	rev := max(a.Rev, cfg.Rev, g.Rev)
	if r, ok := d.w.ResourceAssociations.Get(a.Resource); ok {
		rev = max(rev, r.Rev)
	}
	if !ok || a.Failure != "" || !e.Works() || !d.seen.Ready(rev, string(e.VPC), string(e.ID), string(g.ID), string(g.VPC)) {
		return false
	}
	if d.fabric == nil {
		d.fabric = fabric.Compile(d.w)
	}
	gateway := d.fabric.Gateway(g.ID)
	if gateway == nil {
		return false
	}
	return slices.ContainsFunc(gateway.Listeners, func(l fabric.Listener) bool {
		return l.Endpoint == e.ID && slices.Contains(a.Addrs, l.Addr) && l.Target.IsValid()
	})
}

func (d *associations) filters() listing.Filters[world.EndpointAssociation] {
	text := func(f func(ec2api.VpcEndpointAssociation) *string) func(world.EndpointAssociation) []string {
		return func(a world.EndpointAssociation) []string { return some(f(d.describe(a))) }
	}
	return listing.Filters[world.EndpointAssociation]{
		Fields: map[string]func(world.EndpointAssociation) []string{
			"vpc-endpoint-id":                  one(func(a world.EndpointAssociation) world.EndpointID { return a.Endpoint }),
			"association-id":                   one(func(a world.EndpointAssociation) world.EndpointAssociationID { return a.ID }),
			"associated-resource-id":           one(func(a world.EndpointAssociation) world.ResourceConfigurationID { return a.Configuration }),
			"service-network-arn":              text(func(a ec2api.VpcEndpointAssociation) *string { return a.ServiceNetworkArn }),
			"resource-configuration-group-arn": text(func(a ec2api.VpcEndpointAssociation) *string { return a.ResourceConfigurationGroupArn }),
			"associated-resource-accessibility": func(a world.EndpointAssociation) []string {
				switch out := d.describe(a); {
				case *out.AssociatedResourceAccessibility == "Accessible":
					return []string{"AVAILABLE", "Accessible"}
				case out.FailureCode != nil:
					return []string{"FAILED", "Inaccessible"}
				}
				return []string{"PENDING", "Inaccessible"}
			},
		},
		Tags: ownTags(func(a world.EndpointAssociation) world.Meta { return a.Meta }),
	}
}
