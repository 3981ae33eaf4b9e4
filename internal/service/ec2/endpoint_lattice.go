package ec2

import (
	"cmp"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// This file is about the endpoints that lead to VPC Lattice: of type ServiceNetwork, to all resources of a service
// network, and of type Resource, to one resource configuration.

// checkLattice looks at a request for such an endpoint.
func checkLattice(q *endpointRequest) error {
	in, kind := q.in, val(q.in.VpcEndpointType)
	network := kind == world.EndpointServiceNetwork
	err := cmp.Or(
		notBuilt("Endpoints to service networks and resources of other regions are", set(in.ServiceRegion) && *in.ServiceRegion != q.c.Region),
		notThere("ServiceName", set(in.ServiceName), kind),
		notThere("PolicyDocument", set(in.PolicyDocument), kind),
		notThere("RouteTableIds", len(in.RouteTableIds) > 0, kind),
		notThere("ResourceConfigurationArn", network && set(in.ResourceConfigurationArn), kind),
		notThere("ServiceNetworkArn", !network && set(in.ServiceNetworkArn), kind),
		notBuilt("Addresses that are asked for at endpoints of type "+kind+" are", len(in.SubnetConfigurations) > 0),
		checkAddressType(in.IpAddressType),
		checkLatticeDNS(in.DnsOptions),
	)
	switch {
	case err != nil:
		return err
	case len(in.SubnetIds) == 0:
		return awserr.EC2MissingParameter("SubnetId")
	case network:
		return need("ServiceNetworkArn", in.ServiceNetworkArn)
	}
	return need("ResourceConfigurationArn", in.ResourceConfigurationArn)
}

// checkLatticeDNS looks at the DNS options: private names of resources are those of verified domains, and there are none.
func checkLatticeDNS(o *ec2api.DnsOptionsSpecification) error {
	if o == nil {
		return nil
	}
	return cmp.Or(
		oneOf("dnsRecordIpType", o.DnsRecordIpType, "ipv4", "dualstack", "ipv6", "service-defined"),
		oneOf("privateDnsPreference", o.PrivateDnsPreference, "VERIFIED_DOMAINS_ONLY", "ALL_DOMAINS", "VERIFIED_DOMAINS_AND_SPECIFIED_DOMAINS", "SPECIFIED_DOMAINS_ONLY"),
		notBuilt("IPv6 records of VPC endpoints are", set(o.DnsRecordIpType) && *o.DnsRecordIpType != "ipv4" && *o.DnsRecordIpType != "service-defined"),
		notBuilt("Private names for inbound Resolver endpoints alone are", val(o.PrivateDnsOnlyForInboundResolverEndpoint)),
		notBuilt("Private names of domains that are not verified are", set(o.PrivateDnsPreference) && *o.PrivateDnsPreference != "VERIFIED_DOMAINS_ONLY",
			len(o.PrivateDnsSpecifiedDomains) > 0),
	)
}

// makeLattice gives the endpoint its interfaces and its resources. One for which there is no room is made all the same,
// and fails.
func makeLattice(q *endpointRequest, tx *world.Tx, e *world.Endpoint) error {
	if err := leadsTo(tx, q.c, q.in, e); err != nil {
		return err
	}
	groups, err := groupsFor(&tx.World, q.c, world.Subnet{VPC: e.VPC}, q.in.SecurityGroupIds)
	if err != nil {
		return err
	}
	subnets, err := endpointSubnets(tx, q.c, e.VPC, nil, q.in.SubnetIds)
	if err != nil {
		return err
	}
	if e.Index, err = tx.FreeConsumerIndex(); err != nil {
		return awserr.EC2Limit("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.")
	}
	e.Groups, e.PrivateDNS = groups, val(q.in.PrivateDnsEnabled)
	for _, n := range subnets {
		e.Subnets = append(e.Subnets, n.ID)
	}
	if q.in.DnsOptions != nil {
		e.DNSOptions = &world.EndpointDNSOptions{RecordIPType: cmp.Or(val(q.in.DnsOptions.DnsRecordIpType), "ipv4"), Preference: val(q.in.DnsOptions.PrivateDnsPreference)}
	}
	if err := tx.PlaceEndpoint(*e); err != nil {
		e.Failure, e.Message = world.NoFreeAddresses, "There are not enough free addresses in the subnets of the endpoint: each network interface takes one, "+
			"and a service network a block of 16 besides."
	}
	tx.Endpoints.Put(*e)
	tx.SettleEndpoints()
	return nil
}

// leadsTo finds what the endpoint is to lead to: something of the caller's, or something that is shared with it.
func leadsTo(tx *world.Tx, c world.Caller, in *ec2api.CreateVpcEndpointInput, e *world.Endpoint) error {
	if e.Type == world.EndpointServiceNetwork {
		arn := *in.ServiceNetworkArn
		id, err := latticeID("InvalidServiceNetworkArn", "servicenetwork/sn-", arn)
		if n, ok := tx.ServiceNetworks.Get(world.ServiceNetworkID(id)); err == nil && (!ok || n.ARN() != arn ||
			!n.OwnedBy(c) && !tx.Grants(c, arn, "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation")) {
			err = noSuchARN("InvalidServiceNetworkArn", arn)
		}
		e.Network = world.ServiceNetworkID(id)
		return err
	}
	arn := *in.ResourceConfigurationArn
	id, err := latticeID("InvalidResourceConfigurationArn", "resourceconfiguration/rcfg-", arn)
	if err != nil {
		return err
	}
	cfg, ok := tx.ResourceConfigurations.Get(world.ResourceConfigurationID(id))
	switch {
	case !ok || cfg.Deleting || cfg.OwnARN() != arn || !cfg.OwnedBy(c) && !tx.Grants(c, arn, "vpc-lattice:GetResourceConfiguration"):
		return noSuchARN("InvalidResourceConfigurationArn", arn)
	case cfg.Type == world.ConfigurationChild:
		return awserr.EC2Code("InvalidParameter", "The resource configuration %s is of type CHILD. Specify its group %s.", cfg.ID, cfg.Group)
	}
	e.Configuration = cfg.ID
	return nil
}

// latticeID is the id in the ARN of a resource of VPC Lattice.
func latticeID(code, resource, arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "vpc-lattice" || !strings.HasPrefix(parts[5], resource) {
		return "", awserr.EC2Code(code+".Malformed", "The ARN '%s' is malformed.", arn)
	}
	_, id, _ := strings.Cut(parts[5], "/")
	return id, nil
}

func noSuchARN(code, arn string) error {
	return awserr.EC2Code(code+".NotFound", "The ARN '%s' does not exist.", arn)
}

// modifyLattice changes groups: neither subnets nor anything else of such an endpoint can be changed. (AWS PrivateLink
// Guide, "Access VPC resources through AWS PrivateLink".)
func modifyLattice(q *endpointChange, e *world.Endpoint) error {
	in := q.in
	err := cmp.Or(
		notThere("RouteTableIds", len(in.AddRouteTableIds)+len(in.RemoveRouteTableIds) > 0, e.Type),
		notThere("PolicyDocument", set(in.PolicyDocument) || val(in.ResetPolicy), e.Type),
		notChangeable("Subnets", len(in.AddSubnetIds)+len(in.RemoveSubnetIds)+len(in.SubnetConfigurations) > 0, e.Type),
		notChangeable("The IP address type", set(in.IpAddressType) && !strings.EqualFold(*in.IpAddressType, "ipv4"), e.Type),
		checkLatticeDNS(in.DnsOptions),
	)
	if err != nil {
		return err
	}
	if in.PrivateDnsEnabled != nil {
		e.PrivateDNS = *in.PrivateDnsEnabled
	}
	return q.groups(e)
}

func notChangeable(what string, asked bool, kind string) error {
	if !asked {
		return nil
	}
	return awserr.EC2Code("InvalidParameter", "%s cannot be modified for VPC endpoints of type %s.", what, kind)
}

// latticeState is the state of such an endpoint. It is written in another way than that of others.
func latticeState(e world.Endpoint, seen store.Seen) string {
	switch {
	case e.Deleting:
		return "Deleting"
	case seen.Rev < e.Rev:
		return "Pending"
	case e.Failure != "":
		return "Failed"
	case seen.Ready(e.Rev, string(e.VPC), string(e.ID)):
		return "Available"
	}
	return "Pending"
}

// describeLattice leaves out what such endpoints do not have, and names what they lead to. The names of their resources
// are told by DescribeVpcEndpointAssociations.
func describeLattice(v *view, e world.Endpoint, out *ec2api.VpcEndpoint) {
	out.State, out.IpAddressType = new(latticeState(e, v.seen)), new("IPV4")
	out.RouteTableIds, out.NetworkInterfaceIds, out.DnsEntries, out.RequesterManaged = nil, nil, nil, nil
	if *out.State != "Pending" {
		out.NetworkInterfaceIds = each(v.w.ENIsOfEndpoint(e.ID), func(n world.ENI) string { return string(n.ID) })
		slices.Sort(out.NetworkInterfaceIds)
	} else {
		out.LastError, out.FailureReason = nil, nil
	}
	if e.DNSOptions != nil {
		out.DnsOptions = &ec2api.DnsOptions{DnsRecordIpType: new(e.DNSOptions.RecordIPType)}
		if e.DNSOptions.Preference != "" {
			out.DnsOptions.PrivateDnsPreference = new(e.DNSOptions.Preference)
		}
	}
	if n, ok := v.w.ServiceNetworks.Get(e.Network); ok {
		out.ServiceNetworkArn = new(n.ARN())
	}
	if cfg, ok := v.w.ResourceConfigurations.Get(e.Configuration); ok {
		out.ResourceConfigurationArn = new(cfg.OwnARN())
	}
}
