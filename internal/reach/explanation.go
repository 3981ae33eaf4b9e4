package reach

import (
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// explain says in AWS's words why a trace is closed; what refused the packet first.
func (a album) explain(t Trace) []world.Explanation {
	if len(t.Hops) == 0 {
		return nil
	}
	h := t.Hops[len(t.Hops)-1]
	v := a.f.VPC(h.Origin.VPC)
	code, direction := CodeOf(t)
	x := world.Explanation{Code: string(code), Direction: direction, VPC: a.part(v, string(h.Origin.VPC))}
	switch h.Origin.Station {
	case fabric.SGOut, fabric.SGIn:
		return a.explainGroups(t, h, x)
	case fabric.ACLOut, fabric.ACLIn:
		x.ACL, x.Subnet, x.ACLRule = a.part(v, string(h.ACL)), a.part(v, string(h.Origin.Subnet)), a.aclRule(h)
	case fabric.Spoof, fabric.DestCheck:
		a.at(&x, h.Origin.ENI)
		x.Address = h.Flow.Src
		if h.Origin.Station == fabric.DestCheck || h.Reply {
			x.Address = h.Flow.Dst
		}
	case fabric.Internet:
		x.Internet, x.Address = a.part(v, string(v.Uplink.Gateway)), h.Flow.Src
		if code != InternetEgress {
			x.Address = h.Flow.Dst
		}
	case fabric.NoRoute:
		return a.explainRoute(t, h, x)
	case fabric.Listen, fabric.LinkIn:
		x.Component = a.part(v, h.At())
		if _, p, ok := a.f.Port(h.Origin.ENI); ok && p.Peer.NAT != "" {
			x.NAT = a.part(v, string(p.Peer.NAT))
			x.Component = x.NAT
		}
	}
	return []world.Explanation{x}
}

// at adds the interface, with its subnet.
func (a album) at(x *world.Explanation, eni world.ENIID) {
	if v, p, ok := a.f.Port(eni); ok {
		x.Interface, x.Subnet = a.part(v, string(eni)), a.part(v, string(p.Subnet))
	}
}

func (a album) explainGroups(t Trace, h Hop, x world.Explanation) []world.Explanation {
	v := a.f.VPC(h.Origin.VPC)
	a.at(&x, h.Origin.ENI)
	for _, g := range h.Groups {
		x.Groups = append(x.Groups, a.part(v, string(g)))
	}
	out := []world.Explanation{x}
	for _, id := range h.Groups {
		g, ok := v.Group(id)
		rules := g.Ingress
		if x.Direction == egress {
			rules = g.Egress
		}
		if ok && len(rules) == 0 {
			out = append(out, world.Explanation{Code: string(GroupEmpty), Direction: x.Direction, VPC: x.VPC, Groups: []world.Component{a.part(v, string(id))}})
		}
		if first := t.first(); x.Direction == ingress && h.Flow.Src != first.Src && slices.ContainsFunc(rules, func(r fabric.Rule) bool { return a.meant(r, h.Flow, first.Src) }) {
			out = append(out, world.Explanation{
				Code: string(GroupNotPreserved), Direction: ingress, VPC: x.VPC, Groups: []world.Component{a.part(v, string(id))}, Component: a.translator(t),
			})
		}
	}
	return out
}

// meant tells whether a rule that names a group would let the packet in if it still had its sender's address.
func (a album) meant(r fabric.Rule, f fabric.Flow, sender netip.Addr) bool {
	if r.Peer == "" {
		return false
	}
	row, _ := a.w.SecurityGroups.Get(r.Peer)
	v := a.f.VPC(row.VPC)
	f.Src = sender
	return v != nil && r.Matches(v, f, sender)
}

// translator is what last changed the packet's source.
func (a album) translator(t Trace) world.Component {
	for i := len(t.Hops) - 1; i >= 0; i-- {
		h := t.Hops[i]
		v := a.f.VPC(h.Origin.VPC)
		if h.Origin.Station == fabric.Internet {
			return a.part(v, string(v.Uplink.Gateway))
		}
		if _, p, ok := a.f.Port(h.Origin.ENI); ok && h.Origin.Station == fabric.Spoof && p.Peer.NAT != "" {
			return a.part(v, string(p.Peer.NAT))
		}
	}
	return world.Component{}
}

func (a album) explainRoute(t Trace, h Hop, x world.Explanation) []world.Explanation {
	v := a.f.VPC(h.Origin.VPC)
	x.Address = h.Flow.Dst
	if h.Table != "" {
		x.RouteTable = a.part(v, string(h.Table))
	}
	if l, ok := t.by(func(r fabric.Routed) bool { return r.Peering != nil }); ok && x.Code == string(PeeringRange) {
		x.Peering = a.part(a.f.VPC(l.Origin.VPC), string(l.Routed.Peering.ID))
	}
	if x.Code != string(BadStateRoute) {
		return []world.Explanation{x}
	}
	r := h.Routed
	r.Table, r.Prefix = h.Table, h.Prefix
	x.Route, x.State = a.routeOf(r), "blackhole"
	out := []world.Explanation{x}
	if broken, ok := a.broken(v, x.Route); ok {
		out = append(out, broken)
	}
	return out
}

// broken explains the target of a route that leads nowhere.
func (a album) broken(v *fabric.VPC, r *world.PathRoute) (world.Explanation, bool) {
	x := world.Explanation{Code: string(BadState), Component: a.part(v, r.Target), VPC: a.part(v, string(v.ID))}
	if p, ok := a.w.Peerings.Get(world.PeeringID(r.Target)); ok && p.Status != world.PeeringActive {
		x.State, x.Peering = p.Status, x.Component
		return x, true
	}
	if g, ok := a.w.NATGateways.Get(world.NATGatewayID(r.Target)); ok {
		x.State, x.NAT = "deleted", x.Component
		if g.Failure != "" {
			x.State = "failed"
		}
		return x, true
	}
	if g, ok := a.w.InternetGateways.Get(world.InternetGatewayID(r.Target)); ok && g.VPC != v.ID {
		x.Code, x.State, x.Internet = string(BadStateAttachment), "detached", x.Component
		return x, true
	}
	if e, ok := a.w.ENIs.Get(world.ENIID(r.Target)); ok {
		x.Interface = x.Component
		if i, ok := a.w.Instances.Get(e.Attachment.Instance); ok {
			x.Component, x.State = a.part(v, string(i.ID)), string(i.Power)
		}
		return x, true
	}
	return x, false
}
