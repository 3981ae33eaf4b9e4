package worlds

import (
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// acls puts a VPC's default ACL, which lets everything pass, and now and then another. It returns them, the default one
// more than once.
func (l *layout) acls(v world.VPC) []world.NetworkACLID {
	all := netip.MustParsePrefix("0.0.0.0/0")
	open := func(egress bool) world.NetworkACLEntry {
		return world.NetworkACLEntry{Number: 100, Egress: egress, Allow: true, Protocol: world.AnyProtocol, CIDR: all}
	}
	put := func(isDefault bool, entries []world.NetworkACLEntry) world.NetworkACLID {
		id := world.NetworkACLID(l.tx.NewID("acl"))
		l.tx.NetworkACLs.Put(world.NetworkACL{ID: id, Meta: l.tx.NewMeta(l.c, nil), VPC: v.ID, Default: isDefault, Entries: entries})
		return id
	}
	first := put(true, []world.NetworkACLEntry{open(false), open(true)})
	out := []world.NetworkACLID{first, first}
	if !l.ACLs {
		return out
	}
	for range l.r.IntN(3) {
		var entries []world.NetworkACLEntry
		for _, egress := range []bool{false, true} {
			if l.pick(3) {
				entries = append(entries, open(egress))
				continue
			}
			number := 1
			for range l.r.IntN(5) {
				number += 1 + l.r.IntN(30)
				entries = append(entries, l.entry(number, egress))
			}
			if !l.pick(4) { // answers, or everything
				e := open(egress)
				e.Number = 1000
				if l.pick(2) {
					e.Protocol, e.Ports = world.TCP, world.PortRange{From: 1024, To: 65535}
				}
				entries = append(entries, e)
			}
		}
		out = append(out, put(false, entries))
	}
	return out
}

func (l *layout) entry(number int, egress bool) world.NetworkACLEntry {
	e := world.NetworkACLEntry{Number: number, Egress: egress, Allow: !l.pick(3), CIDR: netip.MustParsePrefix(One(l.r, peers))}
	switch l.r.IntN(6) {
	case 0:
		e.Protocol = world.AnyProtocol
	case 1:
		e.Protocol, e.ICMP = world.ICMP, world.ICMPMatch{Type: One(l.r, []int{-1, 0, 8}), Code: -1}
	case 2:
		e.Protocol, e.Ports = world.UDP, One(l.r, append(ranges, world.PortRange{From: 30000, To: 65535}))
	default:
		e.Protocol, e.Ports = world.TCP, One(l.r, append(ranges, world.PortRange{From: 1024, To: 65535}))
	}
	return e
}

// beyond puts the ways out of the VPCs, and routes to them.
func (l *layout) beyond() {
	vpcs := l.tx.VPCs.Where(func(world.VPC) bool { return true })
	if l.Peerings {
		for i, a := range vpcs {
			for _, b := range vpcs[:i] {
				if !a.Overlaps(b) && !l.pick(4) {
					l.peering(a, b)
				}
			}
		}
	}
	for _, v := range vpcs {
		if l.InternetGateways && !l.pick(3) {
			l.internet(v)
		}
		if l.NATGateways && l.pick(2) {
			l.nat(v)
		}
		l.routes(v)
	}
}

func (l *layout) peering(a, b world.VPC) {
	side := func(v world.VPC) world.PeeringSide {
		return world.PeeringSide{VPC: v.ID, Account: v.Account, Region: v.Region}
	}
	id, status := world.PeeringID(l.tx.NewID("pcx")), world.PeeringActive
	if l.Absent && l.pick(6) {
		status = One(l.r, []string{"pending-acceptance", "deleted"})
	}
	l.tx.Peerings.Put(world.Peering{ID: id, Meta: l.tx.NewMeta(l.c, nil), Requester: side(a), Accepter: side(b), Status: status})
	for _, v := range [][2]world.VPC{{a, b}, {b, a}} { // a group of the other may be a rule's peer
		l.put(world.SecurityGroupRule{
			Group: One(l.r, l.groupsOf(v[0].ID)), Egress: l.pick(4), Protocol: world.AnyProtocol,
			PeerGroup: One(l.r, l.groupsOf(v[1].ID)), PeerVPC: v[1].ID, Peering: id,
		})
	}
}

// internet attaches an internet gateway and gives some interfaces public addresses.
func (l *layout) internet(v world.VPC) {
	l.tx.InternetGateways.Put(world.InternetGateway{ID: world.InternetGatewayID(l.tx.NewID("igw")), Meta: l.tx.NewMeta(l.c, nil), VPC: v.ID})
	for _, e := range l.tx.ENIs.Where(func(e world.ENI) bool { return e.VPC == v.ID }) {
		switch l.r.IntN(4) {
		case 0, 1:
			if a, err := l.tx.AllocatePublicAddress(); err == nil {
				e.Public = a
				l.tx.ENIs.Put(e)
			}
		case 2:
			l.elastic(e)
		}
		if len(e.Addrs) > 1 && l.pick(2) {
			l.associate(e, e.Addrs[1])
		}
	}
}

// elastic associates an elastic address with the interface's primary address, and returns its allocation.
func (l *layout) elastic(e world.ENI) world.AllocationID {
	return l.associate(e, e.Addr())
}

func (l *layout) associate(e world.ENI, private netip.Addr) world.AllocationID {
	a, err := l.tx.AllocatePublicAddress()
	if err != nil {
		return ""
	}
	id := world.AllocationID(l.tx.NewID("eipalloc"))
	l.tx.Addresses.Put(world.Address{
		ID: id, Meta: l.tx.NewMeta(l.c, nil), Public: a, Association: l.tx.NewID("eipassoc"), ENI: e.ID, Private: private, VPC: e.VPC,
	})
	return id
}

// nat puts a NAT gateway into some subnet, a public one where there is an internet gateway.
func (l *layout) nat(v world.VPC) {
	subnets := l.tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID })
	s, most := One(l.r, subnets), 1
	if l.Within {
		most = 2
	}
	addrs, err := l.tx.AllocateAddresses(s, 1+l.r.IntN(most))
	if err != nil {
		return
	}
	g := world.NATGateway{ID: world.NATGatewayID(l.tx.NewID("nat")), Meta: l.tx.NewMeta(l.c, nil), VPC: v.ID, Subnet: s.ID, Private: true}
	e := l.tx.NewENI(l.c, s, addrs, nil)
	e.NAT, e.RequesterManaged, e.SourceDestCheck = g.ID, true, false
	l.tx.ENIs.Put(e)
	g.ENI = e.ID
	if l.tx.InternetGateways.Any(func(i world.InternetGateway) bool { return i.VPC == v.ID }) && !l.pick(4) {
		g.Private, g.Allocation = false, l.elastic(e)
	}
	l.tx.NATGateways.Put(g)
}

