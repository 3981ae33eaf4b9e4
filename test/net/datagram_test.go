package net

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// datagrams are two hosts in one subnet, of which b takes UDP at ports 5353 to 5359.
type datagrams struct {
	*lab
	a, b world.ENI
}

func newDatagrams(t *testing.T) *datagrams {
	d := &datagrams{lab: newLab(t)}
	d.update(func(tx *world.Tx) {
		s := newSite(tx, 0)
		s.put(world.SecurityGroupRule{Group: s.server, Protocol: world.UDP, Ports: world.PortRange{From: 5353, To: 5359}, CIDR: anywhere})
		d.a, d.b = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[0])[0]
	})
	return d
}

// in calls f in the host of the interface.
func (d *datagrams) in(e world.ENI, f func() error) {
	d.t.Helper()
	if err := kernel.In(d.ns(e.Attachment.Instance), f); err != nil {
		d.t.Fatal(err)
	}
}

// listen opens a socket of b for every address it may be meant by.
func (d *datagrams) listen(port int) *net.UDPConn {
	d.t.Helper()
	var c *net.UDPConn
	d.in(d.b, func() (err error) {
		eth0, err := net.InterfaceByName("eth0")
		if err == nil {
			c, err = net.ListenMulticastUDP("udp4", eth0, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port})
		}
		return err
	})
	d.t.Cleanup(func() { c.Close() })
	return c
}

// first is the first datagram that a socket gets.
func (d *datagrams) first(c *net.UDPConn) []byte {
	d.t.Helper()
	buf := make([]byte, 10_000)
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		d.t.Fatal(err)
	}
	n, err := c.Read(buf)
	if err != nil {
		d.t.Fatal(err)
	}
	return buf[:n]
}

// post sends a datagram from a, in fragments of 1,500 bytes where it is longer.
func (d *datagrams) post(to string, port int, text []byte) {
	d.t.Helper()
	d.in(d.a, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1), unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT))
		if err == nil {
			err = unix.Sendto(fd, text, 0, &unix.SockaddrInet4{Addr: netip.MustParseAddr(to).As4(), Port: port})
		}
		return err
	})
}

// TestNothingIsForEverybody: broadcasts and multicasts reach nobody, in the same subnet neither; what is for one does.
func TestNothingIsForEverybody(t *testing.T) {
	d := newDatagrams(t)
	c := d.listen(5353)
	for _, to := range []string{"10.0.0.255", "255.255.255.255", "224.0.0.251", "224.0.0.1"} {
		d.post(to, 5353, []byte("for everybody, at "+to))
	}
	d.post(d.b.Addr().String(), 5353, []byte("for one"))
	if got := d.first(c); string(got) != "for one" {
		t.Errorf("it got what was %s", got)
	}
}

// TestFragmentsAreOneDatagram: what comes in fragments is judged, and arrives, as a whole.
func TestFragmentsAreOneDatagram(t *testing.T) {
	d := newDatagrams(t)
	d.in(d.a, func() error {
		h, err := kernel.NewHandle(d.ns(d.a.Attachment.Instance))
		if err != nil {
			return err
		}
		defer h.Close()
		eth0, err := h.LinkByName("eth0")
		if err == nil {
			err = h.LinkSetMTU(eth0, 1500)
		}
		return err
	})
	open, shut := d.listen(5354), d.listen(5360)
	long := bytes.Repeat([]byte("0123456789"), 800)
	d.post(d.b.Addr().String(), 5360, long)
	d.post(d.b.Addr().String(), 5354, long)
	if got := d.first(open); !bytes.Equal(got, long) {
		t.Errorf("%d bytes arrived", len(got))
	}
	if err := shut.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := shut.Read(make([]byte, 10)); err == nil {
		t.Errorf("%d bytes arrived at a port that is shut", n)
	}
}

// TestErrorsComeBack: that nobody listens at a port that is open in the groups is told by ICMP, which no rule needs to
// let in.
func TestErrorsComeBack(t *testing.T) {
	d := newDatagrams(t)
	d.in(d.a, func() error {
		c, err := net.Dial("udp4", netip.AddrPortFrom(d.b.Addr(), 5355).String())
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := c.Write([]byte("anybody?")); err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("an open port without listener: %v", err)
		}
		return nil
	})
}
