package kernel

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ListenUDP opens a UDP socket on addr inside the namespace at path ns; it can be used from any goroutine. It may be
// opened before the address exists there.
func ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error) {
	var conn net.PacketConn
	err := In(ns, func() (err error) {
		conn, err = listenConfig().ListenPacket(context.Background(), "udp", addr.String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kernel: listen on udp %s in %s: %w", addr, ns, err)
	}
	return conn.(*net.UDPConn), nil
}

// ListenTCP opens a TCP listener on addr inside the namespace at path ns; it can be used from any goroutine. It may be
// opened before the address exists there. Accepted connections are in the namespace too; see [Mark].
func ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error) {
	var l net.Listener
	err := In(ns, func() (err error) {
		l, err = listenConfig().Listen(context.Background(), "tcp", addr.String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kernel: listen on tcp %s in %s: %w", addr, ns, err)
	}
	return l.(*net.TCPListener), nil
}

// DialTCP connects from an address inside the namespace at path ns. Where packets go is decided there.
func DialTCP(ctx context.Context, ns string, from netip.Addr, to netip.AddrPort) (conn net.Conn, err error) {
	err = In(ns, func() (err error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
		d.SetMultipathTCP(false)
		conn, err = d.DialContext(ctx, "tcp4", to.String())
		return err
	})
	return conn, err
}

// listenConfig opens plain TCP (no MPTCP), also on addresses that do not exist yet. Go opens sockets for literal
// addresses on the calling thread.
func listenConfig() *net.ListenConfig {
	lc := &net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
		level, option := unix.SOL_IP, unix.IP_FREEBIND
		if strings.HasSuffix(network, "6") {
			level, option = unix.SOL_IPV6, unix.IPV6_FREEBIND
		}
		var err error
		if cerr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), level, option, 1)
		}); cerr != nil {
			return cerr
		}
		return err
	}}
	lc.SetMultipathTCP(false)
	return lc
}

// Mark is the packet mark of a socket (SO_MARK). A connection accepted in a router carries the mark of the port it
// came in by; see [PortMark].
func Mark(conn syscall.Conn) (uint32, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("kernel: read mark: %w", err)
	}
	var mark int
	if cerr := raw.Control(func(fd uintptr) {
		mark, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK)
	}); cerr != nil {
		err = cerr
	}
	if err != nil {
		return 0, fmt.Errorf("kernel: read mark: %w", err)
	}
	return uint32(mark), nil
}
