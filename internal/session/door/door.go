package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// Limits of a client.
const (
	headerTime = 10 * time.Second
	idleTime   = 350 * time.Second // (Network Load Balancer User Guide, "Idle timeout")
)

// Way is how a request came in.
type Way struct {
	Endpoint world.EndpointID // the VPC endpoint it came through, if any
	Service  string           // the name of the endpoint's service, the only one it serves
	VPC      world.VPCID      // of the endpoint
	Source   netip.Addr       // the client
}

// Config is what a Service needs.
type Config struct {
	Run       string // runtime folder, where the namespaces are
	Authority *Authority
	Serve     func(http.ResponseWriter, *http.Request, Way)
	Log       *slog.Logger
}

// Service keeps the listeners. Its methods may be called from any goroutine.
type Service struct {
	cfg Config

	mu    sync.Mutex
	doors map[string]*door // by namespace
}

// New makes a service without listeners.
func New(c Config) *Service { return &Service{cfg: c, doors: map[string]*door{}} }

// door is a listener in one namespace.
type door struct {
	way     Way
	home    os.FileInfo // of the namespace's file when the listener was opened
	http    *http.Server
	end     context.CancelFunc // of the requests, also of those that have taken their connection over
	serving sync.WaitGroup
}

// Apply opens the listeners the fabric wants and closes those it does not. One that cannot be opened does not keep the
// others from being.
func (s *Service) Apply(ctx context.Context, f *fabric.Fabric) error {
	want := map[string]Way{}
	if len(f.Public.Uplinks) > 0 {
		want[kernel.PublicNamespace] = Way{}
	}
	for _, e := range f.Endpoints {
		if e.Service != "" {
			want[string(e.ID)] = Way{Endpoint: e.ID, Service: e.Service, VPC: e.VPC}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, d := range s.doors {
		if w, ok := want[name]; !ok || w != d.way || !d.in(kernel.Path(s.cfg.Run, name)) {
			d.close()
			delete(s.doors, name)
		}
	}
	var errs []error
	for name, way := range want {
		if s.doors[name] != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		d, err := s.open(kernel.Path(s.cfg.Run, name), way)
		if err != nil {
			errs = append(errs, fmt.Errorf("door: %s: %w", name, err))
			continue
		}
		s.doors[name] = d
	}
	return errors.Join(errs...)
}

// Close closes all listeners and waits for what is under way to end.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, d := range s.doors {
		d.close()
		delete(s.doors, name)
	}
}

// in tells whether the namespace at path is the one the listener was opened in.
func (d *door) in(path string) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(d.home, now)
}

// everyAddress takes what is for any address of a namespace.
var everyAddress = netip.AddrPortFrom(netip.IPv4Unspecified(), fabric.ServicePort)

func (s *Service) open(path string, way Way) (*door, error) {
	home, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	l, err := kernel.ListenTCP(path, everyAddress)
	if err != nil {
		return nil, err
	}
	d := &door{way: way, home: home}
	ctx, end := context.WithCancel(context.Background())
	d.end = end
	d.http = &http.Server{
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			now := way
			if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
				now.Source = from.Addr().Unmap()
			}
			s.cfg.Serve(w, r, now)
		}),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate(way)},
		ReadHeaderTimeout: headerTime, IdleTimeout: idleTime,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	d.serving.Go(func() {
		if err := d.http.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.cfg.Log.Error("a door has closed", "scope", path, "err", err)
		}
	})
	return d, nil
}

// certificate chooses the certificate for what a client asks for: one for the name; without a name, one for the service's.
func (s *Service) certificate(way Way) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	usual := "amazonaws.com"
	if service, region, ok := world.FindAWSService(way.Service); ok {
		usual = service.PublicName(region)
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "" {
			return s.cfg.Authority.Certificate(usual)
		}
		return s.cfg.Authority.Certificate(hello.ServerName)
	}
}

func (d *door) close() {
	d.end()
	d.http.Close() // the error would be of connections that are gone
	d.serving.Wait()
}
