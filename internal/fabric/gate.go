package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// Gate is a gateway endpoint as its VPC's router sees it: a cable of its own, by which route tables lead to a service.
type Gate struct {
	Endpoint world.EndpointID
	Range    netip.Prefix // public addresses of the service
}

// gates finds the VPC's gateway endpoints.
func (c *compilation) gates(v *VPC, s *staleVPC) {
	if !s.all && !s.gates {
		return
	}
	var now []Gate
	for e := range c.w.Endpoints.In(string(v.ID)) {
		if l, ok := e.GatewayList(); e.Works() && ok && len(l.Entries) > 0 {
			now = append(now, Gate{Endpoint: e.ID, Range: l.Entries[0].CIDR})
		}
	}
	v.Gates = kept(v.Gates, now)
}

// gateRoutes adds the routes to the gateway endpoints that a table was put into.
func (c *compilation) gateRoutes(v *VPC, t *Table) {
	for _, g := range v.Gates {
		if e, _ := c.w.Endpoints.Get(g.Endpoint); slices.Contains(e.RouteTables, t.ID) {
			t.Routes = append(t.Routes, Route{Prefix: g.Range, Endpoint: g.Endpoint})
		}
	}
}

func sortRoutes(routes []Route) {
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
}

// gate finds a gateway endpoint of the VPC.
func (v *VPC) gate(id world.EndpointID) *Gate {
	i := slices.IndexFunc(v.Gates, func(g Gate) bool { return g.Endpoint == id })
	if i < 0 || id == "" {
		return nil
	}
	return &v.Gates[i]
}
