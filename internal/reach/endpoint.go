package reach

import (
	"fmt"
	"net/netip"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// throughGate follows the packet into a gateway endpoint, in which a service answers.
func (w *walk) throughGate(v *fabric.VPC, id world.EndpointID) bool {
	e := w.f.Endpoint(id)
	return w.pass(Hop{
		Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, Endpoint: id}, Pass: e != nil && e.Takes(w.Flow),
	})
}

// throughPoint follows the packet to a service of Lattice and, when the service sends the request on, the packet that goes from there to
// a target. Which one that is, of those whose turn it may be, is the walk's choice.
func (w *walk) throughPoint(v *fabric.VPC, p *fabric.Point) bool {
	in := Hop{Origin: fabric.Origin{Station: fabric.LinkIn, VPC: v.ID}, Pass: true}
	if len(p.Groups) > 0 {
		in = w.groups(v, in.Origin, p.Groups, false)
	}
	if !w.pass(in) {
		return false
	}
	e := w.f.Endpoint(p.Endpoint)
	listen := Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: v.ID, Endpoint: p.Endpoint}, Pass: e != nil && e.Takes(w.Flow)}
	if !listen.Pass || w.host == "" {
		return w.pass(listen)
	}
	c := w.f.Decide(v, netip.AddrPortFrom(w.Flow.Dst, w.Flow.DstPort), w.host, fabric.Request{Method: "GET", Path: w.path})
	listen.Service = &c
	if !w.pass(listen) {
		return false
	}
	if len(c.Targets) == 0 {
		return w.pass(Hop{Origin: fabric.Origin{Station: Routing, VPC: v.ID, Endpoint: p.Endpoint}, Service: &c})
	}
	w.choices = max(w.choices, len(c.Targets))
	t := c.Targets[w.choice%len(c.Targets)]
	c.Chosen = t
	if !w.pass(Hop{Origin: fabric.Origin{Station: Routing, VPC: v.ID, Endpoint: p.Endpoint}, Service: &c, Pass: true}) {
		return false
	}
	to := w.f.VPC(t.VPC)
	if to == nil || to.Point == nil {
		return false
	}
	w.Flow.Src, w.Flow.Dst, w.Flow.DstPort = world.LatticeSource, t.To.Addr(), t.To.Port()
	return w.enter(to, fabric.Routed{Point: to.Point})
}

// Routing is where a service chooses what becomes of a request; it is no station of packets.
const Routing fabric.Station = "routing"

// served tells whether a service on the public side takes the packet; what is for nobody there is beyond this model.
func (w *walk) served(v *fabric.VPC) bool {
	if !world.ServiceAddresses.Contains(w.Flow.Dst) {
		return true
	}
	takes := w.Flow.Protocol == world.TCP && w.Flow.DstPort == fabric.ServicePort
	return takes || w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen}})
}

// throughBalancer follows the packet that came to a node of a load balancer, or by the link of an endpoint, on to one of
// the targets that get connections, from the node's own address.
func (w *walk) throughBalancer(g *fabric.Gateway, e world.EndpointID) bool {
	f, ok := g.Balancer.Front(e, w.Flow.Dst, w.Flow.DstPort)
	pass := ok && w.Flow.Protocol == world.TCP && len(f.Receivers) > 0 && len(w.legs) <= mostLegs
	if !w.pass(Hop{Origin: fabric.Origin{Station: fabric.Listen, VPC: g.VPC, Gateway: g.ID}, Front: &f, Pass: pass}) {
		return false
	}
	w.choices = max(w.choices, len(f.Receivers))
	to, node := f.Receivers[w.choice%len(f.Receivers)], g.Ports[f.Node]
	w.Flow.Src, w.Flow.Dst, w.Flow.DstPort = node.Addrs[0], to.Addr(), to.Port()
	v, p, ok := w.f.Port(node.ENI)
	return ok && w.fromPort(v, p)
}

// noFront says why a load balancer did not take a packet.
func (h Hop) noFront(f fabric.Flow) string {
	switch {
	case f.Protocol != world.TCP:
		return fmt.Sprintf("%s takes TCP only; %s is not carried", h.Origin.Gateway, proto(f))
	case h.Front.Listener == "":
		return fmt.Sprintf("%s has no listener for %s at %s", h.Origin.Gateway, proto(f), f.Dst)
	case len(h.Front.Receivers) == 0:
		return fmt.Sprintf("%s has no target in %s that the node at %s sends to", h.Origin.Gateway, h.Front.Group, f.Dst)
	}
	return fmt.Sprintf("%s sends it round and round", h.Origin.Gateway)
}
