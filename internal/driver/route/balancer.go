package route

import (
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Priorities of the further rules of a load balancer: what asks its targets is led to an ENI by its address, and what
// comes in by an ENI, and for no consumer, leaves by the same one.
const (
	prefProbes = 1     // plus the position of the ENI; before prefOwn
	prefNodes  = 90000 // plus the position of the ENI; after prefConsumers and before prefNoReply
)

// balancerRules adds the rules that a load balancer has beyond those of all gateways.
func balancerRules(t tables, g *fabric.Gateway) {
	if g.Balancer == nil {
		return
	}
	for n, p := range g.Ports {
		t.rules[prefProbes+n] = rule{in: "lo", src: single(kernel.ProbeAddr(n)), table: kernel.TableEgress + n}
		t.rules[prefNodes+n] = rule{in: p.Device, table: kernel.TableEgress + n}
	}
}
