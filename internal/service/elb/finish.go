package elb

import (
	"slices"
	"time"

	"kumiko/internal/store"
	"kumiko/internal/world"
)

// nodeGone tells whether an interface of a load balancer that was asked to go is no longer in the kernel.
func nodeGone(e world.ENI, seen store.Seen) bool {
	return e.Balancer != "" && e.Deleting && seen.Ready(e.Rev, string(e.VPC), string(e.Balancer))
}

// balancerGone tells it of a load balancer.
func balancerGone(b world.LoadBalancer, seen store.Seen) bool {
	return b.Deleting && seen.Ready(b.Rev, string(b.VPC), string(b.Gateway()), "names")
}

// idle tells whether a group has targets that are no longer any.
func idle(w *world.World, g world.TargetGroup, now time.Time) bool {
	return slices.ContainsFunc(g.Targets, func(t world.Target) bool { return gone(w, g, t, now) })
}

// Unfinished tells whether Finish would change something.
func Unfinished(w world.World, seen store.Seen, now time.Time) bool {
	return w.LoadBalancers.Any(func(b world.LoadBalancer) bool {
		return balancerGone(b, seen) || slices.ContainsFunc(w.ENIsOfBalancer(b.ID), func(e world.ENI) bool { return nodeGone(e, seen) })
	}) || w.TargetGroups.Any(func(g world.TargetGroup) bool { return idle(&w, g, now) })
}

// Finish completes what was seen to be complete: load balancers, and interfaces of them, that were asked to go and have
// gone; targets that have drained, or whose instance was terminated, are forgotten.
func Finish(tx *world.Tx, seen store.Seen) {
	for _, e := range tx.ENIs.Where(func(e world.ENI) bool { return nodeGone(e, seen) }) {
		tx.ENIs.Delete(e.ID)
	}
	for _, b := range tx.LoadBalancers.Where(func(b world.LoadBalancer) bool { return balancerGone(b, seen) }) {
		tx.LoadBalancers.Delete(b.ID)
	}
	for _, g := range tx.TargetGroups.Where(func(g world.TargetGroup) bool { return idle(&tx.World, g, tx.Now) }) {
		g.Targets = slices.DeleteFunc(slices.Clone(g.Targets), func(t world.Target) bool { return gone(&tx.World, g, t, tx.Now) })
		tx.TargetGroups.Put(g)
	}
}
