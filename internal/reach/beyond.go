package reach

import (
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// throughPeering follows the packet into the router of a peered VPC: it goes to a port of that VPC, or nowhere, for
// a peering leads to no third place, and from none: the source is an address of the VPC it comes from.
func (w *walk) throughPeering(l fabric.PeerLink) bool {
	v := w.f.VPC(l.VPC)
	if v == nil {
		return false
	}
	back := fabric.Routed{}
	for i := range v.Peerings {
		if v.Peerings[i].ID == l.ID {
			back.Peering = &v.Peerings[i]
		}
	}
	if back.Peering == nil || !slices.ContainsFunc(back.Peering.CIDRs, func(c netip.Prefix) bool { return c.Contains(w.Flow.Src) }) {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.NoRoute, VPC: v.ID}})
	}
	return w.enter(v, back)
}

// throughInternet follows the packet to the public side and, when its destination is the public address of an ENI,
// into that ENI's VPC.
func (w *walk) throughInternet(v *fabric.VPC) bool {
	public, ok := v.Uplink.PublicOf(w.Flow.Src)
	if !w.pass(Hop{Origin: fabric.Origin{Station: fabric.Internet, VPC: v.ID}, Pass: ok && fabric.Routable(w.Flow.Dst)}) {
		return false
	}
	w.Flow.Src = public
	to, private, ok := w.f.VPCOf(w.Flow.Dst)
	if !ok { // on the public side itself
		return w.served(v)
	}
	w.Flow.Dst = private
	return w.enter(to, fabric.Routed{Internet: true})
}

// enter follows a packet that comes into v from beyond.
func (w *walk) enter(v *fabric.VPC, beyond fabric.Routed) bool {
	r := fabric.Routed{}
	if v.Contains(w.Flow.Dst) {
		r = v.Route(nil, w.Flow.Dst)
	}
	if r.Port == nil {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.NoRoute, VPC: v.ID}, Prefix: r.Prefix})
	}
	w.legs = append(w.legs, leg{v: v, flow: w.Flow, out: r.Port, beyond: beyond})
	return w.toPort(v, nil, *r.Port)
}

// throughNAT follows the packet through a NAT gateway, which sends it on under its own address. Only what the VPC's own
// interfaces send to elsewhere is translated; what is for the gateway itself finds nothing there, and what it sent
// itself it does not take back.
func (w *walk) throughNAT(v *fabric.VPC, from *fabric.Port, p fabric.Port) bool {
	loop := p.Holds(w.Flow.Src) || len(w.legs) > mostLegs
	if from == nil || p.Holds(w.Flow.Dst) || loop || !w.translates() {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, ENI: p.ENI}})
	}
	w.choices = max(w.choices, len(p.Addrs))
	w.Flow.Src = p.Addrs[w.choice%len(p.Addrs)]
	return w.fromPort(v, p)
}

// mostLegs bounds the way of a packet that two NAT gateways send each other: it lives for 64 hops, as Linux sends it,
// and each leg takes two.
const mostLegs = 32

// translates tells whether a NAT gateway carries the packet: TCP, UDP and ICMP. (Amazon VPC User Guide, "NAT gateways".)
func (w *walk) translates() bool {
	switch w.Flow.Protocol {
	case world.TCP, world.UDP, world.ICMP:
		return true
	}
	return false
}

// back follows the first answer over the legs of the packet's way, last one first. Security groups know the
// conversation; ACLs do not, and each router needs a way back.
func (w *walk) back() bool {
	for i := len(w.legs) - 1; i >= 0; i-- {
		if !w.leg(w.legs[i]) {
			return false
		}
	}
	return true
}

