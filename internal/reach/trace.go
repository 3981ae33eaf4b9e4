package reach

import (
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Trace is the way of a conversation's first packet and of the first answer to it.
type Trace struct {
	Open    bool
	Refused fabric.Origin // what refused the packet or its answer; the zero Origin when Open
	Reply   bool          // it was the answer that was refused
	Hops    []Hop         // in the order met; the last one refused unless Open
	Flow    fabric.Flow   // as the last hop saw it: translated, when the packet went through a gateway
	To      world.ENIID   // the receiver, when the packet arrived
}

// Hop is one station that looked at a packet, with what it decided by.
type Hop struct {
	Origin fabric.Origin
	Flow   fabric.Flow               // the packet as it was there
	Reply  bool                      // it is the answer
	Groups []world.SecurityGroupID   // whose rules were asked, at a security group station
	Group  world.SecurityGroupID     // the group that allowed it
	Rule   world.SecurityGroupRuleID // the rule that allowed it
	ACL    world.NetworkACLID        // that was asked, at an ACL station
	Number int                       // of the ACL's rule that decided; 0: the last one, which refuses
	Prefix netip.Prefix              // the route taken, at a route station
	Table  world.RouteTableID        // the route table asked; empty for local and Lattice routes
	Routed fabric.Routed             // where the route leads
	Pass   bool
	// Of a listener: what it serves.
	Association   world.ResourceAssociationID
	Configuration world.ResourceConfigurationID
	Lattice       bool           // of an endpoint: it is one of a resource or a service network
	Service       *fabric.Choice // of a service point: what becomes of the request
	Front         *fabric.Front  // of a load balancer: the listener; one without an id is none
}

// From follows the first packet of flow from the ENI that sends it, and its answer back. The ENI must be a port of the
// fabric, else the trace is closed with no hops. Where a gateway may choose between several of its addresses, and not
// all of them get through, the trace is one of a choice that does not.
func From(f *fabric.Fabric, from world.ENIID, flow fabric.Flow) Trace {
	return worst(Ways(f, from, flow))
}

// worst is a way that does not get through, if there is one.
func worst(ways []Trace) Trace {
	for _, w := range ways {
		if !w.Open {
			return w
		}
	}
	return ways[0]
}

// Ways are the traces for each address a gateway on the way may choose; one when there is no choice.
func Ways(f *fabric.Fabric, from world.ENIID, flow fabric.Flow) []Trace {
	return waysOf(f, from, flow, "", "/")
}

// waysOf are the traces of a request to a host and a path, as far as the way depends on these.
func waysOf(f *fabric.Fabric, from world.ENIID, flow fabric.Flow, host, path string) []Trace {
	var out []Trace
	for choice := 0; ; choice++ {
		w := walk{f: f, host: host, path: path, choice: choice, choices: 1, Trace: Trace{Flow: flow}}
		if v, p, ok := f.Port(from); ok && p.Peer.Attached() && w.fromPort(v, p) && w.back() {
			w.Open = true
		}
		out = append(out, w.Trace)
		if choice+1 >= w.choices {
			return out
		}
	}
}

type walk struct {
	f       *fabric.Fabric
	host    string      // the name that was asked for, if it was one
	path    string      // of the request
	choice  int         // which address the gateway, or target the service, chooses
	choices int         // how many there are
	sender  world.ENIID // who a forwarder sends it for; empty: it is the sender itself
	legs    []leg
	Trace
}

// leg is a packet's way through one router: in by a port, or from beyond, out by a port, or beyond.
type leg struct {
	v       *fabric.VPC
	flow    fabric.Flow // as it was in this router
	in, out *fabric.Port
	beyond  fabric.Routed // where it went, or came from, when that is no port
}

// pass adds a hop and says whether the packet goes on.
func (w *walk) pass(h Hop) bool {
	if h.Flow == (fabric.Flow{}) {
		h.Flow = w.Flow
	}
	w.Hops = append(w.Hops, h)
	if !h.Pass {
		w.Refused, w.Reply = h.Origin, h.Reply
	}
	return h.Pass
}

// fromPort follows the packet from a port of v to its end.
func (w *walk) fromPort(v *fabric.VPC, p fabric.Port) bool {
	spoof := Hop{Origin: fabric.Origin{Station: fabric.Spoof, VPC: v.ID, ENI: p.ENI}, Pass: !p.SourceDestCheck || p.Holds(w.Flow.Src)}
	if spoof.Pass && v.Own(w.Flow.Dst) {
		return w.pass(spoof) && w.pass(Hop{Origin: fabric.Origin{Station: fabric.Router, VPC: v.ID}, Pass: v.Answers(w.Flow)})
	}
	if !w.pass(spoof) || !p.Unfiltered && !w.pass(w.groups(v, fabric.Origin{Station: fabric.SGOut, VPC: v.ID, ENI: p.ENI}, p.Groups, true)) {
		return false
	}
	r := v.Route(&p, w.Flow.Dst)
	if !w.aclOut(v, p, r.Port, w.Flow, false) {
		return false
	}
	if !w.pass(Hop{Origin: fabric.Origin{Station: fabric.NoRoute, VPC: v.ID}, Prefix: r.Prefix, Table: r.Table, Routed: r, Pass: !r.Nowhere()}) {
		return false
	}
	w.legs = append(w.legs, leg{v: v, flow: w.Flow, in: &p, out: r.Port, beyond: r})
	switch {
	case r.Link != nil:
		return w.throughLink(v, *r.Link)
	case r.Peering != nil:
		return w.throughPeering(*r.Peering)
	case r.Internet:
		return w.throughInternet(v)
	case r.Gate != nil:
		return w.throughGate(v, r.Gate.Endpoint)
	case r.Point != nil:
		return w.throughPoint(v, r.Point)
	}
	return w.toPort(v, &p, *r.Port)
}

// aclOut asks the ACL of p's subnet about a packet that leaves the subnet: unless it goes to a port of the same one, or
// to an address of the same one that nobody has.
func (w *walk) aclOut(v *fabric.VPC, p fabric.Port, to *fabric.Port, flow fabric.Flow, reply bool) bool {
	if to != nil && to.Subnet == p.Subnet || to == nil && v.SubnetHolds(p.Subnet, flow.Dst) {
		return true
	}
	return w.acl(v, fabric.Origin{Station: fabric.ACLOut, VPC: v.ID, Subnet: p.Subnet}, flow, reply)
}

// aclIn asks the ACL of p's subnet about a packet that enters the subnet: unless it comes from a port of the same one.
func (w *walk) aclIn(v *fabric.VPC, from *fabric.Port, p fabric.Port, flow fabric.Flow, reply bool) bool {
	if from != nil && from.Subnet == p.Subnet {
		return true
	}
	return w.acl(v, fabric.Origin{Station: fabric.ACLIn, VPC: v.ID, Subnet: p.Subnet}, flow, reply)
}

func (w *walk) acl(v *fabric.VPC, o fabric.Origin, flow fabric.Flow, reply bool) bool {
	a := v.ACLOf(o.Subnet)
	ok, rule := a.Decide(o.Station == fabric.ACLOut, flow)
	return w.pass(Hop{Origin: o, Flow: flow, Reply: reply, ACL: a.ID, Number: rule.Number, Pass: ok})
}

// toPort follows the packet into a port of v; from is nil when it comes from beyond the VPC.
func (w *walk) toPort(v *fabric.VPC, from *fabric.Port, p fabric.Port) bool {
	if !w.aclIn(v, from, p, w.Flow, false) {
		return false
	}
	if !p.Unfiltered && !w.pass(w.groups(v, fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: p.ENI}, p.Groups, false)) {
		return false
	}
	if p.SourceDestCheck && !p.Holds(w.Flow.Dst) {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.DestCheck, VPC: v.ID, ENI: p.ENI}})
	}
	if g := w.f.Gateway(p.Peer.Gateway); g != nil && g.Balancer != nil {
		return w.throughBalancer(g, "")
	}
	if g := p.Peer.Gateway; g != "" { // nothing listens at a gateway's own addresses
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, Gateway: g}})
	}
	if p.Peer.NAT != "" {
		return w.throughNAT(v, from, p)
	}
	if e := w.f.Endpoint(p.Peer.Endpoint); e != nil && !p.Peer.Local {
		return w.throughEndpoint(v, e)
	}
	if e := w.f.Endpoint(p.Peer.Endpoint); e != nil && !e.Takes(w.Flow) {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, Endpoint: e.ID}})
	}
	w.To = p.ENI
	return true
}

