package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// vpc adds a VPC with its subnets, ports, groups, tables and hosts; names and links come later.
func (c *compilation) vpc(row world.VPC) {
	v := &VPC{ID: row.ID, Account: row.Account, Region: row.Region}
	for _, a := range row.CIDRs {
		v.CIDRs = append(v.CIDRs, a.CIDR)
	}
	v.Resolver = Resolver{Enabled: row.DNSSupport, Addrs: []netip.Addr{world.Offset(row.CIDR(), 2), ResolverLinkLocal}}
	c.vpcs[v.ID] = v
	c.out.VPCs = append(c.out.VPCs, v)
	c.subnets(v)
	c.ports(v)
	c.acls(v)
	c.peerings(v)
	c.uplink(v)
	c.groups(v)
	c.tables(v)
	c.point(v)
	c.hostsOf(v, row)
}

func (c *compilation) subnets(v *VPC) {
	explicit := map[world.SubnetID]uint32{}
	var main uint32
	for t := range c.w.RouteTables.In(string(v.ID)) {
		if t.Main {
			main = t.Index
		}
		for _, a := range t.Associations {
			if a.Subnet != "" {
				explicit[a.Subnet] = t.Index
			}
		}
	}
	for s := range c.w.Subnets.In(string(v.ID)) {
		f := Subnet{ID: s.ID, CIDR: s.CIDR, Gateway: world.Offset(s.CIDR, 1), Table: main, ACL: s.NetworkACL}
		if t, ok := explicit[s.ID]; ok {
			f.Table = t
		}
		v.Subnets = append(v.Subnets, f)
	}
}

func (c *compilation) ports(v *VPC) {
	subnets := map[world.SubnetID]Subnet{}
	for _, s := range v.Subnets {
		subnets[s.ID] = s
	}
	order := map[world.ResourceGatewayID]int{} // of the managed ENIs of each gateway; it never changes during their life
	for e := range c.w.ENIs.In(string(v.ID)) {
		n := order[e.Gateway]
		order[e.Gateway]++
		s, ok := subnets[e.Subnet]
		if !ok || e.Deleting || len(e.Addrs) == 0 {
			continue
		}
		v.Ports = append(v.Ports, Port{
			ENI: e.ID, Index: e.Index, Subnet: e.Subnet, Table: s.Table, Addrs: e.Addrs, Prefixes: e.Prefixes,
			Mask: s.CIDR.Bits(), Router: s.Gateway, MAC: e.MAC, Groups: slices.Sorted(slices.Values(e.Groups)),
			SourceDestCheck: e.SourceDestCheck, MTU: mtu(e), Peer: c.peer(e, n), Unfiltered: e.NAT != "",
		})
	}
	slices.SortFunc(v.Ports, func(a, b Port) int { return cmp.Compare(a.Index, b.Index) })
}

// mtu is the MTU of an ENI's cable.
func mtu(e world.ENI) int {
	if e.Endpoint != "" {
		return MTUEndpoint
	}
	return MTU
}

// peer is what the ENI's cable ends in: the instance it is attached to while that is to run, or its gateway, of which
// it is the nth ENI.
func (c *compilation) peer(e world.ENI, n int) Peer {
	if e.Gateway != "" {
		g, ok := c.w.ResourceGateways.Get(e.Gateway)
		if !ok || g.Deleting {
			return Peer{}
		}
		return Peer{Gateway: e.Gateway, Device: device(n)}
	}
	if e.Endpoint != "" {
		if p, ok := c.w.Endpoints.Get(e.Endpoint); ok && p.Works() { // ENIs come and go; none takes the place of another
			return Peer{Endpoint: e.Endpoint, Device: device(int(e.Index)), Local: p.Type == world.EndpointInterface}
		}
		return Peer{}
	}
	if e.NAT != "" {
		if g, ok := c.w.NATGateways.Get(e.NAT); ok && g.Works() {
			return Peer{NAT: e.NAT, Device: device(0)}
		}
		return Peer{}
	}
	if e.Resolver != "" {
		return c.resolverPeer(e)
	}
	if i, ok := c.w.Instances.Get(e.Attachment.Instance); ok && runs(i) && !e.Attachment.Detaching {
		return Peer{Host: i.ID, Device: device(e.Attachment.DeviceIndex)}
	}
	return Peer{}
}

func runs(i world.Instance) bool { return i.Power == world.Running && !i.Deleting }

func (c *compilation) tables(v *VPC) {
	for t := range c.w.RouteTables.In(string(v.ID)) {
		f := Table{ID: t.ID, Index: t.Index}
		for _, r := range t.Routes {
			c.addRoute(v, &f, r)
		}
		sortRoutes(f.Within)
		sortRoutes(f.Routes)
		v.Tables = append(v.Tables, f)
	}
	slices.SortFunc(v.Tables, func(a, b Table) int { return cmp.Compare(a.Index, b.Index) })
	c.gates(v)
}

// addRoute adds a route to a table. A prefix list stands for its entries. A route to a range goes before one to a list
// with that range, and of two lists the one whose route was made first. What is within the VPC is for the local routes,
// not for lists. (Amazon VPC User Guide, "Route priority and prefix lists".)
func (c *compilation) addRoute(v *VPC, t *Table, r world.Route) {
	f := c.route(v, r)
	if r.List == "" {
		f.Prefix = r.Destination
		within := &t.Routes
		if slices.ContainsFunc(v.CIDRs, func(own netip.Prefix) bool { return own.Bits() < f.Prefix.Bits() && own.Contains(f.Prefix.Addr()) }) {
			within = &t.Within
		}
		if i := prefixAt(*within, f.Prefix); i >= 0 { // a list's
			(*within)[i] = f
			return
		}
		*within = append(*within, f)
		return
	}
	l, _ := c.w.PrefixList(v.Region, r.List)
	for _, e := range l.Entries {
		if f.Prefix = e.CIDR.Masked(); prefixAt(t.Routes, f.Prefix) < 0 {
			t.Routes = append(t.Routes, f)
		}
	}
}

func prefixAt(routes []Route, p netip.Prefix) int {
	return slices.IndexFunc(routes, func(r Route) bool { return r.Prefix == p })
}

// route finds what a route leads to. What is gone, or not ready, makes it a blackhole.
func (c *compilation) route(v *VPC, r world.Route) Route {
	f := Route{}
	eni := r.ENI
	switch {
	case r.Internet != "":
		f.Internet = v.Uplink != nil && v.Uplink.Gateway == r.Internet
	case r.Peering != "":
		if v.peering(r.Peering) != nil {
			f.Peering = r.Peering
		}
	case r.NAT != "":
		g, _ := c.w.NATGateways.Get(r.NAT)
		eni = g.ENI
	}
	if p, ok := v.portByENI(eni); ok && p.Peer.Attached() {
		f.Port = p.Index
	}
	return f
}
