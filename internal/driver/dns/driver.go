package dns

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// Port is the port of DNS. (RFC 1035 §4.2.)
const Port = 53

// Config is what a Driver needs.
type Config struct {
	Run     string  // runtime folder, where the namespaces are
	Sockets Sockets // nil: real ones
	Log     *slog.Logger
	Port    int // 0: [Port]
	// Asked is told what instances of VPCs that log their queries asked, and what they were answered. It does not wait.
	Asked func(Question)
}

// Driver keeps one resolver for each VPC that has one, and one for each inbound endpoint. Its methods may be called from any goroutine.
type Driver struct {
	cfg Config

	forwards *forwarder

	mu      sync.Mutex
	servers map[string]*server // by namespace
}

// New makes a driver with no resolvers.
func New(cfg Config) *Driver {
	if cfg.Port == 0 {
		cfg.Port = Port
	}
	if cfg.Sockets == nil {
		cfg.Sockets = kernelSockets{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Asked == nil {
		cfg.Asked = func(Question) {}
	}
	return &Driver{cfg: cfg, forwards: newForwarder(cfg), servers: map[string]*server{}}
}

// Apply makes the resolvers equal to f: when it returns, each VPC answers from its records in f, and a VPC that f
// lacks, or whose resolver is off, answers no more. A VPC that is the same value as before is taken to be where it was. A VPC that fails does not keep the others from being applied; the error names each.
func (d *Driver) Apply(ctx context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forwards.fabric.Store(f)
	var failed []error
	wanted := map[string]bool{}
	for _, p := range d.places(f) {
		wanted[p.name] = true
		if err := d.serve(ctx, p); err != nil {
			failed = append(failed, err)
		}
	}
	for id, s := range d.servers {
		if !wanted[id] {
			s.close()
			delete(d.servers, id)
		}
	}
	return errors.Join(failed...)
}

// place is where a resolver answers from the names of a VPC.
type place struct {
	name     string // of the namespace
	addrs    []netip.Addr
	view     *fabric.VPC
	endpoint world.ResolverEndpointID // of an inbound endpoint
}

// places are where resolvers are to answer.
func (d *Driver) places(f *fabric.Fabric) []place {
	var out []place
	for _, v := range f.VPCs {
		if v.Resolver.Enabled && len(v.Resolver.Addrs) > 0 {
			out = append(out, place{name: string(v.ID), addrs: v.Resolver.Addrs, view: v})
		}
	}
	for _, e := range f.Resolvers {
		if v := f.VPC(e.VPC); !e.Outbound && len(e.Addrs) > 0 && v.Resolver.Enabled {
			out = append(out, place{name: string(e.ID), addrs: e.Addrs, view: v, endpoint: e.ID})
		}
	}
	return out
}

// serve gives the resolver at a place its records, and starts it when it does not run, or runs elsewhere: on other
// addresses, or in a namespace that was replaced.
func (d *Driver) serve(ctx context.Context, p place) error {
	ns := kernel.Path(d.cfg.Run, p.name)
	if s := d.servers[p.name]; s != nil {
		if slices.Equal(s.addrs, p.addrs) && (s.view.Load() == p.view || s.in(ns)) {
			s.view.Store(p.view)
			return nil
		}
		s.close()
		delete(d.servers, p.name)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := open(d, ns, p)
	if err != nil {
		return fmt.Errorf("dns: serve %s: %w", p.name, err)
	}
	d.servers[p.name] = s
	return nil
}

// Close stops every resolver and waits for what is under way.
func (d *Driver) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, s := range d.servers {
		s.close()
		delete(d.servers, id)
	}
	d.forwards.close()
}

// closed tells whether err is only that the socket was closed.
func closed(err error) bool { return errors.Is(err, net.ErrClosed) }
