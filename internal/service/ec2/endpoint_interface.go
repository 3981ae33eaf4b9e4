package ec2

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// checkInterface looks at a request for an interface endpoint.
func checkInterface(q *endpointRequest) error {
	in := q.in
	return cmp.Or(
		notBuilt("Endpoints to services of other regions are", set(in.ServiceRegion) && *in.ServiceRegion != q.c.Region),
		notThere("ServiceNetworkArn", set(in.ServiceNetworkArn), "Interface"),
		notThere("ResourceConfigurationArn", set(in.ResourceConfigurationArn), "Interface"),
		notThere("RouteTableIds", len(in.RouteTableIds) > 0, "Interface"),
		checkAddressType(in.IpAddressType),
		checkDNSOptions(in.DnsOptions),
		need("ServiceName", in.ServiceName),
		onOffer(q.c, val(in.ServiceName)),
	)
}

// notThere refuses a parameter that endpoints of the type do not have.
func notThere(parameter string, given bool, kind string) error {
	if !given {
		return nil
	}
	return awserr.EC2Code("InvalidParameter", "%s cannot be specified for VPC endpoints of type %s.", parameter, kind)
}

// checkAddressType refuses IPv6.
func checkAddressType(given *string) error {
	return cmp.Or(oneOf("ipAddressType", given, "ipv4", "dualstack", "ipv6"), notBuilt("IPv6 addresses of VPC endpoints are", set(given) && *given != "ipv4"))
}

// checkDNSOptions looks at the DNS options of an interface endpoint.
func checkDNSOptions(o *ec2api.DnsOptionsSpecification) error {
	if o == nil {
		return nil
	}
	return cmp.Or(
		oneOf("dnsRecordIpType", o.DnsRecordIpType, "ipv4", "dualstack", "ipv6", "service-defined"),
		notBuilt("IPv6 records of VPC endpoints are", set(o.DnsRecordIpType) && *o.DnsRecordIpType != "ipv4" && *o.DnsRecordIpType != "service-defined"),
		notThere("PrivateDnsPreference", set(o.PrivateDnsPreference), "Interface"),
		notThere("PrivateDnsSpecifiedDomains", len(o.PrivateDnsSpecifiedDomains) > 0, "Interface"),
	)
}

// onOffer checks that AWS has endpoints of a service, unless it is one of an account's own: that is looked for in the World.
func onOffer(c world.Caller, name string) error {
	if strings.HasPrefix(name, ownPrefix) {
		return nil
	}
	return serviceOf(c, name, world.EndpointInterface)
}

// ownPrefix is what names of services of accounts' own begin with.
const ownPrefix = "com.amazonaws.vpce."

