package oracle

import (
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// hop is where a route leads: to an interface, to a gateway endpoint, to the internet gateway, or nowhere.
type hop struct {
	eni      world.ENI
	gate     world.EndpointID
	internet world.InternetGatewayID
	refused  *Verdict
}

func nowhere(by Thing, id string) hop { return hop{refused: refuse(by, id)} }

// route follows the routes of the interface's subnet: the longest one that has the destination, of which the VPC's own
// ranges are local. Within a VPC, a longer one may lead by an interface or a NAT gateway; nothing is routed within a subnet.
func (c *conversation) route(e world.ENI, p Packet) hop {
	vpc, _ := c.w.VPCs.Get(e.VPC)
	if c.lattice(e.VPC, p.Dst) {
		return hop{refused: &Verdict{Beyond: true}}
	}
	if s, _ := c.w.Subnets.Get(e.Subnet); s.CIDR.Contains(p.Dst) {
		return c.owner(e.VPC, p.Dst)
	}
	best, local := world.Route{}, false
	table := c.table(e.Subnet)
	for _, own := range vpc.CIDRs {
		if own.CIDR.Contains(p.Dst) {
			best.Destination, local = own.CIDR, true
		}
	}
	for _, r := range table.Routes {
		if r.Destination.Contains(p.Dst) && (!best.Destination.IsValid() || r.Destination.Bits() > best.Destination.Bits()) {
			best, local = r, false
		}
	}
	listed, gate, torn := c.listed(table, p.Dst)
	if ranges(vpc, p.Dst) { // a list that overlaps the local routes does not count
		listed, torn = world.Route{}, false
	}
	if torn && listed.Destination.Bits() >= best.Destination.Bits() {
		return hop{refused: &Verdict{Beyond: true}}
	}
	if listed.Destination.IsValid() && (!best.Destination.IsValid() || listed.Destination.Bits() > best.Destination.Bits()) {
		best, local = listed, false
		if gate != "" {
			return hop{gate: gate}
		}
	}
	switch {
	case !best.Destination.IsValid():
		return nowhere(NoRoute, string(table.ID))
	case local:
		return c.owner(e.VPC, p.Dst)
	case best.Internet != "":
		if g, ok := c.w.InternetGateways.Get(best.Internet); !ok || g.VPC != e.VPC {
			return nowhere(Blackhole, string(table.ID))
		}
		return hop{internet: best.Internet}
	case best.Peering != "":
		return c.over(table, best.Peering, e, p)
	}
	to, ok := best.ENI, true
	if best.NAT != "" {
		g, found := c.w.NATGateways.Get(best.NAT)
		to, ok = g.ENI, found && !g.Deleting && g.Failure == "" && g.DeletedAt.IsZero()
	}
	target, found := c.w.ENIs.Get(to)
	if !ok || !found || !alive(c.w, target) {
		return nowhere(Blackhole, string(table.ID))
	}
	return hop{eni: target}
}

// lattice tells whether a destination is one that an association with a service network brings into the VPC.
func (c *conversation) lattice(v world.VPCID, a netip.Addr) bool {
	if !world.LatticeResources.Contains(a) && !world.LatticeServices.Contains(a) {
		return false
	}
	return c.w.VPCAssociations.Any(func(s world.VPCAssociation) bool { return s.VPC == v && !s.Deleting })
}

// table is the one a subnet is associated with, else the main one of its VPC.
func (c *conversation) table(id world.SubnetID) world.RouteTable {
	s, _ := c.w.Subnets.Get(id)
	tables := c.w.RouteTables.Where(func(t world.RouteTable) bool { return t.VPC == s.VPC })
	for _, t := range tables {
		if slices.ContainsFunc(t.Associations, func(a world.RouteTableAssociation) bool { return a.Subnet == id }) {
			return t
		}
	}
	for _, t := range tables {
		if t.Main {
			return t
		}
	}
	return world.RouteTable{}
}

// owner is the interface of the VPC that has the address, when somebody is behind it.
func (c *conversation) owner(v world.VPCID, a netip.Addr) hop {
	for _, e := range c.w.ENIs.Where(func(e world.ENI) bool { return e.VPC == v && has(e, a) }) {
		if alive(c.w, e) {
			return hop{eni: e}
		}
	}
	return nowhere(Nobody, a.String())
}

// over goes by a peering: it is active, and both addresses belong to the VPCs it joins, for nobody passes through one.
func (c *conversation) over(table world.RouteTable, id world.PeeringID, e world.ENI, p Packet) hop {
	pcx, ok := c.w.Peerings.Get(id)
	if !ok || pcx.Status != "active" {
		return nowhere(Blackhole, string(table.ID))
	}
	far := pcx.Requester.VPC
	if far == e.VPC {
		far = pcx.Accepter.VPC
	}
	here, _ := c.w.VPCs.Get(e.VPC)
	there, _ := c.w.VPCs.Get(far)
	if !ranges(here, p.Src) || !ranges(there, p.Dst) {
		return nowhere(Peering, string(id))
	}
	return c.owner(far, p.Dst)
}

func ranges(v world.VPC, a netip.Addr) bool {
	return slices.ContainsFunc(v.CIDRs, func(r world.CIDRAssociation) bool { return r.CIDR.Contains(a) })
}
