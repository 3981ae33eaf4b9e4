package reach

import (
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Trace is a packet's way.
type Trace struct {
	Open    bool
	Refused fabric.Origin // what refused the packet; the zero Origin when Open
	Hops    []Hop         // in the order met; the last one refused the packet unless Open
	Flow    fabric.Flow   // as the receiver sees it: translated, when it went through a gateway
	To      world.ENIID   // the receiver
}

// Hop is one station that looked at the packet, with what it decided by.
type Hop struct {
	Origin fabric.Origin
	Groups []world.SecurityGroupID   // whose rules were asked, at a security group station
	Group  world.SecurityGroupID     // the group that allowed it
	Rule   world.SecurityGroupRuleID // the rule that allowed it
	Prefix netip.Prefix              // the route taken, at a route station
	Table  world.RouteTableID        // the route table asked; empty for local and Lattice routes
	Pass   bool
	// Of a listener: what it serves.
	Association   world.ResourceAssociationID
	Configuration world.ResourceConfigurationID
}

// From follows the first packet of flow from the ENI that sends it. The ENI must be a port of the fabric, else the
// trace is closed with no hops.
func From(f *fabric.Fabric, from world.ENIID, flow fabric.Flow) Trace {
	w := walk{f: f, Trace: Trace{Flow: flow}}
	for _, v := range f.VPCs {
		for _, p := range v.Ports {
			if p.ENI == from && p.Peer.Attached() {
				w.fromPort(v, p)
				return w.Trace
			}
		}
	}
	return w.Trace
}

type walk struct {
	f *fabric.Fabric
	Trace
}

// pass adds a hop and says whether the packet goes on.
func (w *walk) pass(h Hop) bool {
	w.Hops = append(w.Hops, h)
	if !h.Pass {
		w.Refused = h.Origin
	}
	return h.Pass
}

func (w *walk) fromPort(v *fabric.VPC, p fabric.Port) {
	spoof := Hop{Origin: fabric.Origin{Station: fabric.Spoof, VPC: v.ID, ENI: p.ENI}, Pass: !p.SourceDestCheck || p.Holds(w.Flow.Src)}
	if !w.pass(spoof) || !w.pass(w.groups(v, fabric.Origin{Station: fabric.SGOut, VPC: v.ID, ENI: p.ENI}, p.Groups, true)) {
		return
	}
	hop, port, link := w.route(v, p)
	switch {
	case !w.pass(hop):
	case link != nil:
		w.throughLink(v, *link)
	default:
		w.toPort(v, *port)
	}
}

// route finds where the router of v sends a packet of port p: to a port or to a link.
func (w *walk) route(v *fabric.VPC, p fabric.Port) (Hop, *fabric.Port, *fabric.Link) {
	h := Hop{Origin: fabric.Origin{Station: fabric.NoRoute, VPC: v.ID}}
	r := v.Route(p.Table, w.Flow.Dst)
	h.Prefix, h.Table = r.Prefix, r.Table
	if r.Link != nil {
		h.Pass = true
		return h, nil, r.Link
	}
	h.Pass = r.Port != nil
	return h, r.Port, nil
}

func (w *walk) toPort(v *fabric.VPC, p fabric.Port) {
	if !w.pass(w.groups(v, fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: p.ENI}, p.Groups, false)) {
		return
	}
	if p.SourceDestCheck && !p.Holds(w.Flow.Dst) {
		w.pass(Hop{Origin: fabric.Origin{Station: fabric.DestCheck, VPC: v.ID, ENI: p.ENI}})
		return
	}
	w.Open, w.To = true, p.ENI
}

func (w *walk) groups(v *fabric.VPC, o fabric.Origin, groups []world.SecurityGroupID, egress bool) Hop {
	g, r, ok := v.Allows(groups, egress, w.Flow)
	return Hop{Origin: o, Groups: groups, Group: g, Rule: r.ID, Pass: ok}
}

// throughLink follows the packet through a link into a gateway, which translates it, and on in the provider's VPC.
func (w *walk) throughLink(v *fabric.VPC, l fabric.Link) {
	in := Hop{Origin: fabric.Origin{Station: fabric.LinkIn, VPC: v.ID, Gateway: l.Gateway}, Pass: true}
	if len(l.Groups) > 0 {
		in = w.groups(v, in.Origin, l.Groups, false)
	}
	if !w.pass(in) {
		return
	}
	g := w.f.Gateway(l.Gateway)
	if g == nil {
		return
	}
	listen := Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: g.VPC, Gateway: g.ID}}
	i := slices.IndexFunc(g.Listeners, func(l fabric.Listener) bool { return l.Addr == w.Flow.Dst })
	if i >= 0 {
		t := g.Listeners[i]
		listen.Association, listen.Configuration = t.Association, t.Configuration
		listen.Pass = w.Flow.Protocol == world.TCP && t.Accepts(w.Flow.DstPort) && t.Target.IsValid() && len(g.Ports) > 0
	}
	if !w.pass(listen) {
		return
	}
	w.Flow.Dst = g.Listeners[i].Target
	w.Flow.Src = g.Ports[0].Addrs[0] // any of its ports may be chosen; all carry the same groups
	provider := w.f.VPC(g.VPC)
	for _, p := range provider.Ports {
		if p.ENI == g.Ports[0].ENI {
			w.fromPort(provider, p)
			return
		}
	}
}
