package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// Limits of clients and targets. (VPC Lattice User Guide, "Quotas" and "HTTP headers"; how long a connection to a target may
// take is not documented.)
const (
	idleTime    = 60 * time.Second
	connectTime = 5 * time.Second
	mostHeaders = 100
	mostClients = 1024 // connections of a listener at once, so that clients leave the daemon its descriptors; further ones wait
	headerBytes = 60 << 10
)

// Config is what a Proxy needs.
type Config struct {
	Run  string // runtime folder, where the namespaces are
	Log  *slog.Logger
	Dial dial // nil: from the service points

	Served func(*Served) // is told of requests to services, when they are over; nil: nobody is
}

// dial connects to a target from the service point of a VPC.
type dial func(ctx context.Context, from world.VPCID, to netip.AddrPort) (net.Conn, error)

// Proxy keeps the listeners and the questions to targets. Its methods may be called from any goroutine.
type Proxy struct {
	cfg    Config
	fabric atomic.Pointer[fabric.Fabric]
	turns  turns
	health *checks

	mu    sync.Mutex
	doors map[place]*door
}

// place is where a listener is.
type place struct {
	vpc  world.VPCID
	port uint16
}

// door is a listener in a service point.
type door struct {
	home    os.FileInfo // of the namespace's file when it was opened
	http    *http.Server
	serving sync.WaitGroup // connections being accepted
	asked   sync.WaitGroup // requests being answered
}

// New makes a proxy without listeners.
func New(c Config) *Proxy {
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, from world.VPCID, to netip.AddrPort) (net.Conn, error) {
			return kernel.DialTCP(ctx, kernel.Path(c.Run, fabric.ServicePoint(from)), world.LatticeSource, to)
		}
	}
	p := &Proxy{cfg: c, doors: map[place]*door{}, health: newChecks(c.Dial)}
	p.fabric.Store(&fabric.Fabric{})
	return p
}

// Apply opens the listeners the fabric wants and closes those it does not, with their connections, and asks its targets.
// Requests that come from then on are served by this fabric.
func (p *Proxy) Apply(ctx context.Context, f *fabric.Fabric) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fabric.Store(f)
	p.health.apply(f)
	want := map[place]bool{}
	for _, e := range f.Endpoints {
		for _, t := range e.Takers {
			want[place{e.VPC, t.Port()}] = true
		}
	}
	for at, d := range p.doors {
		if !want[at] || !d.in(p.path(at)) {
			d.close()
			delete(p.doors, at)
		}
	}
	var errs []error
	for at := range want {
		if p.doors[at] != nil || ctx.Err() != nil {
			continue
		}
		d, err := p.open(at)
		if err != nil {
			errs = append(errs, fmt.Errorf("proxy: %s port %d: %w", at.vpc, at.port, err))
			continue
		}
		p.doors[at] = d
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// Close closes all listeners and connections, and ends all questions.
func (p *Proxy) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, d := range p.doors {
		d.close()
		delete(p.doors, at)
	}
	p.health.apply(&fabric.Fabric{})
}

// Healthy tells what the checks of a target have found; known is false before they have.
func (p *Proxy) Healthy(g world.LatticeTargetGroupID, target string) (well, known bool) {
	return p.health.of(g, target)
}

func (p *Proxy) path(at place) string { return kernel.Path(p.cfg.Run, fabric.ServicePoint(at.vpc)) }

func (p *Proxy) open(at place) (*door, error) {
	home, err := os.Stat(p.path(at))
	if err != nil {
		return nil, err
	}
	l, err := kernel.ListenTCP(p.path(at), netip.AddrPortFrom(netip.IPv4Unspecified(), at.port))
	if err != nil {
		return nil, err
	}
	d := &door{home: home}
	d.http = p.server(at, d)
	d.serving.Go(func() {
		if err := d.http.Serve(netutil.LimitListener(l, mostClients)); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			p.cfg.Log.Error("a listener of services has closed", "scope", at.vpc, "port", at.port, "err", err)
		}
	})
	return d, nil
}

func (p *Proxy) server(at place, d *door) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d.asked.Add(1)
			defer d.asked.Done()
			p.serve(w, r, at)
		}),
		ReadHeaderTimeout: idleTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
	}
}

// in tells whether the namespace at path is the one the listener was opened in.
func (d *door) in(path string) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(d.home, now)
}

func (d *door) close() {
	d.http.Close() // the error would be of connections that are gone
	d.serving.Wait()
	d.asked.Wait()
}
