package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// behind is a resource at an endpoint of type Resource or ServiceNetwork.
type behind struct {
	world.EndpointAssociation
	cfg     world.ResourceConfiguration
	gateway *Gateway
	network world.ServiceNetworkID
	name    string // generated DNS name
}

// latticeEndpoints collects what each endpoint leads to, as far as it is served.
func (c *compilation) latticeEndpoints() {
	c.behind = map[world.EndpointID][]behind{}
	for e := range c.w.Endpoints.All() {
		if !e.Lattice() || !e.Works() || !c.w.VPCs.Has(e.VPC) {
			continue
		}
		for a := range c.w.EndpointAssociations.In(string(e.ID)) {
			if b, ok := c.servedAt(e, a); ok {
				c.behind[e.ID] = append(c.behind[e.ID], b)
			}
		}
	}
}

// servedAt finds what an endpoint's association leads to; not ok while any of it is absent or going.
func (c *compilation) servedAt(e world.Endpoint, a world.EndpointAssociation) (behind, bool) {
	b := behind{EndpointAssociation: a, network: e.Network}
	cfg, _ := c.w.ResourceConfigurations.Get(a.Configuration)
	b.cfg, b.name = cfg, cfg.EndpointName(e.ID)
	row, _ := c.w.GatewayOf(cfg)
	b.gateway = c.gateways[row.ID]
	going := cfg.Deleting
	if e.Type == world.EndpointServiceNetwork {
		r, ok := c.w.ResourceAssociations.Get(a.Resource)
		b.name, going = r.EndpointName(e.ID), going || r.Deleting || !ok
	}
	return b, !going && b.gateway != nil && len(a.Addrs) > 0
}

// endpointLinks are the links of an endpoint, one to each gateway of its resources.
func (c *compilation) endpointLinks(e world.Endpoint) []Link {
	var out []Link
	for _, b := range c.behind[e.ID] {
		i := slices.IndexFunc(out, func(l Link) bool { return l.Gateway == b.gateway.ID })
		if i < 0 {
			i = len(out)
			out = append(out, Link{Gateway: b.gateway.ID, Index: e.Index, MTU: MTULattice})
		}
		out[i].Addrs = append(out[i].Addrs, b.Addrs...)
	}
	for _, l := range out {
		slices.SortFunc(l.Addrs, netip.Addr.Compare)
	}
	slices.SortFunc(out, func(a, b Link) int { return cmp.Compare(a.Gateway, b.Gateway) })
	return out
}

// endpointConsumers tells each gateway that is made of the endpoints that lead to it, and at which addresses they have its resources.
func (c *compilation) endpointConsumers() {
	for e := range c.w.Endpoints.All() {
		for _, b := range c.behind[e.ID] {
			if !c.made[b.gateway] {
				continue
			}
			for _, a := range b.Addrs {
				b.gateway.Listeners = append(b.gateway.Listeners, Listener{
					Endpoint: e.ID, Addr: a, Ports: b.cfg.PortRanges, Target: c.target(b.gateway, b.cfg),
					Association: b.Resource, Configuration: b.cfg.ID, Network: b.network,
				})
			}
		}
		for _, l := range c.endpointLinks(e) {
			g := c.gateways[l.Gateway]
			if !c.made[g] {
				continue
			}
			g.Consumers = append(g.Consumers, Consumer{VPC: e.VPC, Endpoint: e.ID, Index: l.Index, MTU: l.MTU})
		}
	}
	for g := range c.made {
		slices.SortFunc(g.Listeners, compareListeners)
		slices.SortFunc(g.Consumers, func(a, b Consumer) int { return cmp.Compare(a.Index, b.Index) })
	}
}
