package imds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// KeySize is the size of the key that proves tokens, in bytes.
const KeySize = 32

// Config is what a Service needs.
type Config struct {
	Run  string // runtime folder, where the namespaces are
	Key  []byte // proves tokens; KeySize random bytes, kept with the state
	Log  *slog.Logger
	Now  func() time.Time                          // nil: the clock
	Role func(world.Instance) (role Role, ok bool) // what the instance's profile lets it act as; nil: no instance has a role

	// Listen opens the listener of a VPC in the namespace at path ns, and Mark reads the mark of a connection
	// accepted there; nil: the kernel's.
	Listen func(ns string, addr netip.AddrPort) (net.Listener, error)
	Mark   func(syscall.Conn) (uint32, error)
}

// Role is what an instance's profile lets it act as.
type Role struct {
	Name string // empty: the profile has no role
	Info []byte // JSON document of iam/info
	// Credentials gives the JSON document of iam/security-credentials/NAME to who asked in a version of the service, 1.0 or 2.0.
	Credentials func(version string) ([]byte, error)
}

// Service keeps one metadata server for each VPC. Its methods may be called from any goroutine.
type Service struct {
	cfg Config

	mu      sync.Mutex
	servers map[world.VPCID]*server
}

// New makes a service with no servers.
func New(cfg Config) (*Service, error) {
	if len(cfg.Key) != KeySize {
		return nil, fmt.Errorf("imds: the token key has %d bytes, not %d", len(cfg.Key), KeySize)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Role == nil {
		cfg.Role = func(world.Instance) (Role, bool) { return Role{}, false }
	}
	if cfg.Listen == nil {
		cfg.Listen = func(ns string, addr netip.AddrPort) (net.Listener, error) { return kernel.ListenTCP(ns, addr) }
	}
	if cfg.Mark == nil {
		cfg.Mark = kernel.Mark
	}
	return &Service{cfg: cfg, servers: map[world.VPCID]*server{}}, nil
}

// Apply makes the servers equal to f, and has them answer from w, of which f was compiled. A VPC that fails does not
// keep the others from being applied; the error names each.
func (s *Service) Apply(ctx context.Context, f *fabric.Fabric, w world.World) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed []error
	wanted := map[world.VPCID]bool{}
	for _, v := range f.VPCs {
		wanted[v.ID] = true
		if err := s.serve(ctx, view{vpc: v, world: &w}); err != nil {
			failed = append(failed, fmt.Errorf("imds: serve %s: %w", v.ID, err))
		}
	}
	for id, srv := range s.servers {
		if !wanted[id] {
			srv.close()
			delete(s.servers, id)
		}
	}
	return errors.Join(failed...)
}

// serve gives a VPC's server its view, and starts it when it does not run or its namespace was replaced.
func (s *Service) serve(ctx context.Context, v view) error {
	ns := kernel.Path(s.cfg.Run, v.vpc.ID)
	if srv := s.servers[v.vpc.ID]; srv != nil {
		if srv.view.Load().vpc == v.vpc || srv.in(ns) {
			srv.view.Store(&v)
			return nil
		}
		srv.close()
		delete(s.servers, v.vpc.ID)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	srv, err := open(s.cfg, ns, v)
	if err != nil {
		return err
	}
	s.servers[v.vpc.ID] = srv
	return nil
}

// in tells whether the namespace at path ns is the one the server listens in.
func (s *server) in(ns string) bool {
	now, err := os.Stat(ns)
	return s.home == nil || err == nil && os.SameFile(s.home, now)
}

// Close stops every server and waits for what is under way.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, srv := range s.servers {
		srv.close()
		delete(s.servers, id)
	}
}
