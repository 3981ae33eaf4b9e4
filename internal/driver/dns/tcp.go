package dns

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of TCP connections. A client may keep one open between queries for idleTime (RFC 7766 §6.2.3 asks for a
// few seconds at least); one client may not take the connections of the others.
const (
	idleTime      = 10 * time.Second
	messageTime   = 5 * time.Second
	maxConns      = 512
	maxConnsOfOne = 32
)

// connections are the TCP connections of a server.
type connections struct {
	mu     sync.Mutex
	open   map[*net.TCPConn]netip.Addr
	closed bool
}

// add takes c in, unless the server or the client has too many.
func (cs *connections) add(c *net.TCPConn) bool {
	from := source(c)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed || len(cs.open) >= maxConns {
		return false
	}
	same := 0
	for _, a := range cs.open {
		if a == from {
			same++
		}
	}
	if same >= maxConnsOfOne {
		return false
	}
	cs.open[c] = from
	return true
}

func (cs *connections) remove(c *net.TCPConn) {
	cs.mu.Lock()
	delete(cs.open, c)
	cs.mu.Unlock()
	c.Close()
}

func (cs *connections) closeAll() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for c := range cs.open {
		c.Close()
	}
}

func source(c *net.TCPConn) netip.Addr {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// serveTCP accepts connections until the listener is closed.
func (s *server) serveTCP(l *net.TCPListener) {
	for failures := 0; failures < maxFailures; {
		c, err := l.AcceptTCP()
		switch {
		case closed(err):
			return
		case err != nil:
			failures++
			s.log.Warn("dns: accept failed", "err", err)
			continue
		}
		failures = 0
		if !s.conns.add(c) {
			c.Close()
			continue
		}
		s.readers.Go(func() {
			defer s.conns.remove(c)
			s.serveConn(c)
		})
	}
	s.log.Error("dns: gave up accepting", "addr", l.Addr())
}

// serveConn answers the queries of one connection, one after the other, until it is idle for too long, breaks the
// protocol or ends.
func (s *server) serveConn(c *net.TCPConn) {
	a := newAnswerer()
	var frame []byte
	for {
		query, ok := readMessage(c, &frame)
		if !ok {
			return
		}
		v := s.view.Load()
		reply := a.answer(v, query, tcp)
		if a.pending != nil {
			reply = s.complete(a.pending, v, tcp)
		}
		if reply == nil {
			return
		}
		s.note(v, c.RemoteAddr().(*net.TCPAddr).AddrPort(), tcp, reply)
		out := binary.BigEndian.AppendUint16(nil, uint16(len(reply)))
		if c.SetWriteDeadline(time.Now().Add(messageTime)) != nil {
			return
		}
		if _, err := c.Write(append(out, reply...)); err != nil {
			return
		}
	}
}

// readMessage reads one message with its length (RFC 1035 §4.2.2) into frame, which it may grow.
func readMessage(c *net.TCPConn, frame *[]byte) ([]byte, bool) {
	var size [2]byte
	if c.SetReadDeadline(time.Now().Add(idleTime)) != nil {
		return nil, false
	}
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if cap(*frame) < n {
		*frame = make([]byte, n)
	}
	if c.SetReadDeadline(time.Now().Add(messageTime)) != nil {
		return nil, false
	}
	if _, err := io.ReadFull(c, (*frame)[:n]); err != nil {
		return nil, false
	}
	return (*frame)[:n], true
}
