package elb

import (
	"context"
	"slices"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// balancerState is the state of a load balancer: it is active when the kernel, and the resolvers, have it as it was asked for.
func balancerState(b world.LoadBalancer, seen store.Seen) string {
	if seen.Ready(b.Rev, string(b.VPC), string(b.Gateway()), "names") {
		return "active"
	}
	return "provisioning"
}

// balancer describes a load balancer.
func (v *view) balancer(b world.LoadBalancer) elbapi.LoadBalancer {
	scheme := "internet-facing"
	if b.Internal {
		scheme = "internal"
	}
	out := elbapi.LoadBalancer{
		LoadBalancerArn: new(b.ARN()), DNSName: new(b.DNSName()), CanonicalHostedZoneId: new(world.BalancerZone(b.Region)),
		CreatedTime: new(b.Created), LoadBalancerName: new(b.Name), Scheme: new(scheme), VpcId: new(string(b.VPC)),
		State: &elbapi.LoadBalancerState{Code: new(balancerState(b, v.seen))}, Type: new("network"), AvailabilityZones: v.zones(b),
		IpAddressType: new("ipv4"), EnablePrefixForIpv6SourceNat: new("off"),
	}
	if len(b.Groups) > 0 {
		out.SecurityGroups, out.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic = plain(b.Groups), new(onOff(b.EnforcePrivateLinks))
	}
	return out
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// zones are the zones of a load balancer with the addresses that were asked for in them.
func (v *view) zones(b world.LoadBalancer) []elbapi.AvailabilityZone {
	var out []elbapi.AvailabilityZone
	for _, id := range b.Subnets {
		n, _ := v.w.Subnets.Get(id)
		z := elbapi.AvailabilityZone{ZoneName: new(n.Zone), SubnetId: new(string(id)), LoadBalancerAddresses: []elbapi.LoadBalancerAddress{}}
		for _, e := range v.w.ENIsOfBalancer(b.ID) {
			if e.Subnet != id || e.Deleting || !slices.Contains(b.Chosen, id) {
				continue
			}
			a := elbapi.LoadBalancerAddress{PrivateIPv4Address: new(e.Addr().String())}
			if x, ok := v.w.AddressOf(e, e.Addr()); ok {
				a = elbapi.LoadBalancerAddress{IpAddress: new(x.Public.String()), AllocationId: new(string(x.ID))}
			}
			z.LoadBalancerAddresses = append(z.LoadBalancerAddresses, a)
		}
		out = append(out, z)
	}
	return out
}

// CreateLoadBalancer makes a Network Load Balancer; asking for the same again gives the one there is.
func (s *Service) CreateLoadBalancer(ctx context.Context, c world.Caller, in *elbapi.CreateLoadBalancerInput) (*elbapi.CreateLoadBalancerOutput, error) {
	tags, err := mergeTags(nil, in.Tags)
	if err == nil {
		err = checkBalancer(in)
	}
	if err != nil {
		return nil, err
	}
	var b world.LoadBalancer
	v, err := s.update(ctx, func(tx *world.Tx) error {
		places, err := findPlaces(tx, c, in.Subnets, in.SubnetMappings)
		if err != nil {
			return err
		}
		b = world.LoadBalancer{
			ID: world.LoadBalancerID("nlb-" + tx.Hex(16)), Meta: tx.NewMeta(c, tags), Name: *in.Name,
			Internal: value(in.Scheme) == "internal", VPC: places[0].subnet.VPC, EnforcePrivateLinks: len(in.SecurityGroups) > 0,
		}
		if b.Groups, err = securityGroups(&tx.World, c, b.VPC, in.SecurityGroups); err != nil {
			return err
		}
		if old, ok := tx.BalancerNamed(c, b.Name); ok {
			b, err = again(old, b, places)
			return err
		}
		if err := room(tx, c, b); err != nil {
			return err
		}
		if err := addNodes(tx, c, &b, places); err != nil {
			return err
		}
		tx.LoadBalancers.Put(b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.CreateLoadBalancerOutput{LoadBalancers: []elbapi.LoadBalancer{v.balancer(b)}}, nil
}

// checkBalancer holds the rules that need no World.
func checkBalancer(in *elbapi.CreateLoadBalancerInput) error {
	if err := checkName(*in.Name, "The load balancer"); err != nil {
		return err
	}
	switch or(in.Type, "application") {
	case "application":
		return awserr.ELBUnbuilt("Application Load Balancers are")
	case "gateway":
		return awserr.ELBUnbuilt("Gateway Load Balancers are")
	}
	if err := unbuilt("IPv6 addresses of load balancers are", or(in.IpAddressType, "ipv4") != "ipv4", or(in.EnablePrefixForIpv6SourceNat, "off") == "on"); err != nil {
		return err
	}
	return unbuilt("Address pools of load balancers are", in.CustomerOwnedIpv4Pool != nil, in.IpamPools != nil)
}

// again is the load balancer of the same name, if it is as asked for.
func again(old, wish world.LoadBalancer, places []place) (world.LoadBalancer, error) {
	subnets := each(places, func(p place) world.SubnetID { return p.subnet.ID })
	slices.Sort(subnets)
	if old.Internal == wish.Internal && slices.Equal(slices.Sorted(slices.Values(old.Subnets)), subnets) && slices.Equal(old.Groups, wish.Groups) && slices.Equal(old.Tags, wish.Tags) {
		return old, nil
	}
	return old, awserr.ELBCode("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", wish.Name)
}

// room looks whether the account may have one more, and the VPC a way for it.
func room(tx *world.Tx, c world.Caller, b world.LoadBalancer) error {
	if len(tx.LoadBalancers.Where(func(o world.LoadBalancer) bool { return o.OwnedBy(c) && !o.Deleting })) >= mostBalancers {
		return awserr.ELBCode("TooManyLoadBalancers", "The maximum number of load balancers has been reached")
	}
	if _, uplink := tx.GatewayOfVPC(b.VPC); !b.Internal && !uplink {
		return awserr.ELBCode("InvalidSubnet", "VPC %s has no internet gateway", b.VPC)
	}
	return nil
}

// DescribeLoadBalancers lists the caller's load balancers.
func (s *Service) DescribeLoadBalancers(_ context.Context, c world.Caller, in *elbapi.DescribeLoadBalancersInput) (*elbapi.DescribeLoadBalancersOutput, error) {
	v := s.look()
	rows := v.w.LoadBalancers.Where(func(b world.LoadBalancer) bool { return b.OwnedBy(c) && !b.Deleting })
	if len(in.LoadBalancerArns) > 0 || len(in.Names) > 0 {
		if len(in.LoadBalancerArns) > 0 && len(in.Names) > 0 {
			return nil, awserr.ELBInvalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
		}
		rows = nil
		for _, arn := range in.LoadBalancerArns {
			b, err := balancer(&v.w, c, &arn)
			if err != nil {
				return nil, err
			}
			rows = append(rows, b)
		}
		for _, name := range in.Names {
			b, ok := v.w.BalancerNamed(c, name)
			if !ok {
				return nil, awserr.ELBCode("LoadBalancerNotFound", "Load balancers '[%s]' not found", name)
			}
			rows = append(rows, b)
		}
		sortRows(rows)
	}
	page, next, err := paged(rows, in.PageSize, in.Marker)
	return &elbapi.DescribeLoadBalancersOutput{LoadBalancers: each(page, v.balancer), NextMarker: next}, err
}

// DeleteLoadBalancer ends a load balancer, and its listeners. One that is not there is no error.
func (s *Service) DeleteLoadBalancer(ctx context.Context, c world.Caller, in *elbapi.DeleteLoadBalancerInput) (*elbapi.DeleteLoadBalancerOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		b, err := balancer(&tx.World, c, in.LoadBalancerArn)
		if absent, ok := err.(*awserr.Error); ok && absent.Code == "LoadBalancerNotFound" {
			return nil
		}
		if err != nil {
			return err
		}
		if b.DeletionProtection {
			return awserr.ELBCode("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", b.ARN())
		}
		if tx.EndpointServices.Some(string(b.ID)) {
			return awserr.ELBCode("ResourceInUse", "Load balancer '%s' cannot be deleted because it is currently associated with another service", b.ARN())
		}
		for _, l := range slices.Collect(tx.Listeners.In(string(b.ID))) {
			tx.Listeners.Delete(l.ID)
		}
		b.Deleting = true
		tx.Touch(&b.Meta)
		tx.LoadBalancers.Put(b)
		for _, e := range tx.ENIsOfBalancer(b.ID) {
			dropNode(tx, e)
		}
		return nil
	})
	return &elbapi.DeleteLoadBalancerOutput{}, err
}

// SetSecurityGroups gives a load balancer other groups. One that was made without any never has some, and the other way round.
func (s *Service) SetSecurityGroups(ctx context.Context, c world.Caller, in *elbapi.SetSecurityGroupsInput) (*elbapi.SetSecurityGroupsOutput, error) {
	var b world.LoadBalancer
	_, err := s.settle(ctx, func(tx *world.Tx) (err error) {
		if b, err = balancer(&tx.World, c, in.LoadBalancerArn); err != nil {
			return err
		}
		switch {
		case len(b.Groups) == 0:
			return awserr.ELBCode("InvalidConfigurationRequest", "You cannot set security groups on a Network Load Balancer that was created without any")
		case len(in.SecurityGroups) == 0:
			return awserr.ELBCode("InvalidConfigurationRequest", "You must specify at least one security group")
		}
		if b.Groups, err = securityGroups(&tx.World, c, b.VPC, in.SecurityGroups); err != nil {
			return err
		}
		if err := unbuilt("Security groups that judge what comes by VPC endpoints are",
			tx.EndpointServices.Some(string(b.ID)) && value(in.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic) == "on"); err != nil {
			return err
		}
		b.EnforcePrivateLinks = or(in.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic, onOff(b.EnforcePrivateLinks)) == "on"
		tx.Touch(&b.Meta)
		tx.LoadBalancers.Put(b)
		for _, e := range tx.ENIsOfBalancer(b.ID) {
			e.Groups = b.Groups
			tx.Touch(&e.Meta)
			tx.ENIs.Put(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.SetSecurityGroupsOutput{
		SecurityGroupIds: plain(b.Groups), EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: new(onOff(b.EnforcePrivateLinks)),
	}, nil
}
