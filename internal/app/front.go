package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/elbapi"
	"kumiko/internal/api/iamapi"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/ramapi"
	"kumiko/internal/api/resolverapi"
	"kumiko/internal/api/route53api"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/guard"
	"kumiko/internal/record"
	"kumiko/internal/service/ec2"
	"kumiko/internal/service/elb"
	"kumiko/internal/service/iam"
	"kumiko/internal/service/lattice"
	"kumiko/internal/service/logs"
	"kumiko/internal/service/ram"
	"kumiko/internal/service/resolver"
	"kumiko/internal/service/route53"
	"kumiko/internal/service/ssm"
	"kumiko/internal/service/sts"
	"kumiko/internal/session/ssm/gateway"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// patience is how long a call that AWS answers with a finished state may wait for the kernel.
const patience = 2 * time.Second

// front makes the handler of the AWS APIs, with the channels of Session Manager.
func (d *daemon) front() (http.Handler, error) {
	key, err := d.folder.secret("channel-token", 32, rand.Read)
	if err != nil {
		return nil, err
	}
	c := &channels{}
	c.Gateway = gateway.New(gateway.Config{Key: key, Book: book{c}, Identify: c.identify, Log: d.conf.Log})
	c.service = ssm.New(ssm.Config{Store: d.store, Box: d.box, Channels: c, Public: ec2.ImageParameters, URL: d.url, Log: d.conf.Log})
	if c.front, err = d.frontOf(d.store, d.logs, c.service); err != nil {
		return nil, err
	}
	for _, row := range c.service.Going() {
		c.Restore(task(row))
	}
	d.channels = c
	return http.HandlerFunc(c.serve), nil
}

// frontOf makes the front door of the AWS APIs over a store and its logs.
func (d *daemon) frontOf(st *store.Store, kept *record.Store, nodes *ssm.Service) (*api.Server, error) {
	network := ec2.New(ec2.Config{Store: st, Console: d.drivers.hosts.Console, StrictAMI: d.conf.StrictAMI})
	g := d.guard
	if st != d.store {
		g = d.guardOf(st)
	}
	return api.New(api.Config{
		Authorize: g.Authorize,
		Services: []wire.Service{
			ec2api.Service(network),
			latticeapi.Service(lattice.New(lattice.Config{Store: st, Patience: patience, Wellness: d.wellness})),
			logsapi.Service(logs.New(logs.Config{Store: st, Log: kept})),
			route53api.Service(route53.New(route53.Config{Store: st, Checker: findings{d.checker}})),
			resolverapi.Service(resolver.New(resolver.Config{Store: st})),
			stsapi.Service(sts.New(sts.Config{Store: st, Guard: g, Box: d.box})),
			ramapi.Service(ram.New(ram.Config{Store: st})),
			iamapi.Service(iam.New(iam.Config{Store: st, Guard: g})),
			elbapi.Service(elb.New(elb.Config{Store: st, Patience: patience})),
			nodes.Describe(), nodes.Delivery(), ssm.Gateway(),
		},
		Credentials: accounts{st, d.box}, Open: d.conf.Open, Log: d.conf.Log,
	})
}

// guardOf makes the guard of the APIs over a store.
func (d *daemon) guardOf(st *store.Store) *guard.Guard {
	return guard.New(guard.Config{World: st.World, Box: d.box, Warn: d.conf.IAMWarn, Log: d.conf.Log})
}

// finish completes in the World what was seen to be complete in the kernel.
func (d *daemon) finish(ctx context.Context, w world.World, seen store.Seen) {
	now := time.Now()
	if !lattice.Unfinished(w) && !resolver.Unfinished(w) && !ssm.Unfinished(w) && !ec2.Unfinished(w, seen, now) && !elb.Unfinished(w, seen, now) {
		return
	}
	d.channels.service.EndSessions(w)
	_, err := d.store.Update(ctx, func(tx *world.Tx) error {
		lattice.Finish(tx, seen)
		resolver.Finish(tx, seen)
		ssm.Finish(tx)
		ec2.Finish(tx, seen)
		elb.Finish(tx, seen)
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
