package oracle

import (
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// ofService tells whether the interface is one of an interface endpoint to a service of AWS's.
func (c *conversation) ofService(e world.ENI) bool {
	ep, ok := c.w.Endpoints.Get(e.Endpoint)
	return ok && ep.Type == world.EndpointInterface && ep.Works()
}

// serves tells what an endpoint to a service of AWS's takes: HTTPS.
func (c *conversation) serves(id world.EndpointID, p Packet) *Verdict {
	if p.Protocol == world.TCP && p.DstPort == 443 {
		return nil
	}
	return refuse(Service, string(id))
}

// fromGate brings what a service answers by a gateway endpoint back into the VPC.
func (c *conversation) fromGate(id world.EndpointID, p Packet) (place, *Verdict) {
	ep, _ := c.w.Endpoints.Get(id)
	to := c.owner(ep.VPC, p.Dst)
	return place{eni: to.eni}, to.refused
}

// listed is the longest range of a prefix list that a table has a route for, and the gateway endpoint that brought the route, if one
// did. Which of two lists with the same range counts is said nowhere.
func (c *conversation) listed(t world.RouteTable, a netip.Addr) (best world.Route, gate world.EndpointID, torn bool) {
	take := func(entries []world.PrefixListEntry, r world.Route, by world.EndpointID) {
		for _, e := range entries {
			switch {
			case !e.CIDR.Contains(a) || best.Destination.IsValid() && e.CIDR.Bits() < best.Destination.Bits():
			case best.Destination == e.CIDR:
				torn = torn || best.List != r.List
			default:
				best, gate, torn = r, by, false
				best.Destination = e.CIDR
			}
		}
	}
	for _, r := range t.Routes {
		if r.List != "" {
			list, _ := c.w.PrefixList(t.Region, r.List)
			take(list.Entries, r, "")
		}
	}
	for ep := range c.w.Endpoints.All() {
		if list, ok := ep.GatewayList(); ok && ep.Works() && slices.Contains(ep.RouteTables, t.ID) {
			take(list.Entries, world.Route{List: list.ID}, ep.ID)
		}
	}
	return best, gate, torn
}
