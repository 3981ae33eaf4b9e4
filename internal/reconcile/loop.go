package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Loop is the reconciler of one store.
type Loop struct {
	store   *store.Store
	drivers Drivers
	// after is called when something was seen; it may write to the store (rows whose deletion is complete).
	after func(context.Context, world.World, store.Seen)
	log   *slog.Logger

	fabric  atomic.Pointer[fabric.Fabric]
	applied map[string]any  // scope id → *fabric.VPC, *fabric.Gateway, … as last applied without error
	known   map[string]bool // ids of the scopes that were tried
	failing map[string]failure
	rev     uint64
	world   world.World // of the fabric last compiled
	hosts   chan []*fabric.Host
}

// Ids of the scopes of the public side, and of what listens within networks.
const (
	scopePublic = "public"
	scopeDoors  = "doors"
)

type failure struct {
	err   string
	tries int
}

// retryFirst and retryMost bound the pause before a failed scope is tried again.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 30 * time.Second
)

// New makes a reconciler; after may be nil.
func New(s *store.Store, d Drivers, after func(context.Context, world.World, store.Seen), log *slog.Logger) *Loop {
	l := &Loop{
		store: s, drivers: d, after: after, log: log,
		applied: map[string]any{}, known: map[string]bool{}, failing: map[string]failure{}, hosts: make(chan []*fabric.Host, 1),
	}
	l.fabric.Store(&fabric.Fabric{})
	return l
}

// Fabric is the one last compiled.
func (l *Loop) Fabric() *fabric.Fabric { return l.fabric.Load() }

// Run reconciles until ctx ends; what runs in the kernel goes on without it.
func (l *Loop) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { l.runHosts(ctx) })
	defer wg.Wait()
	changed := l.store.Watch(ctx)
	retry := time.NewTimer(0)
	defer retry.Stop()
	first := true
	for {
		w := l.store.World()
		if first || w.Rev != l.rev || len(l.failing) > 0 {
			l.apply(ctx, w)
			first = false
			if pause := l.pause(); pause > 0 {
				retry.Reset(pause)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		l.publish(ctx)
		if !l.idle(ctx, changed, retry.C) {
			return nil
		}
	}
}

// idle waits for a reason to look again; false when ctx has ended.
func (l *Loop) idle(ctx context.Context, changed <-chan struct{}, retry <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-l.drivers.Hosts.Changed():
			return true
		case <-retry:
			if len(l.failing) > 0 {
				return true
			}
		case <-changed:
			if l.store.World().Rev != l.rev {
				return true
			}
		}
	}
}

func (l *Loop) apply(ctx context.Context, w world.World) {
	f := l.compile(w)
	l.try("namespaces", func() error { return l.drivers.Namespaces.Ensure(ctx, f) })
	l.try("flows", func() error { return l.drivers.Flows.Apply(ctx, f) })
	wanted := map[string]bool{}
	for _, g := range f.Gateways {
		wanted[string(g.ID)] = true
		l.scope(string(g.ID), g, func(d Scoped) error { return d.ApplyGateway(ctx, g) })
	}
	for _, v := range f.VPCs {
		wanted[string(v.ID)] = true
		l.scope(string(v.ID), v, func(d Scoped) error { return d.ApplyVPC(ctx, v) })
	}
	for _, n := range f.NATs {
		wanted[string(n.ID)] = true
		l.scope(string(n.ID), n, func(d Scoped) error { return d.ApplyNAT(ctx, n) })
	}
	for _, e := range f.Endpoints {
		wanted[string(e.ID)] = true
		l.scope(string(e.ID), e, func(d Scoped) error { return d.ApplyEndpoint(ctx, e) })
	}
	if len(f.Public.Uplinks) > 0 {
		wanted[scopePublic] = true
		l.scope(scopePublic, &f.Public, func(d Scoped) error { return d.ApplyPublic(ctx, &f.Public) })
	}
	l.try("names", func() error { return l.drivers.Names.Apply(ctx, f) })
	l.try(scopeDoors, func() error { return l.drivers.Doors.Apply(ctx, f) })
	l.try(fabric.ProxyScope, func() error { return l.drivers.Proxy.Apply(ctx, f) })
	l.try("metadata", func() error { return l.drivers.Metadata.Apply(ctx, f, w) })
	l.offer(f.Hosts)
	l.try("sweep", func() error { return l.drivers.Namespaces.Sweep(ctx, f) })
	l.forget(wanted)
	l.rev = w.Rev
}