// serviceOf checks that a service has endpoints of a type in the caller's region.
func serviceOf(c world.Caller, name, kind string) error {
	s, region, ok := world.FindAWSService(name)
	if !ok || region != c.Region {
		return awserr.EC2Code("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
	}
	if !s.Has(kind) {
		return awserr.EC2Code("InvalidParameter", "The VPC endpoint service %s does not support endpoints of type %s.", name, kind)
	}
	return nil
}

// makeInterface gives an interface endpoint its groups, and an interface in each of its subnets.
func makeInterface(q *endpointRequest, tx *world.Tx, e *world.Endpoint) error {
	e.Service, e.DNSOptions = *q.in.ServiceName, dnsOptions(q.in.DnsOptions, e.DNSOptions)
	s, _, ok := world.FindAWSService(e.Service)
	e.PrivateDNS = ok && q.in.PrivateDnsEnabled == nil && !s.Gateway || val(q.in.PrivateDnsEnabled)
	if !ok {
		if err := connect(q, tx, e); err != nil {
			return err
		}
	}
	if err := inboundOnly(tx, *e); err != nil {
		return err
	}
	groups, err := groupsFor(&tx.World, q.c, world.Subnet{VPC: e.VPC}, q.in.SecurityGroupIds)
	if err != nil {
		return err
	}
	e.Groups = groups
	if err := privateNamesFree(tx, *e); err != nil {
		return err
	}
	return addSubnets(tx, q.c, e, q.in.SubnetIds, q.in.SubnetConfigurations)
}

// connect has an endpoint lead to a service of an account's own, once that accepts it. A service the caller may not use is
// none to it.
func connect(q *endpointRequest, tx *world.Tx, e *world.Endpoint) error {
	s, ok := tx.ServiceNamed(e.Service)
	if !ok || s.Region != q.c.Region || !allows(&tx.World, q.c, s) {
		return awserr.EC2Code("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", e.Service)
	}
	if err := notOwn(e.PrivateDNS, set(q.in.PolicyDocument), e.Service); err != nil {
		return err
	}
	e.Provider, e.Connection = s.ID, world.ConnectionAccepted
	if s.Acceptance {
		e.Connection = world.ConnectionPending
	}
	var err error
	if e.Index, err = tx.FreeConsumerIndex(); err != nil {
		return awserr.EC2Limit("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.")
	}
	return nil
}

// notOwn refuses what services of accounts' own do not have.
func notOwn(private, policy bool, name string) error {
	switch {
	case private:
		return awserr.EC2Code("InvalidParameter", "Private DNS can't be enabled because the service %s does not provide a private DNS name.", name)
	case policy:
		return awserr.EC2Code("InvalidParameter", "The VPC endpoint service %s does not support endpoint policies.", name)
	}
	return nil
}

// reaches checks that a service of an account's own is in the zones of subnets.
func reaches(tx *world.Tx, e *world.Endpoint, subnets []world.Subnet) error {
	s, ok := tx.EndpointServices.Get(e.Provider)
	for _, n := range subnets {
		if ok && !slices.Contains(tx.ZonesOfService(s), n.Zone) {
			return awserr.EC2Code("InvalidParameter", "The VPC endpoint service %s does not support the availability zone of the subnet: %s.", e.Service, n.ID)
		}
	}
	return nil
}

// dnsOptions are the options as they become.
func dnsOptions(in *ec2api.DnsOptionsSpecification, have *world.EndpointDNSOptions) *world.EndpointDNSOptions {
	out := world.EndpointDNSOptions{RecordIPType: "ipv4"}
	if have != nil {
		out = *have
	}
	if in != nil && set(in.DnsRecordIpType) {
		out.RecordIPType = *in.DnsRecordIpType
	}
	if in != nil && in.PrivateDnsOnlyForInboundResolverEndpoint != nil {
		out.InboundResolverOnly = *in.PrivateDnsOnlyForInboundResolverEndpoint
	}
	return &out
}

// addSubnets gives an endpoint an interface in each of further subnets, with the addresses asked for.
func addSubnets(tx *world.Tx, c world.Caller, e *world.Endpoint, ids []string, asked []ec2api.SubnetConfiguration) error {
	addrs := map[string]netip.Addr{}
	for _, a := range asked {
		if err := notBuilt("IPv6 addresses of VPC endpoints are", set(a.Ipv6)); err != nil {
			return err
		}
		if set(a.Ipv4) {
			addr, err := parseAddr(*a.Ipv4)
			if err != nil {
				return err
			}
			addrs[val(a.SubnetId)] = addr
		}
		if !slices.Contains(ids, val(a.SubnetId)) && !slices.Contains(e.Subnets, world.SubnetID(val(a.SubnetId))) {
			return awserr.EC2Code("InvalidParameter", "The subnet %s of a subnet configuration is not among the subnets of the endpoint.", val(a.SubnetId))
		}
	}
	subnets, err := endpointSubnets(tx, c, e.VPC, e.Subnets, ids)
	if err == nil {
		err = reaches(tx, e, subnets)
	}
	if err != nil {
		return err
	}
	e.Subnets = slices.Clone(e.Subnets)
	for _, n := range subnets {
		x := nic{subnet: n}
		if a, ok := addrs[string(n.ID)]; ok {
			x.addrs = []netip.Addr{a}
		}
		eni, err := endpointENI(tx, c, e, x)
		if err != nil {
			return err
		}
		tx.ENIs.Put(eni)
		e.Subnets = append(e.Subnets, n.ID)
	}
	return nil
}

// describeInterface says what only interface endpoints have.
func describeInterface(v *view, e world.Endpoint, out *ec2api.VpcEndpoint) {
	out.IpAddressType, out.ServiceRegion, out.PolicyDocument = new("ipv4"), new(e.Region), new(cmp.Or(e.Policy, openPolicy))
	out.DnsOptions = &ec2api.DnsOptions{DnsRecordIpType: new(e.DNSOptions.RecordIPType)}
	if s, _, _ := world.FindAWSService(e.Service); s.Gateway {
		out.DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint = new(e.DNSOptions.InboundResolverOnly)
	}
	if e.Provider != "" {
		out.State, out.PolicyDocument = new(v.connectionState(e)), nil
	}
	for _, id := range e.Subnets {
		for _, n := range v.w.ENIsOfEndpoint(e.ID) {
			if n.Subnet == id {
				out.NetworkInterfaceIds = append(out.NetworkInterfaceIds, string(n.ID))
			}
		}
	}
	for _, n := range v.w.EndpointNames(e) {
		out.DnsEntries = append(out.DnsEntries, ec2api.DnsEntry{DnsName: new(n.Name), HostedZoneId: new(n.Zone)})
	}
}

// openPolicy is the policy of an endpoint that was given none.
const openPolicy = `{
  "Statement": [
    {
      "Action": "*", 
      "Effect": "Allow", 
      "Principal": "*", 
      "Resource": "*"
    }
  ]
}`