// homeward follows an answer from a port, or from beyond, to the one that sent the packet; or to another one, if a route within the VPC
// leads there: what it does with the answer it takes is its own affair. Who sent from an address of somebody else gets
// none: it goes to whose address that is.
func (w *walk) homeward(l leg, r fabric.Routed, flow fabric.Flow) bool {
	to, within := l.in, r.Table != "" && l.v.Contains(flow.Dst)
	foreign := !l.in.Holds(flow.Dst)
	if within || foreign {
		to = r.Port
	}
	if l.out != nil && !w.aclOut(l.v, *l.out, to, flow, true) {
		return false
	}
	astray := Hop{Origin: fabric.Origin{Station: fabric.Spoof, VPC: l.v.ID, ENI: l.in.ENI}, Flow: flow, Reply: true, Routed: r}
	if to == nil && foreign && !r.Nowhere() {
		return w.pass(astray)
	}
	if to == nil {
		return w.pass(Hop{
			Origin: fabric.Origin{Station: fabric.NoRoute, VPC: l.v.ID}, Flow: flow, Reply: true, Prefix: r.Prefix, Table: r.Table, Routed: r,
		})
	}
	if !w.aclIn(l.v, l.out, *to, flow, true) {
		return false
	}
	if to.ENI != l.in.ENI && !to.Holds(flow.Dst) && !w.third(l, *to, flow) {
		return false
	}
	switch {
	case foreign && to.ENI == w.sender: // straight to whom it was forwarded for
	case foreign && to.ENI != l.in.ENI && to.Holds(flow.Dst):
		return w.pass(astray)
	case w.sender != "" && foreign && to.ENI == l.in.ENI:
		return w.returned(l, flow)
	}
	return true
}

// third follows an answer into a port that neither sent what it answers nor has its address: the groups there judge it, unless they know the
// conversation.
func (w *walk) third(l leg, p fabric.Port, flow fabric.Flow) bool {
	at := func(q *fabric.Port) bool { return q != nil && q.ENI == p.ENI }
	known := slices.ContainsFunc(w.legs, func(o leg) bool { return o.v == l.v && o.flow == l.flow && (at(o.in) || at(o.out)) })
	if !known && !p.Unfiltered {
		g, r, ok := l.v.Allows(p.Groups, false, flow)
		o := fabric.Origin{Station: fabric.SGIn, VPC: l.v.ID, ENI: p.ENI}
		if !w.pass(Hop{Origin: o, Flow: flow, Reply: true, Groups: p.Groups, Group: g, Rule: r.ID, Pass: ok}) {
			return false
		}
	}
	if p.TakesOwn() {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.DestCheck, VPC: l.v.ID, ENI: p.ENI}, Flow: flow, Reply: true})
	}
	return true
}

func (w *walk) leg(l leg) bool {
	flow := l.flow.Reply()
	if l.out == nil { // it comes from beyond
		return w.homeward(l, l.v.Route(nil, flow.Dst), flow)
	}
	r := l.v.Route(l.out, flow.Dst)
	if l.in != nil {
		return w.homeward(l, r, flow)
	}
	if !w.aclOut(l.v, *l.out, r.Port, flow, true) {
		return false
	}
	same := r.Internet && l.beyond.Internet || r.Peering != nil && l.beyond.Peering != nil && r.Peering.ID == l.beyond.Peering.ID ||
		r.Point != nil && l.beyond.Point != nil
	if same {
		return true
	}
	return w.pass(Hop{
		Origin: fabric.Origin{Station: fabric.NoRoute, VPC: l.v.ID}, Flow: flow, Reply: true, Prefix: r.Prefix, Table: r.Table, Routed: r,
	})
}

// Onward is what becomes of a packet that reached an interface which forwards for others, if that sends it on as it is, for the interface it
// came from. What it does in truth is its own affair: it may translate it, or keep it.
func Onward(f *fabric.Fabric, t Trace, sender world.ENIID) (Trace, bool) {
	v, p, ok := f.Port(t.To)
	if !t.Open || !ok || !p.Forwards() || p.Holds(t.Flow.Dst) {
		return Trace{}, false
	}
	w := walk{f: f, choices: 1, sender: sender, Trace: Trace{Flow: t.Flow}}
	w.Open = w.fromPort(v, p) && w.back()
	return w.Trace, true
}

// returned follows an answer that a forwarder got back for the sender, on to that.
func (w *walk) returned(l leg, flow fabric.Flow) bool {
	r := l.v.Route(l.in, flow.Dst)
	if !w.aclOut(l.v, *l.in, r.Port, flow, true) {
		return false
	}
	if r.Port == nil {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.NoRoute, VPC: l.v.ID}, Flow: flow, Reply: true, Prefix: r.Prefix, Table: r.Table, Routed: r})
	}
	if !w.aclIn(l.v, l.in, *r.Port, flow, true) {
		return false
	}
	return r.Port.ENI == w.sender || w.pass(Hop{Origin: fabric.Origin{Station: fabric.Spoof, VPC: l.v.ID, ENI: l.in.ENI}, Flow: flow, Reply: true, Routed: r})
}
