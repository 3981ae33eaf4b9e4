package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// vpc makes a VPC, as far as it is stale; its links and names included. The parts come in the order in which they depend on
// each other.
func (c *compilation) vpc(row world.VPC) *VPC {
	was, s := c.prev.VPC(row.ID), c.stale.vpc(row.ID)
	if was == nil {
		was, s.all = &VPC{}, true
	}
	v := *was
	if s.all {
		c.attributes(&v, row)
	}
	if s.all || s.subnets {
		v.Subnets = kept(was.Subnets, c.subnets(&v))
	}
	c.ports(&v, was, s)
	c.acls(&v, s)
	if s.all || s.peerings {
		v.Peerings = patched(was.Peerings, always, c.peerings(&v), func(a, b PeerLink) int { return cmp.Compare(a.ID, b.ID) })
	}
	c.uplink(&v, s)
	c.groups(&v, was, s)
	c.gates(&v, s)
	c.tables(&v, was, s)
	c.hostsOf(&v, row, s)
	if s.all || c.stale.lattice {
		v.Links = patched(was.Links, always, c.links(&v), compareLinks)
		c.point(&v)
	}
	if c.view(&v, row, s) {
		c.named[v.ID] = true
	} else if v.SameNetwork(was) {
		return was
	}
	c.changed[v.ID] = true
	return &v
}

// always is true of whatever is made anew as a whole.
func always[T any](T) bool { return true }

// attributes are what the row of a VPC says of it alone.
func (c *compilation) attributes(v *VPC, row world.VPC) {
	v.ID, v.Account, v.Region = row.ID, row.Account, row.Region
	var ranges []netip.Prefix
	for _, a := range row.CIDRs {
		ranges = append(ranges, a.CIDR)
	}
	v.CIDRs, v.Resolver.Enabled = kept(v.CIDRs, ranges), row.DNSSupport
	v.Resolver.Addrs = kept(v.Resolver.Addrs, []netip.Addr{world.Offset(row.CIDR(), 2), ResolverLinkLocal})
}

func (c *compilation) subnets(v *VPC) []Subnet {
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
	var out []Subnet
	for s := range c.w.Subnets.In(string(v.ID)) {
		f := Subnet{ID: s.ID, CIDR: s.CIDR, Gateway: world.Offset(s.CIDR, 1), Table: main, ACL: s.NetworkACL}
		if t, ok := explicit[s.ID]; ok {
			f.Table = t
		}
		out = append(out, f)
	}
	return out
}

// ports makes the ports of ENIs that are stale, and those in subnets that are not as before.
func (c *compilation) ports(v, was *VPC, s *staleVPC) {
	subnets := map[world.SubnetID]Subnet{}
	for _, n := range v.Subnets {
		subnets[n.ID] = n
	}
	if !s.all && !Same(v.Subnets, was.Subnets) {
		for _, n := range was.Subnets {
			if subnets[n.ID] != n {
				c.restale(s, n.ID)
			}
		}
		for _, n := range v.Subnets {
			c.restale(s, n.ID)
		}
	}
	if !s.all && len(s.enis) == 0 {
		return
	}
	var fresh []Port
	for e := range rowsOf(&c.w.ENIs, string(v.ID), s.all, s.enis) {
		n, ok := subnets[e.Subnet]
		if !ok || e.Deleting || len(e.Addrs) == 0 {
			continue
		}
		fresh = append(fresh, Port{
			ENI: e.ID, Index: e.Index, Subnet: e.Subnet, Table: n.Table, Addrs: e.Addrs, Prefixes: e.Prefixes,
			Mask: n.CIDR.Bits(), Router: n.Gateway, MAC: e.MAC, Groups: slices.Sorted(slices.Values(e.Groups)),
			SourceDestCheck: e.SourceDestCheck, MTU: mtu(e), Peer: c.peer(e), Unfiltered: e.NAT != "" || e.Balancer != "" && len(e.Groups) == 0,
		})
	}
	v.Ports = patched(v.Ports, func(p Port) bool { return s.all || s.enis[p.ENI] }, fresh, func(a, b Port) int { return cmp.Compare(a.Index, b.Index) })
}

// restale adds the ENIs of a subnet to those that are stale.
func (c *compilation) restale(s *staleVPC, id world.SubnetID) {
	for e := range c.w.ENIs.In(string(id)) {
		note(&s.enis, e.ID)
		note(&s.hosts, e.Attachment.Instance)
	}
}

// mtu is the MTU of an ENI's cable.
func mtu(e world.ENI) int {
	if e.Endpoint != "" {
		return MTUEndpoint
	}
	return MTU
}

// peer is what the ENI's cable ends in: the instance it is attached to while that is to run, or its gateway.
func (c *compilation) peer(e world.ENI) Peer {
	if e.Gateway != "" {
		g, ok := c.w.ResourceGateways.Get(e.Gateway)
		if !ok || g.Deleting {
			return Peer{}
		}
		n := 0 // its place among the gateway's, which never changes during its life
		for o := range c.w.ENIs.In(string(e.Gateway)) {
			if o.ID < e.ID {
				n++
			}
		}
		return Peer{Gateway: e.Gateway, Device: device(n)}
	}
	if e.Balancer != "" {
		if b, ok := c.w.LoadBalancers.Get(e.Balancer); ok && !b.Deleting { // ENIs come and go; none takes the place of another
			return Peer{Gateway: b.Gateway(), Device: device(int(e.Index))}
		}
		return Peer{}
	}
	if e.Endpoint != "" {
		if p, ok := c.w.Endpoints.Get(e.Endpoint); ok && p.Works() { // ENIs come and go; none takes the place of another
			return Peer{Endpoint: e.Endpoint, Device: device(int(e.Index)), Local: p.Type == world.EndpointInterface && p.Provider == ""}
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

// tables makes the route tables that are stale: all when something is not as before that any of them may lead to.
func (c *compilation) tables(v, was *VPC, s *staleVPC) {
	all := s.all || !Same(v.Peerings, was.Peerings) || !Same(v.Gates, was.Gates) || v.gateway() != was.gateway()
	if !all && len(s.tables) == 0 {
		return
	}
	var fresh []Table
	for t := range rowsOf(&c.w.RouteTables, string(v.ID), all, s.tables) {
		fresh = append(fresh, c.table(v, t))
	}
	v.Tables = patched(v.Tables, func(t Table) bool { return all || s.tables[t.ID] }, fresh, func(a, b Table) int { return cmp.Compare(a.Index, b.Index) })
}

func (c *compilation) table(v *VPC, t world.RouteTable) Table {
	f := Table{ID: t.ID, Index: t.Index}
	for _, r := range t.Routes {
		c.addRoute(v, &f, r)
	}
	c.gateRoutes(v, &f)
	sortRoutes(f.Within)
	sortRoutes(f.Routes)
	return f
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
	row, _ := c.w.ENIs.Get(eni)
	if p := v.portByIndex(row.Index); p != nil && p.ENI == eni && p.Peer.Attached() {
		f.Port = p.Index
	}
	return f
}
