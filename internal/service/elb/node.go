package elb

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// requester is who manages the interfaces of load balancers, as DescribeNetworkInterfaces shows it.
const requester = "amazon-elb"

// place is where a load balancer is to have a node.
type place struct {
	subnet world.Subnet
	addr   netip.Addr // asked for
	alloc  *string    // elastic address asked for
}

// findPlaces reads the subnets of a request: of one VPC, each in a zone of its own.
func findPlaces(tx *world.Tx, c world.Caller, ids []string, mappings []elbapi.SubnetMapping) ([]place, error) {
	switch {
	case len(ids) > 0 && len(mappings) > 0:
		return nil, awserr.ELBInvalid("You cannot specify both subnets and subnet mappings")
	case len(ids)+len(mappings) == 0:
		return nil, awserr.ELBInvalid("At least one subnet must be specified")
	}
	for _, id := range ids {
		mappings = append(mappings, elbapi.SubnetMapping{SubnetId: new(id)})
	}
	var out []place
	for _, m := range mappings {
		p := place{alloc: m.AllocationId}
		n, ok := tx.Subnets.Get(world.SubnetID(value(m.SubnetId)))
		switch {
		case m.IPv6Address != nil || m.SourceNatIpv6Prefix != nil:
			return nil, awserr.ELBUnbuilt("IPv6 addresses of load balancers are")
		case !ok || !n.OwnedBy(c):
			return nil, awserr.ELBCode("SubnetNotFound", "The subnet ID '%s' does not exist", value(m.SubnetId))
		case len(out) > 0 && n.VPC != out[0].subnet.VPC:
			return nil, awserr.ELBCode("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
		case slices.ContainsFunc(out, func(o place) bool { return o.subnet.Zone == n.Zone }):
			return nil, awserr.ELBCode("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		p.subnet = n
		if m.PrivateIPv4Address != nil {
			a, err := netip.ParseAddr(*m.PrivateIPv4Address)
			if err != nil || !n.CIDR.Contains(a) || n.Reserved(a) {
				return nil, awserr.ELBInvalid("The private IPv4 address '%s' is not one of subnet '%s'", *m.PrivateIPv4Address, n.ID)
			}
			p.addr = a
		}
		out = append(out, p)
	}
	return out, nil
}

// addNodes gives a load balancer an interface at each place.
func addNodes(tx *world.Tx, c world.Caller, b *world.LoadBalancer, places []place) error {
	b.Subnets, b.Chosen = slices.Clone(b.Subnets), slices.Clone(b.Chosen)
	for _, p := range places {
		if b.Internal && p.alloc != nil || !b.Internal && p.addr.IsValid() {
			return awserr.ELBCode("InvalidConfigurationRequest", "Elastic IP addresses are for internet-facing load balancers, and private IPv4 addresses for internal ones")
		}
		if tx.UsedAddresses(p.subnet.ID)[p.addr] {
			return awserr.ELBInvalid("The private IPv4 address '%s' is not available in subnet '%s'", p.addr, p.subnet.ID)
		}
		addrs := []netip.Addr{p.addr}
		if !p.addr.IsValid() {
			var err error
			if addrs, err = tx.AllocateAddresses(p.subnet, 1); err != nil {
				return err
			}
		}
		e := tx.NewENI(c, p.subnet, addrs, b.Groups)
		e.Balancer, e.InterfaceType, e.Description = b.ID, "network_load_balancer", "ELB "+b.Path()
		e.RequesterManaged, e.RequesterID = true, requester
		if err := publish(tx, c, *b, p, &e); err != nil {
			return err
		}
		b.Subnets = append(b.Subnets, p.subnet.ID)
		if p.addr.IsValid() || p.alloc != nil {
			b.Chosen = append(b.Chosen, p.subnet.ID)
		}
	}
	return nil
}

// publish puts the interface, with a public address if the load balancer faces the Internet.
func publish(tx *world.Tx, c world.Caller, b world.LoadBalancer, p place, e *world.ENI) error {
	if b.Internal {
		tx.ENIs.Put(*e)
		return nil
	}
	if p.alloc == nil {
		a, err := tx.AllocatePublicAddress()
		if err != nil {
			return err
		}
		e.Public = a
		tx.ENIs.Put(*e)
		return nil
	}
	a, ok := tx.Addresses.Get(world.AllocationID(*p.alloc))
	switch {
	case !ok || !a.OwnedBy(c):
		return awserr.ELBCode("AllocationIdNotFound", "The allocation IDs '%s' do not exist", *p.alloc)
	case a.Association != "":
		return awserr.ELBCode("ResourceInUse", "The allocation ID '%s' is in use", *p.alloc)
	}
	a.Association, a.ENI, a.Private, a.VPC = tx.NewID("eipassoc"), e.ID, e.Addr(), e.VPC
	tx.Touch(&a.Meta)
	tx.ENIs.Put(*e)
	tx.Addresses.Put(a)
	return nil
}

// dropNode marks an interface as one that goes, and gives its elastic address back.
func dropNode(tx *world.Tx, e world.ENI) {
	for _, a := range slices.Collect(tx.Addresses.In(string(e.ID))) {
		a.Association, a.ENI, a.Private, a.VPC = "", "", netip.Addr{}, ""
		tx.Touch(&a.Meta)
		tx.Addresses.Put(a)
	}
	e.Deleting = true
	tx.Touch(&e.Meta)
	tx.ENIs.Put(e)
}

// SetSubnets makes the subnets of a load balancer those given. Nodes that stay keep their addresses.
func (s *Service) SetSubnets(ctx context.Context, c world.Caller, in *elbapi.SetSubnetsInput) (*elbapi.SetSubnetsOutput, error) {
	if err := unbuilt("IPv6 addresses of load balancers are", or(in.IpAddressType, "ipv4") != "ipv4", or(in.EnablePrefixForIpv6SourceNat, "off") == "on"); err != nil {
		return nil, err
	}
	var b world.LoadBalancer
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if b, err = balancer(&tx.World, c, in.LoadBalancerArn); err != nil {
			return err
		}
		places, err := findPlaces(tx, c, in.Subnets, in.SubnetMappings)
		if err != nil {
			return err
		}
		if places[0].subnet.VPC != b.VPC {
			return awserr.ELBCode("InvalidSubnet", "The subnets must belong to VPC %s", b.VPC)
		}
		leaves := slices.ContainsFunc(b.Subnets, func(id world.SubnetID) bool {
			return !slices.ContainsFunc(places, func(p place) bool { return p.subnet.ID == id })
		})
		if leaves && tx.EndpointServices.Some(string(b.ID)) {
			return awserr.ELBCode("ResourceInUse", "Load balancer '%s' cannot leave subnets because it is currently associated with another service", b.ARN())
		}
		return moveNodes(tx, c, &b, places)
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.SetSubnetsOutput{AvailabilityZones: v.zones(b), IpAddressType: new("ipv4"), EnablePrefixForIpv6SourceNat: new("off")}, nil
}

// moveNodes drops the nodes at other places than those given, and adds those that are missing.
func moveNodes(tx *world.Tx, c world.Caller, b *world.LoadBalancer, places []place) error {
	at := func(id world.SubnetID) bool {
		return slices.ContainsFunc(places, func(p place) bool { return p.subnet.ID == id })
	}
	fresh := slices.DeleteFunc(slices.Clone(places), func(p place) bool { return slices.Contains(b.Subnets, p.subnet.ID) })
	for _, e := range tx.ENIsOfBalancer(b.ID) {
		if !at(e.Subnet) && !e.Deleting {
			dropNode(tx, e)
		}
	}
	gone := func(id world.SubnetID) bool { return !at(id) }
	b.Subnets = slices.DeleteFunc(slices.Clone(b.Subnets), gone)
	b.Chosen = slices.DeleteFunc(slices.Clone(b.Chosen), gone)
	if err := addNodes(tx, c, b, fresh); err != nil {
		return err
	}
	tx.Touch(&b.Meta)
	tx.LoadBalancers.Put(*b)
	return nil
}

// sortRows sorts rows by their ids.
func sortRows[R world.Row](rows []R) {
	slices.SortFunc(rows, func(a, b R) int { return cmp.Compare(a.RowID(), b.RowID()) })
}
