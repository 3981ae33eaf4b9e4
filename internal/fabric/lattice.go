package fabric

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

func device(n int) string { return fmt.Sprintf("eth%d", n) }

// resourceGateways adds the gateways of the VPCs that are made, with their ports.
func (c *compilation) resourceGateways() {
	for g := range c.w.ResourceGateways.All() {
		if g.Deleting || c.vpcs[g.VPC] == nil { // or it was taken over
			continue
		}
		f := &Gateway{ID: g.ID, VPC: g.VPC, Ports: c.vpcs[g.VPC].gatewayPorts(g.ID)}
		c.gateways[g.ID], c.made[f] = f, true
		c.out.Gateways = append(c.out.Gateways, f)
	}
}

// latticeMembers collects what is in each service network: resources that are served, and the VPCs' associations.
func (c *compilation) latticeMembers() {
	c.resources = map[world.ServiceNetworkID][]world.ResourceAssociation{}
	for r := range c.w.ResourceAssociations.All() {
		if _, _, ok := c.served(r); ok {
			c.resources[r.Network] = append(c.resources[r.Network], r)
		}
	}
	c.associations = map[world.VPCID][]world.VPCAssociation{}
	for a := range c.w.VPCAssociations.All() {
		if !a.Deleting {
			c.associations[a.VPC] = append(c.associations[a.VPC], a)
		}
	}
}

// listeners adds to each gateway that is made the resources behind it.
func (c *compilation) listeners() {
	for _, rs := range c.resources {
		for _, a := range rs {
			cfg, g, _ := c.served(a)
			if !c.made[g] {
				continue
			}
			g.Listeners = append(g.Listeners, Listener{
				Addr: a.Addr, Ports: cfg.PortRanges, Target: c.target(g, cfg),
				Association: a.ID, Configuration: cfg.ID, Network: a.Network,
			})
		}
	}
	for g := range c.made {
		slices.SortFunc(g.Listeners, compareListeners)
	}
}

// served finds the configuration and the gateway behind an association; not ok while any of them is absent or going.
// The association of a GROUP serves nothing itself: those of its children do.
func (c *compilation) served(a world.ResourceAssociation) (world.ResourceConfiguration, *Gateway, bool) {
	cfg, ok := c.w.ResourceConfigurations.Get(a.Configuration)
	if !ok || a.Deleting || cfg.Deleting || cfg.Type == world.ConfigurationGroup || !a.Addr.IsValid() {
		return cfg, nil, false
	}
	row, _ := c.w.GatewayOf(cfg)
	g := c.gateways[row.ID]
	return cfg, g, g != nil
}

func (c *compilation) target(g *Gateway, cfg world.ResourceConfiguration) netip.Addr {
	if cfg.IP.IsValid() {
		return cfg.IP
	}
	a, _ := Resolve(c.vpcs[g.VPC], cfg.DomainName) // made, as its gateway is
	return a
}

// links joins a VPC with the gateways of the resources in its service network.
func (c *compilation) links(v *VPC) {
	for _, a := range c.associations[v.ID] {
		v.Links = append(v.Links, c.linksOf(a)...)
	}
	slices.SortFunc(v.Links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Index, b.Index))
	})
}

// consumers tells each gateway that is made which links lead to it.
func (c *compilation) consumers() {
	if len(c.made) == 0 {
		return
	}
	for _, v := range c.out.VPCs {
		for _, l := range v.Links {
			g := c.gateways[l.Gateway]
			if !c.made[g] {
				continue
			}
			g.Consumers = append(g.Consumers, Consumer{VPC: v.ID, Association: l.Association, Index: l.Index, MTU: l.MTU})
		}
	}
	for g := range c.made {
		slices.SortFunc(g.Consumers, func(a, b Consumer) int { return cmp.Compare(a.Index, b.Index) })
	}
}

func (c *compilation) linksOf(a world.VPCAssociation) []Link {
	var out []Link
	at := map[world.ResourceGatewayID]int{}
	for _, r := range c.resources[a.Network] {
		_, g, _ := c.served(r)
		i, ok := at[g.ID]
		if !ok {
			i = len(out)
			at[g.ID] = i
			out = append(out, Link{
				Gateway: g.ID, Association: a.ID, Index: a.Index, MTU: MTULattice, Groups: slices.Sorted(slices.Values(a.Groups)),
			})
		}
		out[i].Addrs = append(out[i].Addrs, r.Addr)
	}
	for _, l := range out {
		slices.SortFunc(l.Addrs, netip.Addr.Compare)
	}
	return out
}
