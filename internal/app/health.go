package app

import (
	"context"
	"net/netip"

	"kumiko/internal/driver/health"
	"kumiko/internal/fabric"
	"kumiko/internal/service/lattice"
	"kumiko/internal/service/route53"
	"kumiko/internal/world"
)

// newChecker makes the checker of Route 53's health checks.
func (d *daemon) newChecker() *health.Checker {
	return health.New(health.Config{
		Run:     d.folder.run(),
		Resolve: func(name string) (netip.Addr, bool) { return fabric.ResolvePublic(d.loop.Fabric(), name) },
		Changed: d.healthChanged,
	})
}

// healthChanged writes down that a health check has another result, so that names are answered by it.
func (d *daemon) healthChanged(id world.HealthCheckID, well bool) {
	_, err := d.store.Update(context.Background(), func(tx *world.Tx) error {
		if tx.HealthChecks.Has(id) {
			tx.HealthObservations.Put(world.HealthObservation{Check: id, Healthy: well})
		}
		return nil
	})
	if err != nil {
		d.conf.Log.Error("a health check's result could not be written down", "id", id, "err", err)
	}
}

// check makes the health checks there are until ctx ends.
func (d *daemon) check(ctx context.Context) {
	defer d.checker.Close()
	changed := d.store.Watch(ctx)
	for {
		w := d.store.World()
		before := map[world.HealthCheckID]bool{}
		for o := range w.HealthObservations.All() {
			before[o.Check] = o.Healthy
		}
		d.checker.Apply(w.HealthChecks.Where(func(world.HealthCheck) bool { return true }), before)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// targetSeen writes down how a target of a load balancer is.
func (d *daemon) targetSeen(key string, well bool) {
	_, err := d.store.Update(context.Background(), func(tx *world.Tx) error {
		if g, ok := d.loop.Fabric().Probed()[key]; ok && tx.TargetGroups.Has(g) {
			tx.TargetObservations.Put(world.TargetObservation{Key: key, Group: g, Healthy: well})
		}
		return nil
	})
	if err != nil {
		d.conf.Log.Error("how a target is could not be written down", "target", key, "err", err)
	}
}

// checkTargets has the targets of load balancers asked until ctx ends, as the kernel has them; what was found of those that
// are not asked any more is forgotten.
func (d *daemon) checkTargets(ctx context.Context) {
	targets := health.NewTargets(d.folder.run(), d.targetSeen)
	defer targets.Close()
	changed := d.store.Watch(ctx)
	for {
		if f := d.loop.Fabric(); f.Rev > 0 && d.store.Seen().Rev >= f.Rev {
			w := d.store.World()
			before := map[string]bool{}
			for o := range w.TargetObservations.All() {
				before[o.Key] = o.Healthy
			}
			targets.Apply(f, before)
			d.forgetTargets(ctx, f.Probed())
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// forgetTargets deletes what was found of targets that are not asked.
func (d *daemon) forgetTargets(ctx context.Context, asked map[string]world.TargetGroupID) {
	lost := func(o world.TargetObservation) bool { _, ok := asked[o.Key]; return !ok }
	w := d.store.World()
	if !w.TargetObservations.Any(lost) {
		return
	}
	_, err := d.store.Update(ctx, func(tx *world.Tx) error {
		for _, o := range tx.TargetObservations.Where(lost) {
			tx.TargetObservations.Delete(o.Key)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		d.conf.Log.Error("targets that are not asked could not be forgotten", "err", err)
	}
}

// findings shows the checker as the service wants to see it.
// wellness is what the proxy's health checks have found of a target of Lattice.
func (d *daemon) wellness(g world.LatticeTargetGroupID, target string) lattice.Wellness {
	switch well, known := d.drivers.proxy.Healthy(g, target); {
	case !known:
		return lattice.Unasked
	case well:
		return lattice.Well
	}
	return lattice.Ill
}

type findings struct{ *health.Checker }

// Last is what was found when a check was last made.
func (f findings) Last(id world.HealthCheckID) (out []route53.Finding) {
	for _, x := range f.Checker.Last(id) {
		out = append(out, route53.Finding{Region: x.Region, Address: x.From.String(), Status: x.Text, Failed: !x.OK, Time: x.Time})
	}
	return out
}
