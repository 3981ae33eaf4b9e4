package resolver

import (
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Finish takes away what was marked for deletion and is no longer in the kernel: endpoints and their interfaces, and
// associations that the resolvers have forgotten. It changes nothing when there is nothing to do.
func Finish(tx *world.Tx, seen store.Seen) {
	v := view{tx.World, seen}
	for _, x := range tx.ENIs.Where(func(x world.ENI) bool { return x.Resolver != "" && x.Deleting && v.ready(x.Meta, x.VPC) }) {
		tx.ENIs.Delete(x.ID)
	}
	for _, e := range tx.ResolverEndpoints.Where(func(e world.ResolverEndpoint) bool { return e.Deleting && v.ready(e.Meta, e.VPC) }) {
		tx.ResolverEndpoints.Delete(e.ID)
	}
	for _, a := range tx.ResolverRuleAssociations.Where(func(a world.ResolverRuleAssociation) bool { return a.Deleting && v.seen.Ready(a.Rev, "names") }) {
		tx.ResolverRuleAssociations.Delete(a.ID)
	}
	for _, a := range tx.QueryLogAssociations.Where(func(a world.QueryLogAssociation) bool { return a.Deleting && v.seen.Ready(a.Rev, "names") }) {
		tx.QueryLogAssociations.Delete(a.ID)
	}
}

// Unfinished tells whether something of Resolver is marked for deletion, so that Finish may have work.
func Unfinished(w world.World) bool {
	return w.ResolverEndpoints.Any(func(e world.ResolverEndpoint) bool { return e.Deleting }) ||
		w.ResolverRuleAssociations.Any(func(a world.ResolverRuleAssociation) bool { return a.Deleting }) ||
		w.QueryLogAssociations.Any(func(a world.QueryLogAssociation) bool { return a.Deleting }) ||
		w.ENIs.Any(func(x world.ENI) bool { return x.Resolver != "" && x.Deleting })
}
