package reach

import (
	"fmt"

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
