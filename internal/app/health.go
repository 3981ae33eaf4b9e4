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
