package ec2

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// ownService describes an endpoint service of an account's own.
func (v *view) ownService(s world.EndpointService) ec2api.ServiceConfiguration {
	b, _ := v.w.LoadBalancers.Get(s.Balancer)
	state := "Pending"
	if v.seen.Ready(b.Rev, string(b.VPC), string(b.Gateway())) {
		state = "Available"
	}
	zones := v.w.ZonesOfService(s)
	return ec2api.ServiceConfiguration{
		ServiceType: []ec2api.ServiceTypeDetail{{ServiceType: new("Interface")}}, ServiceId: new(string(s.ID)), ServiceName: new(s.Name()), ServiceState: new(state),
		AvailabilityZones: zones, AvailabilityZoneIds: zoneIDs(s.Region, zones), AcceptanceRequired: new(s.Acceptance), ManagesVpcEndpoints: new(false),
		NetworkLoadBalancerArns: []string{b.ARN()}, SupportedIpAddressTypes: []string{"ipv4"}, BaseEndpointDnsNames: []string{s.Base()}, Tags: allTags(s.Meta),
		SupportedRegions: []ec2api.SupportedRegionDetail{{Region: new(s.Region), ServiceState: new(state)}}, RemoteAccessEnabled: new(false),
	}
}

func zoneIDs(region string, zones []string) []string {
	return each(zones, func(z string) string { return world.ZoneID(region, z) })
}

// servedBy finds the one load balancer of a service.
func servedBy(w *world.World, c world.Caller, arns []string) (world.LoadBalancer, error) {
	if len(arns) != 1 {
		return world.LoadBalancer{}, unsupported("Endpoint services with another number of load balancers than one are not built.")
	}
	if !strings.HasPrefix(arns[0], "arn:") || !strings.Contains(arns[0], ":loadbalancer/net/") {
		return world.LoadBalancer{}, awserr.EC2Code("InvalidNetworkLoadBalancerArn.Malformed", "The Network Load Balancer ARN '%s' is malformed.", arns[0])
	}
	b, ok := w.LoadBalancers.Get(world.LoadBalancerID("nlb-" + arns[0][strings.LastIndex(arns[0], "/")+1:]))
	switch {
	case !ok || b.Deleting || !b.OwnedBy(c) || b.ARN() != arns[0]:
		return b, awserr.EC2Code("InvalidNetworkLoadBalancerArn.NotFound", "The Network Load Balancer ARN '%s' does not exist.", arns[0])
	case b.EnforcePrivateLinks:
		return b, unsupported("Security groups of load balancers that judge what comes by VPC endpoints are not built: set " +
			"EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic to off first.")
	case w.EndpointServices.Some(string(b.ID)):
		return b, awserr.EC2Code("InvalidParameter", "The Network Load Balancer '%s' is associated with another VPC endpoint service.", arns[0])
	}
	return b, nil
}