// routes gives the main table, and for some subnets one of their own, random routes.
func (l *layout) routes(v world.VPC) {
	for _, t := range l.tx.RouteTables.Where(func(t world.RouteTable) bool { return t.VPC == v.ID }) {
		t.Routes = l.someRoutes(v)
		l.tx.RouteTables.Put(t)
	}
	index := uint32(1)
	for _, s := range l.tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID }) {
		if l.pick(2) {
			continue
		}
		index++
		l.tx.RouteTables.Put(world.RouteTable{
			ID: world.RouteTableID(l.tx.NewID("rtb")), Meta: l.tx.NewMeta(l.c, nil), VPC: v.ID, Index: index, Routes: l.someRoutes(v),
			Associations: []world.RouteTableAssociation{{ID: l.tx.NewID("rtbassoc"), Subnet: s.ID}},
		})
	}
}

func (l *layout) someRoutes(v world.VPC) []world.Route {
	var out []world.Route
	used := map[netip.Prefix]bool{}
	for _, p := range l.tx.Peerings.Where(func(p world.Peering) bool { return p.Joins(v.ID) }) {
		other, _ := l.tx.VPCs.Get(p.Other(v.ID).VPC)
		if !used[other.CIDR()] && !l.pick(5) {
			used[other.CIDR()] = true
			out = append(out, world.Route{Destination: other.CIDR(), Peering: p.ID})
		}
	}
	targets := []world.Route{}
	for _, g := range l.tx.InternetGateways.Where(func(g world.InternetGateway) bool { return g.VPC == v.ID }) {
		targets = append(targets, world.Route{Internet: g.ID}, world.Route{Internet: g.ID})
	}
	for _, g := range l.tx.NATGateways.Where(func(g world.NATGateway) bool { return g.VPC == v.ID }) {
		targets = append(targets, world.Route{NAT: g.ID}, world.Route{NAT: g.ID})
	}
	if l.Absent && l.pick(4) {
		targets = append(targets, world.Route{Internet: "igw-0"}, world.Route{NAT: "nat-0"}, world.Route{ENI: "eni-0"}, world.Route{Peering: "pcx-0"})
	}
	if es := l.tx.ENIs.Where(func(e world.ENI) bool { return e.VPC == v.ID && e.SourceDestCheck }); len(es) > 0 {
		e := One(l.r, es)
		targets = append(targets, world.Route{ENI: e.ID})
	}
	if inside := slices.DeleteFunc(slices.Clone(targets), func(r world.Route) bool { return r.Internet != "" }); len(inside) > 0 && l.Within {
		for _, s := range l.tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID }) {
			if l.pick(5) {
				r := One(l.r, inside)
				r.Destination = s.CIDR
				out = append(out, r)
			}
		}
	}
	for _, to := range []string{"0.0.0.0/0", "198.18.0.0/24", "192.0.2.0/24", "10.2.0.0/16"} {
		p := netip.MustParsePrefix(to)
		if used[p] || v.CIDR().Overlaps(p) && p.Bits() > 0 || p.Bits() > 0 && !l.pick(4) {
			continue
		}
		if len(targets) > 0 && !l.pick(6) {
			r := One(l.r, targets)
			r.Destination = p
			out = append(out, r)
		}
	}
	return out
}
