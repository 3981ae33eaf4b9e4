package fabric

import (
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// serves finds the load balancer an endpoint leads to; none while the connection is not accepted, or the load balancer goes.
func (c *compilation) serves(e world.Endpoint) world.ResourceGatewayID {
	s, ok := c.w.EndpointServices.Get(e.Provider)
	b, found := c.w.LoadBalancers.Get(s.Balancer)
	if !ok || !found || b.Deleting || !e.Connects() || !c.w.VPCs.Has(b.VPC) {
		return ""
	}
	return b.Gateway()
}

// serviceLinks is the link of an endpoint to the load balancer of its service.
func (c *compilation) serviceLinks(e world.Endpoint) []Link {
	g := c.serves(e)
	if g == "" {
		return nil
	}
	l := Link{Gateway: g, Index: e.Index, MTU: MTUEndpoint}
	for _, n := range c.w.ENIsOfEndpoint(e.ID) {
		l.Addrs = append(l.Addrs, n.Addr())
	}
	slices.SortFunc(l.Addrs, netip.Addr.Compare)
	return []Link{l}
}

// serviceConsumers tells the load balancers that are made of the endpoints that lead to them: each of their addresses stands
// for the node in the same zone.
func (c *compilation) serviceConsumers(made map[world.ResourceGatewayID]*Gateway) {
	for e := range c.w.Endpoints.All() {
		g := made[c.serves(e)]
		if g == nil {
			continue
		}
		g.Consumers = append(g.Consumers, Consumer{VPC: e.VPC, Endpoint: e.ID, Index: e.Index, MTU: MTUEndpoint})
		own := slices.Clone(g.Balancer.Fronts)
		for _, n := range c.w.ENIsOfEndpoint(e.ID) {
			for _, f := range own {
				if f.Endpoint == "" && c.zoneOf(g.Ports[f.Node].ENI) == c.zoneOf(n.ID) {
					f.Endpoint, f.Addr = e.ID, n.Addr()
					g.Balancer.Fronts = append(g.Balancer.Fronts, f)
				}
			}
		}
	}
}