// CreateVpcEndpointServiceConfiguration makes a service of a load balancer.
func (s *Service) CreateVpcEndpointServiceConfiguration(ctx context.Context, c world.Caller, in *ec2api.CreateVpcEndpointServiceConfigurationInput) (*ec2api.CreateVpcEndpointServiceConfigurationOutput, error) {
	err := cmp.Or(
		notBuilt("Private DNS names of endpoint services are", set(in.PrivateDnsName)),
		notBuilt("Endpoint services of Gateway Load Balancers are", len(in.GatewayLoadBalancerArns) > 0),
		onlyIPv4(in.SupportedIpAddressTypes),
		notBuilt("Endpoint services for other regions are", slices.ContainsFunc(in.SupportedRegions, func(r string) bool { return r != c.Region })),
	)
	tags, bad := oneSpec(in.TagSpecifications, "vpc-endpoint-service")
	if err = cmp.Or(err, bad); err != nil {
		return nil, err
	}
	if len(in.NetworkLoadBalancerArns) == 0 {
		return nil, awserr.EC2MissingParameter("NetworkLoadBalancerArns")
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateVpcEndpointServiceConfiguration", in.ClientToken, in}.once(tx, func() (string, error) {
			b, err := servedBy(&tx.World, c, in.NetworkLoadBalancerArns)
			if err != nil {
				return "", err
			}
			row := world.EndpointService{
				ID: world.EndpointServiceID(tx.NewID("vpce-svc")), Meta: tx.NewMeta(c, tags), Balancer: b.ID,
				Acceptance: in.AcceptanceRequired == nil || *in.AcceptanceRequired,
			}
			tx.EndpointServices.Put(row)
			return string(row.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	row, ok := v.w.EndpointServices.Get(world.EndpointServiceID(id))
	if !ok {
		return nil, awserr.EC2NotFound("vpc-endpoint-service", id) // made with this token before, and deleted since
	}
	return &ec2api.CreateVpcEndpointServiceConfigurationOutput{ServiceConfiguration: new(v.ownService(row)), ClientToken: in.ClientToken}, nil
}

// onlyIPv4 looks at the types of addresses that a service is to be reached by.
func onlyIPv4(types []string) error {
	for i, t := range types {
		if err := cmp.Or(oneOf("supportedIpAddressType", &t, "ipv4", "ipv6"), notBuilt("Endpoint services with IPv6 are", t == "ipv6")); err != nil {
			return err
		}
		if i > 0 {
			return awserr.EC2InvalidParameter("supportedIpAddressType", t, "It is given twice.")
		}
	}
	return nil
}

// DescribeVpcEndpointServiceConfigurations lists the caller's services.
func (s *Service) DescribeVpcEndpointServiceConfigurations(_ context.Context, c world.Caller, in *ec2api.DescribeVpcEndpointServiceConfigurationsInput) (*ec2api.DescribeVpcEndpointServiceConfigurationsOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.EndpointService]{
		Tags: ownTags(func(s world.EndpointService) world.Meta { return s.Meta }),
		Fields: map[string]func(world.EndpointService) []string{
			"service-name":               one(world.EndpointService.Name),
			"service-id":                 one(func(s world.EndpointService) world.EndpointServiceID { return s.ID }),
			"service-state":              one(func(s world.EndpointService) string { return *v.ownService(s).ServiceState }),
			"supported-ip-address-types": one(func(world.EndpointService) string { return "ipv4" }),
		},
	}
	page, next, err := list(query{"vpc-endpoint-service", in.ServiceIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		mine(&v.w.EndpointServices, c), filters, listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcEndpointServiceConfigurationsOutput{ServiceConfigurations: each(page, v.ownService), NextToken: next}, nil
}

// ModifyVpcEndpointServiceConfiguration changes whether connections wait to be accepted.
func (s *Service) ModifyVpcEndpointServiceConfiguration(ctx context.Context, c world.Caller, in *ec2api.ModifyVpcEndpointServiceConfigurationInput) (*ec2api.ModifyVpcEndpointServiceConfigurationOutput, error) {
	err := cmp.Or(
		notBuilt("Private DNS names of endpoint services are", set(in.PrivateDnsName), val(in.RemovePrivateDnsName)),
		notBuilt("Endpoint services of Gateway Load Balancers are", len(in.AddGatewayLoadBalancerArns)+len(in.RemoveGatewayLoadBalancerArns) > 0),
		notBuilt("Other load balancers for an endpoint service are", len(in.AddNetworkLoadBalancerArns)+len(in.RemoveNetworkLoadBalancerArns) > 0),
		notBuilt("Endpoint services with IPv6 are", len(in.AddSupportedIpAddressTypes)+len(in.RemoveSupportedIpAddressTypes) > 0),
		notBuilt("Endpoint services for other regions are", len(in.AddSupportedRegions)+len(in.RemoveSupportedRegions) > 0),
	)
	if err != nil {
		return nil, err
	}
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		row, err := find(&tx.EndpointServices, c, "vpc-endpoint-service", in.ServiceId)
		if err != nil {
			return err
		}
		if in.AcceptanceRequired != nil {
			row.Acceptance = *in.AcceptanceRequired
		}
		tx.Touch(&row.Meta)
		tx.EndpointServices.Put(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyVpcEndpointServiceConfigurationOutput{Return: new(true)}, nil
}

// DeleteVpcEndpointServiceConfigurations deletes services nobody is connected to, or waits for.
func (s *Service) DeleteVpcEndpointServiceConfigurations(ctx context.Context, c world.Caller, in *ec2api.DeleteVpcEndpointServiceConfigurationsInput) (*ec2api.DeleteVpcEndpointServiceConfigurationsOutput, error) {
	if len(in.ServiceIds) == 0 {
		return nil, awserr.EC2MissingParameter("ServiceId")
	}
	for _, id := range in.ServiceIds {
		if err := awserr.EC2CheckID("vpc-endpoint-service", id); err != nil {
			return nil, err
		}
	}
	out := &ec2api.DeleteVpcEndpointServiceConfigurationsOutput{Unsuccessful: []ec2api.UnsuccessfulItem{}}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		out.Unsuccessful = out.Unsuccessful[:0]
		for _, id := range in.ServiceIds {
			row, ok := tx.EndpointServices.Get(world.EndpointServiceID(id))
			switch {
			case !ok || !row.OwnedBy(c):
				out.Unsuccessful = append(out.Unsuccessful, failed(id, "InvalidVpcEndpointService.NotFound", "The VpcEndpointService Id '"+id+"' does not exist"))
			case slices.ContainsFunc(tx.Connections(row.ID), func(e world.Endpoint) bool { return e.Works() && e.Connection != world.ConnectionRejected }):
				out.Unsuccessful = append(out.Unsuccessful, failed(id, "ExistingVpcEndpointConnections", "Service "+id+" has existing active VPC Endpoint connections!"))
			default:
				tx.EndpointServices.Delete(row.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// failed says why an operation did not do its work on one of several resources.
func failed(id, code, text string) ec2api.UnsuccessfulItem {
	return ec2api.UnsuccessfulItem{ResourceId: new(id), Error: &ec2api.UnsuccessfulItemError{Code: new(code), Message: new(text)}}
}
