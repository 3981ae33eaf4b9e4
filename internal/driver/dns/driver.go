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
	"kumiko/internal/world"
)

// Port is the port of DNS. (RFC 1035 §4.2.)
const Port = 53

// PacketsPerSecond is how many packets an ENI may send to link-local services in a second; the rest is dropped.
// (Amazon VPC User Guide, "DNS quotas".)
const PacketsPerSecond = 1024

// Sockets makes sockets inside a namespace, named as the VPC is; they work from any goroutine.
type Sockets interface {
	ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error)
	ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error)
}

// Config is what a Driver needs.
type Config struct {
	Sockets Sockets
	Log     *slog.Logger
	Rate    int // queries per second and source address that are answered; 0: no limit
	Port    int // 0: [Port]
}

// Driver keeps one resolver for each VPC that has one. Its methods may be called from any goroutine.
type Driver struct {
	cfg Config

	mu      sync.Mutex
	servers map[world.VPCID]*server
}

// New makes a driver with no resolvers.
func New(cfg Config) *Driver {
	if cfg.Port == 0 {
		cfg.Port = Port
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Driver{cfg: cfg, servers: map[world.VPCID]*server{}}
}

// Apply makes the resolvers equal to f: when it returns, each VPC answers from its records in f, and a VPC that f
// lacks, or whose resolver is off, answers no more. It returns what failed, by VPC; the others were applied.
func (d *Driver) Apply(ctx context.Context, f *fabric.Fabric) map[world.VPCID]error {
	d.mu.Lock()
	defer d.mu.Unlock()
	failed := map[world.VPCID]error{}
	wanted := map[world.VPCID]bool{}
	for _, v := range f.VPCs {
		if !v.Resolver.Enabled || len(v.Resolver.Addrs) == 0 {
			continue
		}
		wanted[v.ID] = true
		if err := d.serve(ctx, v); err != nil {
			failed[v.ID] = err
		}
	}
	for id, s := range d.servers {
		if !wanted[id] {
			s.close()
			delete(d.servers, id)
		}
	}
	return failed
}

// serve gives the VPC's resolver its records, and starts it when it does not run or has other addresses.
func (d *Driver) serve(ctx context.Context, v *fabric.VPC) error {
	if s := d.servers[v.ID]; s != nil {
		if slices.Equal(s.addrs, v.Resolver.Addrs) {
			s.view.Store(v)
			return nil
		}
		s.close()
		delete(d.servers, v.ID)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := open(d.cfg, v)
	if err != nil {
		return fmt.Errorf("dns: serve %s: %w", v.ID, err)
	}
	d.servers[v.ID] = s
	return nil
}

// Forget stops the resolver of a VPC, if it runs. The next Apply starts it again when the VPC still has one; use it
// when the VPC's namespace was replaced.
func (d *Driver) Forget(id world.VPCID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.servers[id]; s != nil {
		s.close()
		delete(d.servers, id)
	}
}

// Close stops every resolver and waits for what is under way.
func (d *Driver) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, s := range d.servers {
		s.close()
		delete(d.servers, id)
	}
}

// closed tells whether err is only that the socket was closed.
func closed(err error) bool { return errors.Is(err, net.ErrClosed) }
