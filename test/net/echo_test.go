package net

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/testkit/worlds"
)

// elsewhere are the ranges that something on the public side answers for, in the lab.
var elsewhere = []string{"198.18.0.9/24", "192.0.2.1/24", "10.0.0.1/8", "100.64.0.1/10", "129.224.0.1/17"}

// echo has every host, and everybody on the public side, answer datagrams, until the function is called.
func (l *lab) echo(f *fabric.Fabric) (stop func()) {
	l.t.Helper()
	spaces := []string{}
	for _, h := range f.Hosts {
		spaces = append(spaces, l.ns(h.ID))
	}
	if len(f.Public.Uplinks) > 0 {
		path := kernel.Path(l.run, kernel.PublicNamespace)
		spaces = append(spaces, path)
		l.settle(path)
	}
	var wg sync.WaitGroup
	var open []*net.UDPConn
	for _, ns := range spaces {
		for _, port := range worlds.Ports {
			c, err := listenUDP(ns, port)
			if err != nil {
				l.t.Fatal(err)
			}
			open = append(open, c)
			wg.Go(func() { reflect(c) })
		}
	}
	return func() {
		for _, c := range open {
			c.Close()
		}
		wg.Wait()
	}
}

// settle gives the public side the addresses of everybody who lives there.
func (l *lab) settle(ns string) {
	h, err := kernel.NewHandle(ns)
	if err != nil {
		l.t.Fatal(err)
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, s := range elsewhere {
		a, err := netlink.ParseAddr(s)
		if err == nil {
			err = h.AddrReplace(lo, a)
		}
		if err != nil {
			l.t.Fatalf("add %s: %v", s, err)
		}
	}
}

// listenUDP opens a socket that is told which address each datagram was for.
func listenUDP(ns string, port uint16) (*net.UDPConn, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) }); cerr != nil {
			return cerr
		}
		return err
	}}
	var c net.PacketConn
	err := kernel.In(ns, func() (err error) {
		c, err = config.ListenPacket(context.Background(), "udp4", netip.AddrPortFrom(netip.IPv4Unspecified(), port).String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen in %s: %w", ns, err)
	}
	return c.(*net.UDPConn), nil
}

// reflect sends datagrams back, from the address they were for, until the socket is closed.
func reflect(c *net.UDPConn) {
	data, info := make([]byte, 64), make([]byte, 64)
	for {
		n, m, _, from, err := c.ReadMsgUDPAddrPort(data, info)
		if err != nil {
			return
		}
		if to, err := unix.ParseSocketControlMessage(info[:m]); err == nil && len(to) == 1 && len(to[0].Data) >= unix.SizeofInet4Pktinfo {
			var answer unix.Inet4Pktinfo
			copy(answer.Spec_dst[:], to[0].Data[8:12]) // struct in_pktinfo: index, local address, destination
			c.WriteMsgUDPAddrPort(data[:n], unix.PktInfo4(&answer), from)
		}
	}
}
