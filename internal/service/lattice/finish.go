package lattice

import (
	"slices"

	"kumiko/internal/fabric"
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
		return c.Deleting && seen.Rev >= c.Rev && !tx.ResourceAssociations.Some(string(c.ID))
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
	finishServices(tx, v)
	tx.SettleEndpoints()
}

// finishServices does it for services, their associations, target groups and targets.
func finishServices(tx *world.Tx, v view) {
	for _, a := range tx.ServiceAssociations.Where(func(a world.ServiceAssociation) bool {
		return a.Deleting && v.seen.Ready(a.Rev, v.serviceAssociationScopes(a)...)
	}) {
		tx.ServiceAssociations.Delete(a.ID)
	}
	for _, r := range tx.LatticeServices.Where(func(r world.LatticeService) bool {
		return r.Deleting && v.seen.Ready(r.Rev, fabric.ProxyScope)
	}) {
		tx.LatticeServices.Delete(r.ID)
	}
	for _, g := range tx.LatticeTargetGroups.Where(func(g world.LatticeTargetGroup) bool {
		return v.seen.Ready(g.Rev, append(pointScopes(g.VPC), fabric.ProxyScope)...)
	}) {
		gone := func(t world.LatticeTarget) bool { return t.Draining }
		switch {
		case g.Deleting:
			tx.LatticeTargetGroups.Delete(g.ID)
		case slices.ContainsFunc(g.Targets, gone):
			g.Targets = slices.DeleteFunc(slices.Clone(g.Targets), gone)
			tx.Touch(&g.Meta)
			tx.LatticeTargetGroups.Put(g)
		}
	}
}

// Unfinished tells whether something of Lattice is marked for deletion, so that Finish may have work.
func Unfinished(w world.World) bool {
	return w.LatticeDeleting()
}
