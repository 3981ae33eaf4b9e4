package net

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// probe is one first packet, sent from a host. A reset, an echo, or an echo reply proves that it reached a stack and
// that the answer came back.
type probe struct {
	flow fabric.Flow
	file *os.File
}

// send makes the socket in the namespace and sends the first packet of the flow.
func send(ns string, f fabric.Flow) (*probe, error) {
	var fd int
	err := kernel.In(ns, func() error {
		var err error
		fd, err = open(f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", f, err)
	}
	return &probe{flow: f, file: os.NewFile(uintptr(fd), f.String())}, nil
}

func open(f fabric.Flow) (int, error) {
	kind, proto := unix.SOCK_STREAM, unix.IPPROTO_TCP
	switch f.Protocol {
	case world.UDP:
		kind, proto = unix.SOCK_DGRAM, unix.IPPROTO_UDP
	case world.ICMP:
		kind, proto = unix.SOCK_RAW, unix.IPPROTO_ICMP
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return -1, err
	}
	src, dst := &unix.SockaddrInet4{Addr: f.Src.As4(), Port: int(f.SrcPort)}, &unix.SockaddrInet4{Addr: f.Dst.As4(), Port: int(f.DstPort)}
	if f.Protocol == world.ICMP {
		src.Port, dst.Port = 0, 0
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, src))
	if err == nil {
		if err = unix.Connect(fd, dst); errors.Is(err, unix.EINPROGRESS) {
			err = nil
		}
	}
	if err == nil && f.Protocol != world.TCP {
		_, err = unix.Write(fd, payload(f))
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func payload(f fabric.Flow) []byte {
	if f.Protocol != world.ICMP {
		return []byte("x")
	}
	b := make([]byte, 8) // RFC 792: type, code, checksum, identifier, sequence
	b[0], b[1] = byte(f.ICMP.Type), byte(f.ICMP.Code)
	binary.BigEndian.PutUint16(b[4:], f.SrcPort)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return b
}

// answered blocks until an answer came (true) or the probe was given up (false).
func (p *probe) answered() bool {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return false
	}
	ok := false
	wait := raw.Read
	if p.flow.Protocol == world.TCP {
		wait = raw.Write
	}
	err = wait(func(fd uintptr) bool {
		ok = p.look(int(fd))
		return ok
	})
	return err == nil && ok
}

func (p *probe) look(fd int) bool {
	switch p.flow.Protocol {
	case world.TCP:
		e, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if e != 0 {
			return unix.Errno(e) == unix.ECONNREFUSED || unix.Errno(e) == unix.ECONNRESET
		}
		_, err := unix.Getpeername(fd)
		return err == nil
	case world.UDP:
		n, err := unix.Read(fd, make([]byte, 16))
		return err == nil && n > 0
	}
	b := make([]byte, 128)
	for {
		n, err := unix.Read(fd, b)
		if err != nil {
			return false
		}
		if h := int(b[0]&15) * 4; n >= h+8 && b[h] == 0 && binary.BigEndian.Uint16(b[h+4:]) == p.flow.SrcPort {
			return true
		}
	}
}

func (p *probe) giveUp() { p.file.SetDeadline(time.Unix(1, 0)) }

func (p *probe) close() { p.file.Close() }

// source is a fresh source port (or ICMP identifier) for each probe of a world, so that a refusal can be told by it.
func source(n int) uint16 { return uint16(20000 + n%40000) }

// addrs are all addresses there are, and two that nobody has.
func addrs(f *fabric.Fabric) []netip.Addr {
	seen := map[netip.Addr]bool{}
	var out []netip.Addr
	add := func(a netip.Addr) {
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	for _, v := range f.VPCs {
		for _, p := range v.Ports {
			for _, a := range p.Addrs {
				add(a)
			}
		}
	}
	for _, g := range f.Gateways {
		for _, l := range g.Listeners {
			add(l.Addr)
		}
	}
	for _, u := range f.Public.Uplinks {
		for _, a := range u.Addrs {
			add(a)
		}
	}
	add(netip.MustParseAddr("10.0.0.200")) // nobody's
	add(netip.MustParseAddr("10.1.0.200")) // nobody's
	add(netip.MustParseAddr("192.0.2.1"))  // on the public side
	return out
}

// near are the addresses of the VPC's own ports and of its peers', of the resources it has links to, all public ones,
// and one on the public side.
func near(f *fabric.Fabric, v *fabric.VPC) []netip.Addr {
	var out []netip.Addr
	ports := func(v *fabric.VPC) {
		for _, p := range v.Ports {
			out = append(out, p.Addrs...)
		}
	}
	behind := func(v *fabric.VPC) {
		for _, e := range f.Endpoints {
			for _, l := range e.Links {
				if e.VPC == v.ID {
					out = append(out, l.Addrs...)
				}
			}
		}
	}
	ports(v)
	behind(v)
	for _, l := range v.Peerings {
		ports(f.VPC(l.VPC))
		behind(f.VPC(l.VPC))
	}
	for _, l := range v.Links {
		out = append(out, l.Addrs...)
	}
	if v.Uplink != nil {
		for _, u := range f.Public.Uplinks {
			out = append(out, u.Addrs...)
		}
		out = append(out, netip.MustParseAddr("198.18.0.9"))
	}
	return out
}
