package fabric

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"

	"kumiko/internal/world"
)

// Balancer is what a gateway has that is a load balancer's: it takes connections at the addresses of its own ports too, and
// each port is a node that sends on, from its own address, what comes to it.
type Balancer struct {
	ID     world.LoadBalancerID
	Fronts []Front // sorted by Endpoint, Addr and Port
	Probes []Probe // sorted by Key
}

// Front is a listener at an address: of a node, or of an endpoint, for whose zone a node stands.
type Front struct {
	Endpoint  world.EndpointID // whose link it accepts from; empty: what comes to the node itself
	Listener  world.ListenerID
	Group     world.TargetGroupID
	Addr      netip.Addr
	Port      uint16
	Node      int              // position of the port in Gateway.Ports
	Receivers []netip.AddrPort // that connections go to, in turn; none: connections are refused
}

// Probe is a target that the nodes it gets connections from ask again and again whether it is well.
type Probe struct {
	Key   string // of the world.TargetObservation that tells the outcome
	Group world.TargetGroupID
	To    netip.AddrPort
	Nodes []int // positions of ports in Gateway.Ports
	Check world.TargetCheck
}

// Front finds the listener at an address and a port for the link of an endpoint, or, with none, for what comes to a node.
func (b *Balancer) Front(e world.EndpointID, a netip.Addr, port uint16) (Front, bool) {
	i, ok := slices.BinarySearchFunc(b.Fronts, Front{Endpoint: e, Addr: a, Port: port}, compareFronts)
	if !ok {
		return Front{}, false
	}
	return b.Fronts[i], true
}

func compareFronts(a, b Front) int {
	return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), a.Addr.Compare(b.Addr), cmp.Compare(a.Port, b.Port))
}

// Probed are the groups of the targets that are asked whether they are well, by the keys of the probes.
func (f *Fabric) Probed() map[string]world.TargetGroupID {
	out := map[string]world.TargetGroupID{}
	for _, g := range f.Gateways {
		if g.Balancer == nil {
			continue
		}
		for _, p := range g.Balancer.Probes {
			out[p.Key] = p.Group
		}
	}
	return out
}

// balancers makes the load balancers of VPCs that are not as before, or all, when what they are made of is not.
func (c *compilation) balancers(made map[world.ResourceGatewayID]*Gateway) {
	for id := range c.changed {
		for b := range c.w.LoadBalancers.In(string(id)) {
			c.balancer(made, b)
		}
	}
	if c.stale.balancers {
		for b := range c.w.LoadBalancers.All() {
			c.balancer(made, b)
		}
	}
}

// balancer makes a load balancer, which is not told yet of the endpoints that lead to it.
func (c *compilation) balancer(made map[world.ResourceGatewayID]*Gateway, row world.LoadBalancer) {
	if row.Deleting || !c.w.VPCs.Has(row.VPC) || made[row.Gateway()] != nil {
		return
	}
	g := &Gateway{ID: row.Gateway(), VPC: row.VPC, Ports: c.gatewayPorts(row.VPC, row.Gateway()), Balancer: &Balancer{ID: row.ID}}
	for l := range c.w.Listeners.In(string(row.ID)) {
		c.fronts(g, row, l)
	}
	slices.SortFunc(g.Balancer.Probes, func(a, b Probe) int { return cmp.Compare(a.Key, b.Key) })
	made[g.ID] = g
}

// fronts adds a listener at each node, and what is to be asked of its targets.
func (c *compilation) fronts(g *Gateway, row world.LoadBalancer, l world.Listener) {
	group, _ := c.w.TargetGroups.Get(l.Group)
	for n, p := range g.Ports {
		f := Front{Listener: l.ID, Group: group.ID, Addr: p.Addrs[0], Port: l.Port, Node: n}
		for _, t := range c.w.Receivers(row, group, c.zoneOf(p.ENI)) {
			if a, ok := c.w.AddressOfTarget(group, t); ok {
				f.Receivers = append(f.Receivers, netip.AddrPortFrom(a, t.Port))
			}
		}
		slices.SortFunc(f.Receivers, netip.AddrPort.Compare)
		g.Balancer.Fronts = append(g.Balancer.Fronts, f)
	}
	for _, t := range group.Targets {
		c.probe(g, row, group, t)
	}
}

// probe adds the question whether a target is well, asked from the nodes that may send to it.
func (c *compilation) probe(g *Gateway, row world.LoadBalancer, group world.TargetGroup, t world.Target) {
	p := Probe{Key: world.TargetKey(group.ID, t), Group: group.ID, Check: group.Check}
	a, ok := c.w.AddressOfTarget(group, t)
	known := slices.ContainsFunc(g.Balancer.Probes, func(o Probe) bool { return o.Key == p.Key }) // of another listener
	switch c.w.ConditionOf(group, t).State {
	case world.TargetUnused, world.TargetDraining:
		return
	}
	if !ok || known {
		return
	}
	p.To = netip.AddrPortFrom(a, cmp.Or(group.Check.Port, t.Port))
	z := c.w.ZoneOfTarget(group, t)
	for n, port := range g.Ports {
		if z == "" || world.Crosses(row, group) || z == c.zoneOf(port.ENI) {
			p.Nodes = append(p.Nodes, n)
		}
	}
	if len(p.Nodes) > 0 {
		g.Balancer.Probes = append(g.Balancer.Probes, p)
	}
}

// zoneOf is the zone of an ENI's subnet.
func (c *compilation) zoneOf(id world.ENIID) string {
	e, _ := c.w.ENIs.Get(id)
	s, _ := c.w.Subnets.Get(e.Subnet)
	return s.Zone
}

// balancerZones gives a VPC the names of load balancers.
func (c *compilation) balancerZones(v *VPC) {
	for _, z := range c.prev.balancers {
		delete(v.View.Public, z.Name)
	}
	for _, z := range c.out.balancers {
		v.View.Add(z)
	}
}

// balancerNames makes the names of load balancers, if they are stale.
func (c *compilation) balancerNames() {
	if c.out.balancers = c.prev.balancers; !c.stale.balancers {
		return
	}
	if now := c.namesOfBalancers(); !reflect.DeepEqual(now, c.prev.balancers) {
		c.out.balancers, c.shared.balancers = now, true
	}
}

// namesOfBalancers are the names of load balancers, by region: each answers an address for each node that has healthy
// targets, or all of them if none has. They are public, and answer everywhere. (Elastic Load Balancing, "Network Load Balancers", "DNS name".)
func (c *compilation) namesOfBalancers() []*Zone {
	zones := map[string]*Zone{}
	var out []*Zone
	for b := range c.w.LoadBalancers.All() {
		if b.Deleting {
			continue
		}
		z := zones[b.Region]
		if z == nil {
			z = NewZone(PublicZone, "", world.BalancerDomain(b.Region), awsSOA())
			zones[b.Region], out = z, append(out, z)
		}
		c.addBalancer(z, b)
	}
	return out
}

func (c *compilation) addBalancer(z *Zone, b world.LoadBalancer) {
	var all, well []Record
	for _, e := range c.w.ENIsOfBalancer(b.ID) {
		a := c.w.NodeAddress(b, e)
		if e.Deleting || !a.IsValid() {
			continue
		}
		zone, r := c.zoneOf(e.ID), addressRecord(a)
		z.Add(zone+"."+b.DNSName(), r)
		all = append(all, r)
		if c.w.WellNode(b, zone) {
			well = append(well, r)
		}
	}
	if len(well) > 0 {
		all = well
	}
	z.Add(b.DNSName(), all...)
}