func (w *walk) groups(v *fabric.VPC, o fabric.Origin, groups []world.SecurityGroupID, egress bool) Hop {
	g, r, ok := v.Allows(groups, egress, w.Flow)
	return Hop{Origin: o, Groups: groups, Group: g, Rule: r.ID, Pass: ok}
}

// throughLink follows the packet through a link of v into a gateway.
func (w *walk) throughLink(v *fabric.VPC, l fabric.Link) bool {
	in := Hop{Origin: fabric.Origin{Station: fabric.LinkIn, VPC: v.ID, Gateway: l.Gateway}, Pass: true}
	if len(l.Groups) > 0 {
		in = w.groups(v, in.Origin, l.Groups, false)
	}
	return w.pass(in) && w.throughGateway(l, "")
}

// throughGateway follows the packet that comes by a link, of a VPC or of an endpoint, through a gateway, which translates
// it, and on in the provider's VPC.
func (w *walk) throughGateway(l fabric.Link, e world.EndpointID) bool {
	g := w.f.Gateway(l.Gateway)
	if g == nil {
		return false
	}
	if g.Balancer != nil {
		return w.throughBalancer(g, e)
	}
	listen := Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: g.VPC, Gateway: g.ID}}
	t, ok := g.Listener(e, w.Flow.Dst)
	if ok {
		listen.Association, listen.Configuration = t.Association, t.Configuration
		listen.Pass = w.Flow.Protocol == world.TCP && t.Accepts(w.Flow.DstPort) && t.Target.IsValid() && len(g.Ports) > 0
	}
	if !w.pass(listen) {
		return false
	}
	w.Flow.Dst = t.Target
	provider, p, ok := w.f.Port(w.choose(g))
	return ok && w.fromPort(provider, p)
}

// throughEndpoint follows the packet through an endpoint of v, which passes what is for its resources on to their
// gateways, as it is.
func (w *walk) throughEndpoint(v *fabric.VPC, e *fabric.Endpoint) bool {
	i := slices.IndexFunc(e.Links, func(l fabric.Link) bool { return slices.Contains(l.Addrs, w.Flow.Dst) })
	if i < 0 {
		return w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, Endpoint: e.ID}, Lattice: true})
	}
	return w.throughGateway(e.Links[i], e.ID)
}

// choose picks the address the packet goes on from, and the gateway's ENI that has it.
func (w *walk) choose(g *fabric.Gateway) world.ENIID {
	w.choices = max(w.choices, countAddrs(g))
	n := w.choice % max(1, countAddrs(g))
	for _, p := range g.Ports {
		if n >= 0 && n < len(p.Addrs) {
			w.Flow.Src = p.Addrs[n]
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