// compile says what the network must be now, from what it had to be before where that did not change.
func (l *Loop) compile(w world.World) *fabric.Fabric {
	f := l.fabric.Load()
	changes, ok := l.store.Since(l.world.Rev, w)
	switch {
	case l.world.Rev == 0 || !ok:
		f = fabric.Compile(w)
	case len(changes) > 0:
		f = fabric.Recompile(f, l.world, w, changes)
	}
	l.world = w
	l.fabric.Store(f)
	return f
}

// scope gives a changed scope to the scoped drivers, rules first.
func (l *Loop) scope(id string, want any, apply func(Scoped) error) {
	l.known[id] = true
	if was := l.applied[id]; same(was, want) {
		l.applied[id] = want
		delete(l.failing, id)
		return
	}
	l.try(id, func() error {
		delete(l.applied, id)
		for _, d := range []Scoped{l.drivers.Rules, l.drivers.Namespaces, l.drivers.Routes} {
			if err := apply(d); err != nil {
				return err
			}
		}
		l.applied[id] = want
		return nil
	})
}

// same tells whether a scope has to be in the kernel as it was before: fabrics take over what does not change.
func same(was, want any) bool {
	switch want := want.(type) {
	case *fabric.VPC:
		v, ok := was.(*fabric.VPC)
		return ok && v.SameNetwork(want)
	case *fabric.Public:
		p, ok := was.(*fabric.Public)
		return ok && fabric.Same(p.Uplinks, want.Uplinks)
	}
	return was == want
}

// forget drops what is known of scopes that are not wanted any more, whether they were ever applied or only failed.
func (l *Loop) forget(wanted map[string]bool) {
	for id := range l.known {
		if wanted[id] {
			continue
		}
		delete(l.known, id)
		delete(l.applied, id)
		delete(l.failing, id)
		for _, d := range []any{l.drivers.Rules, l.drivers.Namespaces, l.drivers.Routes} {
			if f, ok := d.(Forgetter); ok {
				f.Forget(id)
			}
		}
	}
}

func (l *Loop) try(scope string, f func() error) {
	if err := f(); err != nil {
		n := l.failing[scope].tries + 1
		l.failing[scope] = failure{err: err.Error(), tries: n}
		level := slog.LevelError
		if errors.Is(err, context.Canceled) { // the daemon ends; the next one applies it
			level = slog.LevelDebug
		}
		l.log.Log(context.Background(), level, "scope not applied", "scope", scope, "tries", n, "err", err)
		return
	}
	delete(l.failing, scope)
}

// pause is how long to wait before the failing scopes are tried again; 0 when none fails.
func (l *Loop) pause() time.Duration {
	var most time.Duration
	for _, f := range l.failing {
		d := min(retryFirst<<min(f.tries-1, 10), retryMost)
		if most == 0 || d < most {
			most = d
		}
	}
	return most
}

func (l *Loop) publish(ctx context.Context) {
	seen := store.Seen{Rev: l.rev, Failing: map[string]string{}, Hosts: l.drivers.Hosts.Observe()}
	for id, f := range l.failing {
		seen.Failing[id] = f.err
	}
	if old := l.store.Seen(); old.Rev == seen.Rev && maps.Equal(old.Failing, seen.Failing) && maps.Equal(old.Hosts, seen.Hosts) {
		return
	}
	l.store.SetSeen(seen)
	if l.after != nil {
		l.after(ctx, l.store.World(), seen)
	}
}

// offer gives the worker the hosts to run, in place of what it has not yet begun with.
func (l *Loop) offer(hosts []*fabric.Host) {
	for {
		select {
		case l.hosts <- hosts:
			return
		default:
		}
		select {
		case <-l.hosts:
		default:
		}
	}
}

// runHosts starts and stops instances, always towards the newest wish. The same wish is told again only when it did not come true.
func (l *Loop) runHosts(ctx context.Context) {
	var last []*fabric.Host
	done := false
	for {
		select {
		case hosts := <-l.hosts:
			if done && fabric.Same(hosts, last) {
				continue
			}
			err := l.drivers.Hosts.Apply(ctx, hosts)
			if err != nil && ctx.Err() == nil {
				l.log.Error("instances not as asked", "err", err)
			}
			last, done = hosts, err == nil
		case <-ctx.Done():
			return
		}
	}
}
