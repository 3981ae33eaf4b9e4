package ec2

import (
	"time"

	"kumiko/internal/store"
	"kumiko/internal/world"
)

// unfinishedBeyond is Unfinished for what leads out of VPCs: NAT gateways, VPC endpoints and peerings.
func unfinishedBeyond(w *world.World, seen store.Seen, now time.Time) bool {
	return w.Endpoints.Any(func(e world.Endpoint) bool { return endpointGone(e, seen) }) ||
		w.NATGateways.Any(func(g world.NATGateway) bool { return natStep(g, seen, now) != nil }) ||
		w.Peerings.Any(func(p world.Peering) bool { return peeringStep(p, now) != nil })
}

// finishBeyond is Finish for what leads out of VPCs:
//   - a NAT gateway that was asked to go, and has, loses its interface, and is forgotten when nobody can describe it;
//   - a VPC endpoint that was asked to go, and has, goes with its interfaces;
//   - a request for a peering that nobody answered expires, and a peering nobody can describe is forgotten.
func finishBeyond(tx *world.Tx, seen store.Seen) {
	for _, g := range tx.NATGateways.Where(func(g world.NATGateway) bool { return natStep(g, seen, tx.Now) != nil }) {
		natStep(g, seen, tx.Now)(tx, g)
	}
	for _, e := range tx.Endpoints.Where(func(e world.Endpoint) bool { return endpointGone(e, seen) }) {
		finishEndpoint(tx, e)
	}
	for _, p := range tx.Peerings.Where(func(p world.Peering) bool { return peeringStep(p, tx.Now) != nil }) {
		peeringStep(p, tx.Now)(tx, p)
	}
}
