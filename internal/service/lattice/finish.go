package lattice

import (
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Finish takes away what was marked for deletion and is no longer in the kernel, with what belongs to it: the managed
// interfaces of gateways and, once their associations are gone, children of groups. It is to be called in a
// transaction of its own after each change of what was seen; it changes nothing when there is nothing to do.
func Finish(tx *world.Tx, seen store.Seen) {
	v := view{w: tx.World, seen: seen}
	for _, a := range tx.ResourceAssociations.Where(func(a world.ResourceAssociation) bool {
		return a.Deleting && seen.Ready(a.Rev, v.resourceAssociationScopes(a)...)
	}) {
		tx.ResourceAssociations.Delete(a.ID)
	}
	for _, a := range tx.VPCAssociations.Where(func(a world.VPCAssociation) bool {
		return a.Deleting && seen.Ready(a.Rev, v.vpcAssociationScopes(a)...)
	}) {
		tx.VPCAssociations.Delete(a.ID)
	}
	for _, c := range tx.ResourceConfigurations.Where(func(c world.ResourceConfiguration) bool {
		return c.Deleting && seen.Rev >= c.Rev && !tx.ResourceAssociations.Any(func(a world.ResourceAssociation) bool { return a.Configuration == c.ID })
	}) {
		removeConfiguration(tx, c)
	}
	for _, g := range tx.ResourceGateways.Where(func(g world.ResourceGateway) bool {
		return g.Deleting && seen.Ready(g.Rev, gatewayScopes(g)...)
	}) {
		for _, e := range tx.ENIsOfGateway(g.ID) {
			tx.ENIs.Delete(e.ID)
		}
		tx.ResourceGateways.Delete(g.ID)
	}
	tx.SettleEndpoints()
}

// Unfinished tells whether something of Lattice is marked for deletion, so that Finish may have work.
func Unfinished(w world.World) bool {
	return w.ResourceAssociations.Any(func(a world.ResourceAssociation) bool { return a.Deleting }) ||
		w.VPCAssociations.Any(func(a world.VPCAssociation) bool { return a.Deleting }) ||
		w.ResourceConfigurations.Any(func(c world.ResourceConfiguration) bool { return c.Deleting }) ||
		w.ResourceGateways.Any(func(g world.ResourceGateway) bool { return g.Deleting })
}
