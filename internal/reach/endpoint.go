package reach

import (
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
