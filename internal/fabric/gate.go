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

// gates adds the VPC's gateway endpoints, and a route to each in the tables it was put in.
func (c *compilation) gates(v *VPC) {
	for e := range c.w.Endpoints.In(string(v.ID)) {
		l, ok := e.GatewayList()
		if !e.Works() || !ok || len(l.Entries) == 0 {
			continue
		}
		v.Gates = append(v.Gates, Gate{Endpoint: e.ID, Range: l.Entries[0].CIDR})
		for i := range v.Tables {
			if t := &v.Tables[i]; slices.Contains(e.RouteTables, t.ID) {
				t.Routes = append(t.Routes, Route{Prefix: l.Entries[0].CIDR, Endpoint: e.ID})
				sortRoutes(t.Routes)
			}
		}
	}
	slices.SortFunc(v.Gates, func(a, b Gate) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
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
