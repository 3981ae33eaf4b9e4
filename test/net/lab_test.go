package net

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"kumiko/internal/driver/flow"
	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/nft"
	"kumiko/internal/driver/proxy"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reconcile"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// lab is the whole data plane without instances: a store, the reconciler and the drivers over a runtime folder of its
// own. The hosts are bare namespaces; probes make their sockets in them.
type lab struct {
	t        *testing.T
	run      string
	store    *store.Store
	loop     *reconcile.Loop
	refusals *refusals
	proxy    *proxy.Proxy
	probes   atomic.Int64 // counts source ports
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("network tests need root, and CI must not go without them")
		}
		t.Skip("SKIPPED: network tests need root")
	}
}

func newLab(t *testing.T) *lab {
	needRoot(t)
	l := &lab{t: t, run: t.TempDir(), store: store.OpenMemory(), refusals: &refusals{waiting: map[key]chan fabric.Origin{}}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	spaces, err := netns.New(l.run)
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return kernel.Path(l.run, name) }
	flows := flow.New(path, l.refusals)
	l.proxy = proxy.New(proxy.Config{Run: l.run, Log: log})
	l.loop = reconcile.New(l.store, reconcile.Drivers{
		Namespaces: spaces, Rules: openPublic{nft.New(path)}, Routes: route.New(l.run, spaces),
		Flows: flows, Names: noNames{}, Doors: noNames{}, Proxy: l.proxy, Metadata: noMetadata{}, Hosts: noHosts{},
	}, nil, log)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { l.loop.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		l.proxy.Close()
		flows.Close()
		if err := spaces.Down(context.Background()); err != nil {
			t.Error(err)
		}
		l.store.Close()
	})
	return l
}

// update changes the world and waits until the kernel has it.
func (l *lab) update(f func(tx *world.Tx)) *fabric.Fabric {
	l.t.Helper()
	w, err := l.store.Update(l.t.Context(), func(tx *world.Tx) error { f(tx); return nil })
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.store.Wait(l.t.Context(), func(_ world.World, s store.Seen) bool { return s.Rev >= w.Rev }); err != nil {
		l.t.Fatal(err)
	}
	if s := l.store.Seen(); len(s.Failing) > 0 {
		l.t.Fatalf("not applied: %v", s.Failing)
	}
	return l.loop.Fabric()
}

func (l *lab) ns(i world.InstanceID) string { return kernel.Path(l.run, i) }

// openPublic lets everything in to the public side: in a lab, somebody there answers at every address.
type openPublic struct{ *nft.Driver }

func (openPublic) ApplyPublic(context.Context, *fabric.Public) error { return nil }

// A lab does without resolvers, metadata and instances.
type (
	noNames    struct{}
	noMetadata struct{}
	noHosts    struct{}
)

func (noNames) Apply(context.Context, *fabric.Fabric) error                 { return nil }
func (noMetadata) Apply(context.Context, *fabric.Fabric, world.World) error { return nil }
func (noHosts) Apply(context.Context, []*fabric.Host) error                 { return nil }
func (noHosts) Changed() <-chan struct{}                                    { return nil }
func (noHosts) Observe() map[world.InstanceID]store.Host                    { return nil }

// refusals hands each refusal to the probe that waits for it.
type refusals struct {
	mu      sync.Mutex
	waiting map[key]chan fabric.Origin
}

// key tells the probes of one world apart: by the port the prober has, which translation keeps. Probes without ports
// are sent one after the other.
type key struct {
	protocol world.Protocol
	port     uint16
}

func keyOf(f fabric.Flow) key {
	if f.Protocol.HasPorts() {
		return key{f.Protocol, f.SrcPort}
	}
	return key{protocol: f.Protocol}
}

// wait announces a probe.
func (r *refusals) wait(f fabric.Flow) <-chan fabric.Origin {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := make(chan fabric.Origin, 8)
	r.waiting[keyOf(f)] = c
	return c
}

func (r *refusals) forget(f fabric.Flow) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, keyOf(f))
}

// Refused takes a refusal, of a probe or of its answer, from the flow driver.
func (r *refusals) Refused(f flow.Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range []key{keyOf(f.Flow), keyOf(f.Flow.Reply())} {
		select {
		case r.waiting[k] <- f.Origin:
			return
		default:
		}
	}
}

// Connected takes a connection from the flow driver.
func (r *refusals) Connected(flow.Connection) {}
