package net

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// outdoors is a scene with internet gateways at both VPCs: b and far have public addresses, and a a NAT gateway.
type outdoors struct {
	*lab
	*scene
}

func newOutdoors(t *testing.T) *outdoors {
	o := &outdoors{lab: newLab(t)}
	o.update(func(tx *world.Tx) {
		o.scene = newScene(tx)
		o.internet()
		other := &scene{site: o.two, b: o.far}
		other.internet()
		o.far = other.b
		g, e := o.nat()
		public, err := tx.AllocatePublicAddress()
		if err != nil {
			panic(err) // the world is empty
		}
		address := world.Address{ID: world.AllocationID(tx.NewID("eipalloc")), Meta: o.vpc.Meta, Public: public, Association: tx.NewID("eipassoc"), ENI: e.ID, Private: e.Addr(), VPC: e.VPC}
		tx.Addresses.Put(address)
		g.Private, g.Allocation = false, address.ID
		tx.NATGateways.Put(g)
		table := world.RouteTable{ID: world.RouteTableID(tx.NewID("rtb")), Meta: o.vpc.Meta, VPC: o.vpc.ID, Index: 2, Routes: []world.Route{{Destination: anywhere, NAT: g.ID}}}
		table.Associations = []world.RouteTableAssociation{{ID: tx.NewID("rtbassoc"), Subnet: o.subnets[0].ID}}
		tx.RouteTables.Put(table)
		for _, s := range []*site{o.site, o.two} {
			s.put(world.SecurityGroupRule{Group: s.server, Protocol: world.UDP, Ports: world.PortRange{From: 443, To: 443}, CIDR: anywhere})
		}
	})
	return o
}

// whole sends a datagram that must not be fragmented, as a packet of the size, and gives what is told of the way: the
// largest packet that passes it, as soon as the packet was too large.
func (l *lab) whole(from world.ENI, to netip.Addr, size int) (mtu int) {
	l.t.Helper()
	err := kernel.In(l.ns(from.Attachment.Instance), func() error {
		c, err := net.Dial("udp4", netip.AddrPortFrom(to, 443).String())
		if err != nil {
			return err
		}
		defer c.Close()
		raw, err := c.(*net.UDPConn).SyscallConn()
		if err != nil {
			return err
		}
		var set error
		err = raw.Control(func(fd uintptr) {
			set = errors.Join(unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO), unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1))
		})
		if err := errors.Join(err, set, c.SetReadDeadline(time.Now().Add(patience))); err != nil {
			return err
		}
		if _, err := c.Write(make([]byte, size-datagramHeaders)); err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.EMSGSIZE) {
			return errors.Join(errors.New("no word of the size"), err)
		}
		err = raw.Control(func(fd uintptr) { mtu, set = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU) })
		return errors.Join(err, set)
	})
	if err != nil {
		l.t.Errorf("%d bytes from %s to %s: %v", size, from.Addr(), to, err)
	}
	return mtu
}

// What a packet has before its data: of a datagram, and of a segment of TCP with the time in it.
const (
	datagramHeaders = 20 + 8
	segmentHeaders  = 20 + 20 + 12
)

// arrives tells whether a datagram that is a packet of the size arrives.
func (l *lab) arrives(from, to world.ENI, size int) {
	l.t.Helper()
	d := &datagrams{lab: l, a: from, b: to}
	c := d.listen(443)
	d.in(from, func() error {
		c, err := net.Dial("udp4", netip.AddrPortFrom(to.Addr(), 443).String())
		if err == nil {
			defer c.Close()
			_, err = c.Write(make([]byte, size-datagramHeaders))
		}
		return err
	})
	if got := d.first(c); len(got) != size-datagramHeaders {
		l.t.Errorf("from %s to %s: of a packet of %d bytes, %d arrived", from.Addr(), to.Addr(), size, len(got))
	}
}

// TestPathMTU: within a VPC pass packets as large as an interface's, at an internet gateway 1,500 bytes, of which the
// sender of a larger one is told, behind a NAT gateway too.
func TestPathMTU(t *testing.T) {
	o := newOutdoors(t)
	o.arrives(o.a, o.b, 9001)
	for name, from := range map[string]world.ENI{"by an address of its own": o.b, "by a NAT gateway": o.a} {
		if mtu := o.whole(from, o.far.Public, fabric.MTUInternet+1); mtu != fabric.MTUInternet {
			t.Errorf("%s the way takes %d bytes", name, mtu)
		}
	}
}

// TestTransferOverTheInternet: TCP finds the size that passes, in both directions.
func TestTransferOverTheInternet(t *testing.T) {
	o := newOutdoors(t)
	for name, from := range map[string]world.ENI{"by an address of its own": o.b, "by a NAT gateway": o.a} {
		c := o.converseAt(from, o.far, o.far.Public)
		if err := c.transfer(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.end()
	}
}

// TestPathMTUOfPeerings: between VPCs of a region pass packets as large as an interface's, between regions 8,500 bytes: the
// sender of a larger one is told, and TCP finds it out and fills its packets in both directions.
func TestPathMTUOfPeerings(t *testing.T) {
	for region, mtu := range map[string]int{"us-east-1": 9001, "eu-west-1": 8500} {
		l := newLab(t)
		var s *scene
		l.update(func(tx *world.Tx) {
			s = newScene(tx)
			s.two.vpc.Region = region
			tx.VPCs.Put(s.two.vpc)
			s.join(world.PeeringActive)
			s.two.put(world.SecurityGroupRule{Group: s.two.server, Protocol: world.UDP, Ports: world.PortRange{From: 443, To: 443}, CIDR: anywhere})
		})
		l.arrives(s.a, s.far, mtu)
		if mtu < fabric.MTU {
			if got := l.whole(s.a, s.far.Addr(), mtu+1); got != mtu {
				t.Errorf("to %s, the way takes %d bytes", region, got)
			}
		}
		c := l.converse(s.a, s.far)
		if err := c.transfer(); err != nil {
			t.Errorf("to %s: %v", region, err)
		}
		for _, end := range []net.Conn{c.client, c.server} {
			if got := segment(t, end); got != mtu-segmentHeaders {
				t.Errorf("to %s, %s sends segments of %d bytes", region, end.LocalAddr(), got)
			}
		}
		c.end()
	}
}

// segment is the size of the segments that an end of a connection sends.
func segment(t *testing.T, end net.Conn) int {
	t.Helper()
	raw, err := end.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	var got error
	err = raw.Control(func(fd uintptr) { info, got = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err := errors.Join(err, got); err != nil {
		t.Fatal(err)
	}
	return int(info.Snd_mss)
}

// transfer sends much each way.
func (c *conversation) transfer() error {
	const much = 1 << 20
	for _, way := range [][2]net.Conn{{c.client, c.server}, {c.server, c.client}} {
		sent := make(chan error, 1)
		go func() {
			_, err := way[0].Write(make([]byte, much))
			sent <- err
		}()
		deadline := time.Now().Add(patience)
		if err := errors.Join(way[0].SetWriteDeadline(deadline), way[1].SetReadDeadline(deadline)); err != nil {
			return err
		}
		n, err := io.CopyN(io.Discard, way[1], much)
		if err != nil {
			err = fmt.Errorf("%d bytes arrived: %w", n, err)
		}
		if err := errors.Join(err, <-sent); err != nil {
			return err
		}
	}
	return nil
}
