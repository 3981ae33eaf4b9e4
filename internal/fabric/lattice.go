package fabric

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

func device(n int) string { return fmt.Sprintf("eth%d", n) }

// resourceGateways makes the gateways of VPCs that are not as before, or all, when what is in service networks is not.
func (c *compilation) resourceGateways() {
	made := map[world.ResourceGatewayID]*Gateway{}
	for id := range c.changed {
		for g := range c.w.ResourceGateways.In(string(id)) {
			c.resourceGateway(made, g)
		}
	}
	if c.stale.lattice {
		for g := range c.w.ResourceGateways.All() {
			c.resourceGateway(made, g)
		}
	}
	c.balancers(made)
	if len(made) > 0 {
		c.listeners(made)
		c.consumers(made)
		c.endpointConsumers(made)
		c.serviceConsumers(made)
	}
	var fresh []*Gateway
	for _, g := range made {
		slices.SortFunc(g.Listeners, compareListeners)
		if g.Balancer != nil {
			slices.SortFunc(g.Balancer.Fronts, compareFronts)
		}
		slices.SortFunc(g.Consumers, func(a, b Consumer) int { return cmp.Compare(a.Index, b.Index) })
		fresh = append(fresh, g)
	}
	stale := func(g *Gateway) bool {
		return c.changed[g.VPC] || c.stale.lattice && g.Balancer == nil || c.stale.balancers && g.Balancer != nil
	}
	c.out.Gateways = patched(c.prev.Gateways, stale, fresh, func(a, b *Gateway) int { return cmp.Compare(a.ID, b.ID) })
}

// resourceGateway makes a gateway with its ports.
func (c *compilation) resourceGateway(made map[world.ResourceGatewayID]*Gateway, row world.ResourceGateway) {
	if row.Deleting || !c.w.VPCs.Has(row.VPC) || made[row.ID] != nil {
		return
	}
	made[row.ID] = &Gateway{ID: row.ID, VPC: row.VPC, Ports: c.gatewayPorts(row.VPC, row.ID)}
}

// gatewayPorts are the ports of a VPC that lead to a gateway, as that sees them.
func (c *compilation) gatewayPorts(v world.VPCID, id world.ResourceGatewayID) []GatewayPort {
	var out []GatewayPort
	for _, p := range c.portsOf(c.out.VPC(v), string(id)) {
		if p.Peer.Gateway == id {
			out = append(out, gatewayPort(p))
		}
	}
	return out
}

// members is what is in service networks and leads to them.
type members struct {
	resources    map[world.ServiceNetworkID][]world.ResourceAssociation // that are served
	associations map[world.VPCID][]world.VPCAssociation
	behind       map[world.EndpointID][]behind
}

// lattices are the members of all service networks, collected when they are first asked for.
func (c *compilation) lattices() *members {
	if c.members != nil {
		return c.members
	}
	m := &members{resources: map[world.ServiceNetworkID][]world.ResourceAssociation{}, associations: map[world.VPCID][]world.VPCAssociation{}}
	c.members = m
	for r := range c.w.ResourceAssociations.All() {
		if _, _, ok := c.served(r); ok {
			m.resources[r.Network] = append(m.resources[r.Network], r)
		}
	}
	for a := range c.w.VPCAssociations.All() {
		if !a.Deleting {
			m.associations[a.VPC] = append(m.associations[a.VPC], a)
		}
	}
	m.behind = c.behindEndpoints()
	return m
}

// listeners adds to the gateways that are made the resources behind them.
func (c *compilation) listeners(made map[world.ResourceGatewayID]*Gateway) {
	for _, rs := range c.lattices().resources {
		for _, a := range rs {
			cfg, id, _ := c.served(a)
			if g := made[id]; g != nil {
				g.Listeners = append(g.Listeners, Listener{
					Addr: a.Addr, Ports: cfg.PortRanges, Target: c.target(g, cfg),
					Association: a.ID, Configuration: cfg.ID, Network: a.Network,
				})
			}
		}
	}
}

// served finds the configuration and the gateway behind an association; not ok while any of them is absent or going.
// The association of a GROUP serves nothing itself: those of its children do.
func (c *compilation) served(a world.ResourceAssociation) (world.ResourceConfiguration, world.ResourceGatewayID, bool) {
	cfg, ok := c.w.ResourceConfigurations.Get(a.Configuration)
	if !ok || a.Deleting || cfg.Deleting || cfg.Type == world.ConfigurationGroup || !a.Addr.IsValid() {
		return cfg, "", false
	}
	g := c.gatewayOf(cfg)
	return cfg, g, g != ""
}

// gatewayOf is the gateway that serves a configuration, if it is there.
func (c *compilation) gatewayOf(cfg world.ResourceConfiguration) world.ResourceGatewayID {
	if g, ok := c.w.GatewayOf(cfg); ok && !g.Deleting && c.w.VPCs.Has(g.VPC) {
		return g.ID
	}
	return ""
}

func (c *compilation) target(g *Gateway, cfg world.ResourceConfiguration) netip.Addr {
	if cfg.IP.IsValid() {
		return cfg.IP
	}
	a, _ := Resolve(c.out.VPC(g.VPC), cfg.DomainName)
	return a
}

// links joins a VPC with the gateways of the resources in its service networks.
func (c *compilation) links(v *VPC) []Link {
	var out []Link
	for _, a := range c.lattices().associations[v.ID] {
		out = append(out, c.linksOf(a)...)
	}
	return out
}

func compareLinks(a, b Link) int {
	return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Index, b.Index))
}

// consumers tells the gateways that are made which links lead to them.
func (c *compilation) consumers(made map[world.ResourceGatewayID]*Gateway) {
	for id := range c.lattices().associations {
		v := c.out.VPC(id)
		if v == nil {
			continue
		}
		for _, l := range v.Links {
			if g := made[l.Gateway]; g != nil {
				g.Consumers = append(g.Consumers, Consumer{VPC: v.ID, Association: l.Association, Index: l.Index, MTU: l.MTU})
			}
		}
	}
}

func (c *compilation) linksOf(a world.VPCAssociation) []Link {
	var out []Link
	at := map[world.ResourceGatewayID]int{}
	for _, r := range c.lattices().resources[a.Network] {
		_, g, _ := c.served(r)
		i, ok := at[g]
		if !ok {
			i = len(out)
			at[g] = i
			out = append(out, Link{
				Gateway: g, Association: a.ID, Index: a.Index, MTU: MTULattice, Groups: slices.Sorted(slices.Values(a.Groups)),
			})
		}
		out[i].Addrs = append(out[i].Addrs, r.Addr)
	}
	for _, l := range out {
		slices.SortFunc(l.Addrs, netip.Addr.Compare)
	}
	return out
}
