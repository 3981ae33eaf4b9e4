package flow

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nfnetlink"
	"kumiko/internal/world"
)

// snaplen is how much of a refused packet is read: the longest IP header and the ports.
const snaplen = 96

// scope is the readers of one namespace.
type scope struct {
	name    string
	inode   uint64
	of      any // the VPC, gateway, NAT gateway or endpoint of the fabric that the names are of; guarded by the driver
	sink    Sink
	names   atomic.Pointer[func() *names]
	links   *netlink.Handle
	log     *nfnetlink.LogReader
	events  *nfnetlink.EventReader // of a gateway
	account *account               // of a router that is accounted for; guarded by the driver
	wg      sync.WaitGroup
	broken  atomic.Bool // a reader has ended by an error
}

// openScope opens the readers of the namespace mounted at path and starts them.
func openScope(name, path string, inode uint64, n func() *names, sink Sink) (*scope, error) {
	s := &scope{name: name, inode: inode, sink: sink}
	s.names.Store(&n)
	var err error
	if s.links, err = kernel.NewHandle(path); err != nil {
		return nil, err
	}
	if s.log, err = nfnetlink.OpenLog(path, kernel.LogGroup, snaplen); err != nil {
		s.close()
		return nil, err
	}
	if n := n(); n.gateway != "" && !n.spreads {
		if s.events, err = nfnetlink.OpenEvents(path); err != nil {
			s.close()
			return nil, err
		}
		s.wg.Go(s.readEvents)
	}
	s.wg.Go(s.readLog)
	return s, nil
}

// named are the names there are, put together when they are first asked for.
func (s *scope) named() *names { return (*s.names.Load())() }

// close ends the readers and waits for them.
func (s *scope) close() {
	if s.log != nil {
		s.log.Close()
	}
	if s.events != nil {
		s.events.Close()
	}
	if s.account != nil {
		s.account.close()
	}
	s.wg.Wait()
	s.links.Close()
}

func (s *scope) lost() uint64 {
	n := s.log.Lost()
	if s.events != nil {
		n += s.events.Lost()
	}
	if s.account != nil {
		n += s.account.lost()
	}
	return n
}

// ended notes why a reader has ended; one that was not closed is opened again with the next Apply.
func (s *scope) ended(what string, err error) {
	if !errors.Is(err, nfnetlink.ErrClosed) {
		s.broken.Store(true)
		slog.Warn("flow records stop", "scope", s.name, "reader", what, "err", err)
	}
}

// readLog hands on refusals until the reader is closed.
func (s *scope) readLog() {
	devices := map[uint32]string{}
	for {
		packets, err := s.log.Read()
		now := time.Now()
		for _, p := range packets {
			s.refused(now, p, devices)
		}
		if err != nil {
			s.ended("log", err)
			return
		}
	}
}

func (s *scope) refused(now time.Time, p nfnetlink.Packet, devices map[uint32]string) {
	f, err := parse(p.Payload)
	if err != nil {
		slog.Debug("refused packet is not readable", "scope", s.name, "err", err)
		return
	}
	n, out := s.named(), s.device(p.Out, devices)
	length, tcp := extent(p.Payload)
	s.sink.Refused(Refusal{
		Time: now, Scope: s.name, Sender: n.sender(p.Mark), Flow: f, Length: length, Flags: tcp,
		Origin: n.origin(fabric.Station(p.Prefix), p.Mark, out), Receiver: n.ports[out], Third: n.third(n.sender(p.Mark), f.Src) || n.third(n.ports[out], f.Dst),
	})
}

// device is the name of the interface with the index, remembered in devices: an index is not used twice.
func (s *scope) device(index uint32, devices map[uint32]string) string {
	if index == 0 {
		return ""
	}
	if name, ok := devices[index]; ok {
		return name
	}
	l, err := s.links.LinkByIndex(int(index))
	if err != nil { // the cable has gone since
		return ""
	}
	devices[index] = l.Attrs().Name
	return l.Attrs().Name
}

// readEvents hands on connections until the reader is closed.
func (s *scope) readEvents() {
	for {
		connections, err := s.events.Read()
		now := time.Now()
		for _, c := range connections {
			s.sink.Connected(Connection{
				Time: now, Gateway: s.named().gateway, Protocol: world.Protocol(c.Original.Protocol),
				Consumer: uint16(c.Mark & kernel.MarkConsumerMask),
				Client:   c.Original.Src, Dest: c.Original.Dst, From: c.Reply.Dst, Target: c.Reply.Src,
			})
		}
		if err != nil {
			s.ended("events", err)
			return
		}
	}
}
