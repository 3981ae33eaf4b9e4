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
	gateway world.ResourceGatewayID
	network world.ServiceNetworkID
	name    string // generated DNS name
}

// behindEndpoints collects what each endpoint leads to, as far as it is served.
func (c *compilation) behindEndpoints() map[world.EndpointID][]behind {
	out := map[world.EndpointID][]behind{}
	for e := range c.w.Endpoints.All() {
		if !e.Lattice() || !e.Works() || !c.w.VPCs.Has(e.VPC) {
			continue
		}
		for a := range c.w.EndpointAssociations.In(string(e.ID)) {
			if b, ok := c.servedAt(e, a); ok {
				out[e.ID] = append(out[e.ID], b)
			}
		}
	}
	return out
}

// servedAt finds what an endpoint's association leads to; not ok while any of it is absent or going.
func (c *compilation) servedAt(e world.Endpoint, a world.EndpointAssociation) (behind, bool) {
	b := behind{EndpointAssociation: a, network: e.Network}
	cfg, _ := c.w.ResourceConfigurations.Get(a.Configuration)
	b.cfg, b.name = cfg, cfg.EndpointName(e.ID)
	b.gateway = c.gatewayOf(cfg)
	going := cfg.Deleting
	if e.Type == world.EndpointServiceNetwork {
		r, ok := c.w.ResourceAssociations.Get(a.Resource)
		b.name, going = r.EndpointName(e.ID), going || r.Deleting || !ok
	}
	return b, !going && b.gateway != "" && len(a.Addrs) > 0
}

// endpointLinks are the links of an endpoint, one to each gateway of its resources.
func (c *compilation) endpointLinks(e world.Endpoint) []Link {
	var out []Link
	if !e.Lattice() {
		return nil
	}
	for _, b := range c.lattices().behind[e.ID] {
		i := slices.IndexFunc(out, func(l Link) bool { return l.Gateway == b.gateway })
		if i < 0 {
			i = len(out)
			out = append(out, Link{Gateway: b.gateway, Index: e.Index, MTU: MTULattice})
		}
		out[i].Addrs = append(out[i].Addrs, b.Addrs...)
	}
	for _, l := range out {
		slices.SortFunc(l.Addrs, netip.Addr.Compare)
	}
	slices.SortFunc(out, func(a, b Link) int { return cmp.Compare(a.Gateway, b.Gateway) })
	return out
}

// endpointConsumers tells the gateways that are made of the endpoints that lead to them, and at which addresses they have
// their resources.
func (c *compilation) endpointConsumers(made map[world.ResourceGatewayID]*Gateway) {
	for id, resources := range c.lattices().behind {
		e, _ := c.w.Endpoints.Get(id)
		for _, b := range resources {
			g := made[b.gateway]
			if g == nil {
				continue
			}
			for _, a := range b.Addrs {
				g.Listeners = append(g.Listeners, Listener{
					Endpoint: e.ID, Addr: a, Ports: b.cfg.PortRanges, Target: c.target(g, b.cfg),
					Association: b.Resource, Configuration: b.cfg.ID, Network: b.network,
				})
			}
		}
		for _, l := range c.endpointLinks(e) {
			if g := made[l.Gateway]; g != nil {
				g.Consumers = append(g.Consumers, Consumer{VPC: e.VPC, Endpoint: e.ID, Index: l.Index, MTU: l.MTU})
			}
		}
	}
}
