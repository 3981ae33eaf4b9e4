package dns

import (
	"context"
	"net"
	"net/netip"

	"kumiko/internal/kernel"
)

// Sockets makes sockets inside the namespace at path ns; they work from any goroutine.
type Sockets interface {
	ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error)
	ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error)
	// Dial connects from an address of the namespace; network is udp or tcp.
	Dial(ctx context.Context, ns, network string, from netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// kernelSockets makes real sockets.
type kernelSockets struct{}

func (kernelSockets) ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error) {
	return kernel.ListenUDP(ns, addr)
}

func (kernelSockets) ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error) {
	return kernel.ListenTCP(ns, addr)
}

func (kernelSockets) Dial(ctx context.Context, ns, network string, from netip.Addr, to netip.AddrPort) (conn net.Conn, err error) {
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	if network == "tcp" {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	d.SetMultipathTCP(false)
	err = kernel.In(ns, func() (err error) {
		conn, err = d.DialContext(ctx, network, to.String())
		return err
	})
	return conn, err
}
