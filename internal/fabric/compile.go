package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// Compile says what the network must be for w. Each step adds what one noun means.
func Compile(w world.World) *Fabric {
	c := &compilation{w: &w, out: &Fabric{Rev: w.Rev}, vpcs: map[world.VPCID]*VPC{}, gateways: map[world.ResourceGatewayID]*Gateway{}}
	c.index()
	c.vpcsAndSubnets()
	c.ports()
	c.groups()
	c.tables()
	c.resourceGateways()
	c.latticeMembers()
	c.names()
	c.listeners() // after names: a resource may be one
	c.latticeLinks()
	c.hosts()
	return c.out
}

// compilation is the state of one Compile: the World, what is being made of it, and rows by what they belong to.
type compilation struct {
	w        *world.World
	out      *Fabric
	vpcs     map[world.VPCID]*VPC
	gateways map[world.ResourceGatewayID]*Gateway

	rules        map[world.SecurityGroupID][]world.SecurityGroupRule
	routes       map[world.SubnetID]uint32 // explicit associations
	mains        map[world.VPCID]uint32
	order        map[world.ENIID]int // place of a managed ENI among those of its gateway
	resources    map[world.ServiceNetworkID][]world.ResourceAssociation
	associations map[world.VPCID][]world.VPCAssociation
	cables       map[world.InstanceID][]HostPort // by device
}

func (c *compilation) index() {
	c.rules = map[world.SecurityGroupID][]world.SecurityGroupRule{}
	for r := range c.w.SecurityGroupRules.All() {
		c.rules[r.Group] = append(c.rules[r.Group], r)
	}
	c.routes, c.mains = map[world.SubnetID]uint32{}, map[world.VPCID]uint32{}
	for t := range c.w.RouteTables.All() {
		if t.Main {
			c.mains[t.VPC] = t.Index
		}
		for _, a := range t.Associations {
			if a.Subnet != "" {
				c.routes[a.Subnet] = t.Index
			}
		}
	}
	c.order = map[world.ENIID]int{}
	next := map[world.ResourceGatewayID]int{}
	for e := range c.w.ENIs.All() {
		if e.Gateway != "" {
			c.order[e.ID] = next[e.Gateway]
			next[e.Gateway]++
		}
	}
}

func (c *compilation) vpcsAndSubnets() {
	for v := range c.w.VPCs.All() {
		f := &VPC{ID: v.ID, Account: v.Account, Region: v.Region}
		for _, a := range v.CIDRs {
			f.CIDRs = append(f.CIDRs, a.CIDR)
		}
		f.Resolver = Resolver{Enabled: v.DNSSupport, Addrs: []netip.Addr{world.Offset(v.CIDR(), 2), ResolverLinkLocal}}
		c.vpcs[v.ID] = f
		c.out.VPCs = append(c.out.VPCs, f)
	}
	for s := range c.w.Subnets.All() {
		v := c.vpcs[s.VPC]
		if v == nil {
			continue
		}
		v.Subnets = append(v.Subnets, Subnet{ID: s.ID, CIDR: s.CIDR, Gateway: world.Offset(s.CIDR, 1), Table: c.tableOf(s)})
	}
}

func (c *compilation) tableOf(s world.Subnet) uint32 {
	if t, ok := c.routes[s.ID]; ok {
		return t
	}
	return c.mains[s.VPC]
}

func (c *compilation) ports() {
	for e := range c.w.ENIs.All() {
		v := c.vpcs[e.VPC]
		s, ok := c.w.Subnets.Get(e.Subnet)
		if v == nil || !ok || e.Deleting || len(e.Addrs) == 0 {
			continue
		}
		v.Ports = append(v.Ports, Port{
			ENI: e.ID, Index: e.Index, Subnet: e.Subnet, Table: c.tableOf(s), Addrs: e.Addrs, Prefixes: e.Prefixes,
			Mask: s.CIDR.Bits(), Router: world.Offset(s.CIDR, 1), MAC: e.MAC, Groups: slices.Sorted(slices.Values(e.Groups)),
			SourceDestCheck: e.SourceDestCheck, MTU: MTU, Peer: c.peer(e),
		})
	}
	c.cables = map[world.InstanceID][]HostPort{}
	for _, v := range c.out.VPCs {
		slices.SortFunc(v.Ports, func(a, b Port) int { return cmp.Compare(a.Index, b.Index) })
		for _, p := range v.Ports {
			if i := p.Peer.Host; i != "" {
				c.cables[i] = append(c.cables[i], HostPort{
					ENI: p.ENI, VPC: v.ID, Device: p.Peer.Device, MAC: p.MAC, Addrs: p.Addrs, Mask: p.Mask, Router: p.Router, MTU: p.MTU,
				})
			}
		}
	}
	for _, ps := range c.cables {
		slices.SortFunc(ps, func(a, b HostPort) int {
			return cmp.Or(cmp.Compare(len(a.Device), len(b.Device)), cmp.Compare(a.Device, b.Device)) // eth2 before eth10
		})
	}
}

// peer is what the ENI's cable ends in: the instance it is attached to while that is to run, or its gateway.
func (c *compilation) peer(e world.ENI) Peer {
	if e.Gateway != "" {
		g, ok := c.w.ResourceGateways.Get(e.Gateway)
		if !ok || g.Deleting {
			return Peer{}
		}
		return Peer{Gateway: e.Gateway, Device: device(c.order[e.ID])}
	}
	if i, ok := c.w.Instances.Get(e.Attachment.Instance); ok && runs(i) {
		return Peer{Host: i.ID, Device: device(e.Attachment.DeviceIndex)}
	}
	return Peer{}
}

func runs(i world.Instance) bool { return i.Power == world.Running && !i.Deleting }

func (c *compilation) tables() {
	for t := range c.w.RouteTables.All() {
		v := c.vpcs[t.VPC]
		if v == nil {
			continue
		}
		f := Table{ID: t.ID, Index: t.Index}
		for _, r := range t.Routes {
			f.Routes = append(f.Routes, Route{Prefix: r.Destination, Port: c.routePort(v, r)})
		}
		slices.SortFunc(f.Routes, func(a, b Route) int {
			return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), a.Prefix.Addr().Compare(b.Prefix.Addr()))
		})
		v.Tables = append(v.Tables, f)
	}
	for _, v := range c.out.VPCs {
		slices.SortFunc(v.Tables, func(a, b Table) int { return cmp.Compare(a.Index, b.Index) })
	}
}

// routePort is the port a route leads to; 0, a blackhole, when its ENI is gone or has no cable.
func (c *compilation) routePort(v *VPC, r world.Route) uint32 {
	if p, ok := v.portByENI(r.ENI); ok && p.Peer.Attached() {
		return p.Index
	}
	return 0
}
