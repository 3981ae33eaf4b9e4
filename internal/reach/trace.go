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
// trace is closed with no hops. Where a gateway may choose between several of its addresses, and not all of them get
// through, the trace is one of a choice that does not.
func From(f *fabric.Fabric, from world.ENIID, flow fabric.Flow) Trace {
	ways := Ways(f, from, flow)
	for _, w := range ways {
		if !w.Open {
			return w
		}
	}
	return ways[0]
}

// Ways are the traces of the packet for each address a gateway on its way may choose; one when there is no choice.
func Ways(f *fabric.Fabric, from world.ENIID, flow fabric.Flow) []Trace {
	var out []Trace
	for choice := 0; ; choice++ {
		w := walk{f: f, choice: choice, choices: 1, Trace: Trace{Flow: flow}}
		if v, p, ok := f.Port(from); ok && p.Peer.Attached() {
			w.fromPort(v, p)
		}
		out = append(out, w.Trace)
		if choice+1 >= w.choices {
			return out
		}
	}
}

type walk struct {
	f       *fabric.Fabric
	choice  int // which address the gateway chooses
	choices int // how many there are
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
	if g := p.Peer.Gateway; g != "" { // nothing listens at a gateway's own addresses
		w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, Gateway: g}})
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
	eni := w.choose(g)
	if v, p, ok := w.f.Port(eni); ok {
		w.fromPort(v, p)
	}
}

// choose picks the address the packet goes on from, and the gateway's ENI that has it.
func (w *walk) choose(g *fabric.Gateway) world.ENIID {
	n := w.choice
	for _, p := range g.Ports {
		if n >= 0 && n < len(p.Addrs) {
			w.Flow.Src, w.choices = p.Addrs[n], countAddrs(g)
			return p.ENI
		}
		n -= len(p.Addrs)
	}
	return ""
}

func countAddrs(g *fabric.Gateway) int {
	n := 0
	for _, p := range g.Ports {
		n += len(p.Addrs)
	}
	return n
}
