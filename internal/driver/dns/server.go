package dns

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// maxQuery is the longest query that is read from UDP, in bytes; what is longer is malformed.
const maxQuery = 4096

// maxFailures is how many reads of a socket may fail in a row before its reader gives up.
const maxFailures = 64

// mostPending is how many queries of a server may wait for other resolvers; those beyond are lost, as packets are.
const mostPending = 1024

// server is the resolver of one VPC, or an inbound endpoint of one.
type server struct {
	endpoint world.ResolverEndpointID
	forwards *forwarder
	asked    func(Question)
	quit     chan struct{} // closed when it is to end
	pending  chan struct{} // a place taken for each query that waits for other resolvers

	home  os.FileInfo // of the namespace's file when the sockets were made; nil: unknown
	addrs []netip.Addr
	view  atomic.Pointer[fabric.VPC]
	conns connections
	log   *slog.Logger

	sockets []io.Closer
	readers sync.WaitGroup
}

// open starts a resolver in the namespace at path ns, on all of its addresses or on none.
func open(d *Driver, ns string, p place) (*server, error) {
	cfg := d.cfg
	home, err := os.Stat(ns)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s := &server{
		endpoint: p.endpoint, forwards: d.forwards, asked: cfg.Asked, pending: make(chan struct{}, mostPending), quit: make(chan struct{}), home: home,
		addrs: slices.Clone(p.addrs),
		log:   cfg.Log.With("scope", p.name), conns: connections{open: map[*net.TCPConn]netip.Addr{}},
	}
	s.view.Store(p.view)
	var packets []*net.UDPConn
	var listeners []*net.TCPListener
	for _, a := range s.addrs {
		at := netip.AddrPortFrom(a, uint16(cfg.Port))
		p, err := cfg.Sockets.ListenUDP(ns, at)
		if err != nil {
			s.close()
			return nil, err
		}
		s.sockets, packets = append(s.sockets, p), append(packets, p)
		l, err := cfg.Sockets.ListenTCP(ns, at)
		if err != nil {
			s.close()
			return nil, err
		}
		s.sockets, listeners = append(s.sockets, l), append(listeners, l)
	}
	for _, p := range packets {
		for range runtime.GOMAXPROCS(0) {
			s.readers.Go(func() { s.serveUDP(p) })
		}
	}
	for _, l := range listeners {
		s.readers.Go(func() { s.serveTCP(l) })
	}
	return s, nil
}

// in tells whether the namespace at path ns is the one the sockets were made in.
func (s *server) in(ns string) bool {
	now, err := os.Stat(ns)
	return s.home == nil || err == nil && os.SameFile(s.home, now)
}

// close stops the resolver and waits until nothing of it runs.
func (s *server) close() {
	close(s.quit)
	for _, c := range s.sockets {
		c.Close()
	}
	s.conns.closeAll()
	s.readers.Wait()
}

// serveUDP answers queries from one socket until it is closed.
func (s *server) serveUDP(p *net.UDPConn) {
	query := make([]byte, maxQuery)
	a := newAnswerer()
	for failures := 0; failures < maxFailures; {
		n, from, err := p.ReadFromUDPAddrPort(query)
		switch {
		case closed(err):
			return
		case err != nil:
			failures++
			s.log.Warn("dns: read failed", "err", err)
			continue
		}
		failures = 0
		v := s.view.Load()
		reply := a.answer(v, query[:n], udp)
		if reply == nil {
			s.later(a.pending, v, from, p)
			continue
		}
		// A reply that cannot be sent is lost like any datagram; the client asks again.
		_, _ = p.WriteToUDPAddrPort(reply, from)
		s.note(v, from, udp, reply)
	}
	s.log.Error("dns: gave up reading", "addr", p.LocalAddr())
}
