package imds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Limits of a client. A request is a line and a few headers; who is slower or sends more is cut off, and one
// instance cannot take the connections of the others.
const (
	headerTime     = 5 * time.Second
	requestTime    = 10 * time.Second
	idleTime       = 30 * time.Second
	maxHeader      = 8 << 10 // bytes
	maxConnsOfPort = 64
)

// httpPort is the port of the metadata service. (Amazon EC2 User Guide, "Access instance metadata".)
const httpPort = 80

// server is the metadata service of one VPC.
type server struct {
	cfg  Config
	home os.FileInfo // of the namespace's file when the listener was opened; nil: unknown
	view atomic.Pointer[view]

	http    *http.Server
	serving sync.WaitGroup // the accept loop, and each connection

	mu     sync.Mutex
	conns  map[uint32]map[*conn]struct{} // open connections, by port
	closed bool
}

// open starts the server of a VPC in the namespace at path ns.
func open(cfg Config, ns string, v view) (*server, error) {
	home, err := os.Stat(ns)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := cfg.Listen(ns, netip.AddrPortFrom(fabric.MetadataAddr, httpPort))
	if err != nil {
		return nil, err
	}
	s := &server{cfg: cfg, home: home, conns: map[uint32]map[*conn]struct{}{}}
	s.view.Store(&v)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ConnState: s.count,
		ErrorLog:  slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	s.serving.Go(func() {
		if err := s.http.Serve(listener{l, s}); !errors.Is(err, http.ErrServerClosed) {
			cfg.Log.Error("imds: stopped serving", "scope", v.vpc.ID, "err", err)
		}
	})
	return s, nil
}

// close stops the server and waits until nothing of it runs.
func (s *server) close() {
	s.http.Close() // the error would be of connections that are gone
	s.mu.Lock()
	s.closed = true
	for _, of := range s.conns {
		for c := range of {
			c.Close()
		}
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// count knows of each connection from its acceptance to its end.
func (s *server) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.serving.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.leave(c.(*conn))
		s.serving.Done()
	}
}

// enter admits a connection, unless its port has too many.
func (s *server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.conns[c.port]
	if s.closed || len(of) >= maxConnsOfPort {
		return false
	}
	if of == nil {
		of = map[*conn]struct{}{}
		s.conns[c.port] = of
	}
	of[c] = struct{}{}
	return true
}

func (s *server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns[c.port], c)
	if len(s.conns[c.port]) == 0 {
		delete(s.conns, c.port)
	}
}

// conn is a connection that came in by a port.
type conn struct {
	net.Conn
	port  uint32 // index in the VPC
	short bool   // the hop limit was lowered
}

type connKey struct{}

// listener accepts the connections of instances and closes all others.
type listener struct {
	net.Listener
	server *server
}

// Accept waits for the next connection whose port is that of an instance.
func (l listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		known, err := l.server.identify(c)
		if err == nil {
			return known, nil
		}
		l.server.cfg.Log.Debug("imds: connection refused", "from", c.RemoteAddr(), "err", err)
		c.Close()
	}
}

// identify finds the port a connection came in by.
func (s *server) identify(c net.Conn) (*conn, error) {
	sock, ok := c.(syscall.Conn)
	if !ok {
		return nil, errors.New("not a socket")
	}
	mark, err := s.cfg.Mark(sock)
	if err != nil {
		return nil, err
	}
	port := mark & kernel.MarkPortMask
	if _, ok := s.view.Load().caller(port); !ok {
		return nil, fmt.Errorf("no instance at port %d", port)
	}
	known := &conn{Conn: c, port: port}
	if !s.enter(known) {
		return nil, fmt.Errorf("port %d has too many connections", port)
	}
	return known, nil
}

// defaultTTL is the IP time to live of replies that may travel on. (RFC 1700, "IP time to live parameter".)
const defaultTTL = 64

// limitHops sets how many hops the replies on c may take from now on; 0: as many as is usual.
func (c *conn) limitHops(n int) error {
	if n == 0 && !c.short {
		return nil
	}
	raw, err := c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return fmt.Errorf("imds: set hop limit: %w", err)
	}
	ttl := n
	if n == 0 {
		ttl = defaultTTL
	}
	if cerr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, ttl)
	}); cerr != nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("imds: set hop limit: %w", err)
	}
	c.short = n != 0
	return nil
}
