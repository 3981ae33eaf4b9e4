package flow

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nfnetlink"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// forwarded follows what passes between interfaces in the name of neither of them, because one of them forwards it. The kernel's connections
// count each of its passages through the router; the meters of the router's rules count each by itself.
type forwarded struct {
	meters *nft.Conn
	known  map[passage]nfnetlink.Counter
	owed   map[course]nfnetlink.Counter // passed, and not yet taken off a connection
	now    map[course]uint8             // courses with passages now, and the flags of their connections
}

// passage is a way through the router: in by one interface and out by another, by their numbers.
type passage struct {
	in, out uint32
	course
}

// course is one direction of a conversation.
type course struct {
	protocol world.Protocol
	src, dst netip.AddrPort // ports of TCP and UDP alone
}

func openForwarded(path string) (*forwarded, error) {
	c, err := nft.Open(path)
	if err != nil {
		return nil, err
	}
	return &forwarded{meters: c, known: map[passage]nfnetlink.Counter{}, owed: map[course]nfnetlink.Counter{}}, nil
}

// look reads what passed on each passage since it was read before.
func (f *forwarded) look() (map[passage]nfnetlink.Counter, error) {
	ported, err := f.meters.Counts(kernel.FilterTable, kernel.MeterForwarded)
	portless, more := f.meters.Counts(kernel.FilterTable, kernel.MeterForwardedPortless)
	if err := errors.Join(err, more); err != nil {
		return nil, err
	}
	next, passed := make(map[passage]nfnetlink.Counter, len(f.known)), map[passage]nfnetlink.Counter{}
	f.now = map[course]uint8{}
	for _, n := range append(ported, portless...) {
		p, ok := readPassage(n.Key)
		if !ok {
			continue
		}
		next[p] = nfnetlink.Counter{Packets: n.Packets, Bytes: n.Bytes}
		f.now[p.course] = 0
		if d := since(next[p], f.known[p], 0); d.Packets > 0 {
			passed[p] = nfnetlink.Counter{Packets: d.Packets, Bytes: d.Bytes}
			owed := f.owed[p.course]
			f.owed[p.course] = nfnetlink.Counter{Packets: owed.Packets + d.Packets, Bytes: owed.Bytes + d.Bytes}
		}
	}
	for c := range f.owed {
		if _, ok := f.now[c]; !ok {
			delete(f.owed, c)
		}
	}
	f.known = next
	return passed, nil
}

// readPassage reads a meter's key: the numbers of two interfaces, two addresses, the protocol, and two ports, if it has any, in four bytes
// each.
func readPassage(key string) (passage, bool) {
	b := []byte(key)
	if len(b) != 20 && len(b) != 28 {
		return passage{}, false
	}
	p := passage{in: binary.NativeEndian.Uint32(b), out: binary.NativeEndian.Uint32(b[4:])}
	var ports [2]uint16
	if len(b) == 28 {
		ports = [2]uint16{binary.BigEndian.Uint16(b[20:]), binary.BigEndian.Uint16(b[24:])}
	}
	p.protocol = world.Protocol(b[16])
	p.src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[8:])), ports[0])
	p.dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), ports[1])
	return p, true
}

// less takes off a connection's count of a course what passages of forwarders are counted for, and remembers the flags of the connection.
func (f *forwarded) less(p Passed, c course) Passed {
	if have, ok := f.now[c]; ok {
		f.now[c] = have | p.Flags
	}
	owed, ok := f.owed[c]
	if !ok {
		return p
	}
	packets, bytes := min(p.Packets, owed.Packets), min(p.Bytes, owed.Bytes)
	if owed.Packets == packets {
		delete(f.owed, c)
	} else {
		f.owed[c] = nfnetlink.Counter{Packets: owed.Packets - packets, Bytes: owed.Bytes - bytes}
	}
	if p.Packets == packets {
		return Passed{}
	}
	return Passed{Packets: p.Packets - packets, Bytes: p.Bytes - bytes, Flags: p.Flags}
}

// traffic tells of what passed on a passage.
func (a *account) traffic(p passage, n nfnetlink.Counter, devices map[uint32]string, now time.Time) (Traffic, bool) {
	names := a.scope.named()
	where := names.where()
	t := Traffic{
		VPC: names.vpc, Protocol: p.protocol, Src: p.src, Dst: p.dst, Target: p.dst, Start: a.looked, End: now, Forwarded: true,
		Sent:   Passed{Packets: n.Packets, Bytes: n.Bytes, Flags: a.forwarded.now[p.course]},
		Sender: names.ports[a.scope.device(p.in, devices)], Receiver: names.ports[a.scope.device(p.out, devices)],
	}
	if where == nil || t.Sender == "" && t.Receiver == "" {
		return t, false
	}
	if t.Receiver == "" {
		if port := where.eni(t.Sender); port != nil {
			where.beyond(&t, port, p.dst.Addr())
		}
	}
	return t, true
}

func (f *forwarded) close() { f.meters.Close() }

// courses are the two directions of a connection, as the meters know them: with ports of TCP and UDP alone.
func courses(u nfnetlink.Usage) (there, back course) {
	c := course{protocol: world.Protocol(u.Original.Protocol), src: u.Original.Src, dst: u.Reply.Src}
	if c.protocol != world.TCP && c.protocol != world.UDP {
		c.src, c.dst = netip.AddrPortFrom(c.src.Addr(), 0), netip.AddrPortFrom(c.dst.Addr(), 0)
	}
	return c, course{c.protocol, c.dst, c.src}
}
