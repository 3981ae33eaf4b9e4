package app

import (
	"context"
	"net/http"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/resolverapi"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/record"
	"kumiko/internal/service/ec2"
	"kumiko/internal/service/lattice"
	"kumiko/internal/service/logs"
	"kumiko/internal/service/resolver"
	"kumiko/internal/service/sts"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// patience is how long a call that AWS answers with a finished state may wait for the kernel.
const patience = 2 * time.Second

// front makes the handler of the AWS APIs.
func (d *daemon) front() (http.Handler, error) { return d.frontOf(d.store, d.logs) }

// frontOf makes the handler of the AWS APIs over a store and its logs.
func (d *daemon) frontOf(st *store.Store, kept *record.Store) (http.Handler, error) {
	network := ec2.New(ec2.Config{Store: st, Console: d.drivers.hosts.Console, StrictAMI: d.conf.StrictAMI})
	return api.New(api.Config{
		Services: []wire.Service{
			ec2api.Service(network),
			latticeapi.Service(lattice.New(lattice.Config{Store: st, Patience: patience})),
			logsapi.Service(logs.New(logs.Config{Store: st, Log: kept})),
			resolverapi.Service(resolver.New(resolver.Config{Store: st})),
			stsapi.Service(sts.New(sts.Config{Store: st})),
		},
		Credentials: accounts{st}, Open: d.conf.Open, Log: d.conf.Log,
	})
}

// finish completes in the World what was seen to be complete in the kernel.
func (d *daemon) finish(ctx context.Context, w world.World, seen store.Seen) {
	if !lattice.Unfinished(w) && !resolver.Unfinished(w) && !ec2.Unfinished(w, seen, time.Now()) {
		return
	}
	_, err := d.store.Update(ctx, func(tx *world.Tx) error {
		lattice.Finish(tx, seen)
		resolver.Finish(tx, seen)
		ec2.Finish(tx, seen)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		d.conf.Log.Error("what is complete could not be written down", "err", err)
		return
	}
	w = d.store.World()
	if err := d.drivers.hosts.Prune(func(i world.InstanceID) bool { row, ok := w.Instances.Get(i); return ok && row.TerminatedAt.IsZero() }); err != nil {
		d.conf.Log.Error("disks of terminated instances are left", "err", err)
	}
}
