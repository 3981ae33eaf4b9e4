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

// PacketsPerSecond is how many packets an ENI may send to link-local services in a second; the rest is dropped.
// (Amazon VPC User Guide, "DNS quotas".)
const PacketsPerSecond = 1024

// Sockets makes sockets inside the namespace at path ns; they work from any goroutine.
type Sockets interface {
	ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error)
	ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error)
}

// Config is what a Driver needs.
type Config struct {
	Run     string  // runtime folder, where the namespaces are
	Sockets Sockets // nil: real ones
	Log     *slog.Logger
	Rate    int // queries per second and source address that are answered; 0: no limit
	Port    int // 0: [Port]
}

// kernelSockets makes real sockets.
type kernelSockets struct{}

func (kernelSockets) ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error) {
	return kernel.ListenUDP(ns, addr)
}

func (kernelSockets) ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error) {
	return kernel.ListenTCP(ns, addr)
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
	if cfg.Sockets == nil {
		cfg.Sockets = kernelSockets{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Driver{cfg: cfg, servers: map[world.VPCID]*server{}}
}

// Apply makes the resolvers equal to f: when it returns, each VPC answers from its records in f, and a VPC that f
// lacks, or whose resolver is off, answers no more. A VPC that fails does not keep the others from being applied; the error names each.
func (d *Driver) Apply(ctx context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var failed []error
	wanted := map[world.VPCID]bool{}
	for _, v := range f.VPCs {
		if !v.Resolver.Enabled || len(v.Resolver.Addrs) == 0 {
			continue
		}
		wanted[v.ID] = true
		if err := d.serve(ctx, v); err != nil {
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

// serve gives the VPC's resolver its records, and starts it when it does not run, or runs elsewhere: on other
// addresses, or in a namespace that was replaced.
func (d *Driver) serve(ctx context.Context, v *fabric.VPC) error {
	ns := kernel.Path(d.cfg.Run, v.ID)
	if s := d.servers[v.ID]; s != nil {
		if slices.Equal(s.addrs, v.Resolver.Addrs) && s.in(ns) {
			s.view.Store(v)
			return nil
		}
		s.close()
		delete(d.servers, v.ID)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := open(d.cfg, ns, v)
	if err != nil {
		return fmt.Errorf("dns: serve %s: %w", v.ID, err)
	}
	d.servers[v.ID] = s
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
}

// closed tells whether err is only that the socket was closed.
func closed(err error) bool { return errors.Is(err, net.ErrClosed) }
