package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"kumiko/internal/driver/flow"
	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/nft"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reconcile"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Lab is the data plane in a runtime folder of its own.
type Lab struct {
	Store *store.Store

	run    string
	spaces *netns.Driver
	rules  *nft.Driver
	flows  *flow.Driver
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New starts an empty lab.
func New() (*Lab, error) { return NewNamed(nobody{}) }

// NewNamed starts an empty lab with resolvers.
func NewNamed(resolvers reconcile.Whole) (*Lab, error) {
	run, err := os.MkdirTemp("", "kumiko-bench-")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	l := &Lab{Store: store.OpenMemory(), run: run}
	if l.spaces, err = netns.New(run); err != nil {
		return nil, errors.Join(err, os.RemoveAll(run))
	}
	path := func(name string) string { return kernel.Path(run, name) }
	l.flows, l.rules = flow.New(path, nobody{}), nft.New(path)
	loop := reconcile.New(l.Store, reconcile.Drivers{
		Namespaces: l.spaces, Rules: l.rules, Routes: route.New(run, l.spaces), Flows: l.flows,
		Names: resolvers, Doors: nobody{}, Proxy: nobody{}, Metadata: noMetadata{}, Hosts: noHosts{},
	}, nil, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.wg.Go(func() { _ = loop.Run(ctx) }) // ends with ctx, without an error
	return l, nil
}

// Close removes everything from the kernel.
func (l *Lab) Close() error {
	l.cancel()
	l.wg.Wait()
	l.flows.Close()
	l.rules.Close()
	err := l.spaces.Down(context.Background())
	l.spaces.Close()
	return errors.Join(err, l.Store.Close(), os.RemoveAll(l.run))
}

// Update changes the World and waits until the kernel has it.
func (l *Lab) Update(ctx context.Context, f func(tx *world.Tx)) error {
	if _, err := l.Store.Update(ctx, func(tx *world.Tx) error { f(tx); return nil }); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return l.Settle(ctx)
}

// Settle waits until the kernel has all that was asked for.
func (l *Lab) Settle(ctx context.Context) error {
	if err := l.Store.Wait(ctx, func(w world.World, s store.Seen) bool { return s.Rev >= w.Rev }); err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for scope, why := range l.Store.Seen().Failing {
		return fmt.Errorf("lab: %s is not applied: %s", scope, why)
	}
	return nil
}

// Namespace is the file of an instance's namespace.
func (l *Lab) Namespace(i world.InstanceID) string { return kernel.Path(l.run, i) }

// A lab does without metadata and instances, and nobody reads its records.
type (
	nobody     struct{}
	noMetadata struct{}
	noHosts    struct{}
)

func (nobody) Apply(context.Context, *fabric.Fabric) error                  { return nil }
func (nobody) Refused(flow.Refusal)                                         {}
func (nobody) Connected(flow.Connection)                                    {}
func (noMetadata) Apply(context.Context, *fabric.Fabric, world.World) error { return nil }
func (noHosts) Apply(context.Context, []*fabric.Host) error                 { return nil }
func (noHosts) Changed() <-chan struct{}                                    { return nil }
func (noHosts) Observe() map[world.InstanceID]store.Host                    { return nil }
