package net

import (
	"errors"
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
func (o *outdoors) whole(from world.ENI, to netip.Addr, size int) (mtu int) {
	o.t.Helper()
	const headers = 20 + 8
	err := kernel.In(o.ns(from.Attachment.Instance), func() error {
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
		if _, err := c.Write(make([]byte, size-headers)); err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.EMSGSIZE) {
			return errors.Join(errors.New("no word of the size"), err)
		}
		err = raw.Control(func(fd uintptr) { mtu, set = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU) })
		return errors.Join(err, set)
	})
	if err != nil {
		o.t.Errorf("%d bytes from %s to %s: %v", size, from.Addr(), to, err)
	}
	return mtu
}

// TestPathMTU: within a VPC pass packets as large as an interface's, at an internet gateway 1,500 bytes, of which the
// sender of a larger one is told, behind a NAT gateway too.
func TestPathMTU(t *testing.T) {
	o := newOutdoors(t)
	d := &datagrams{lab: o.lab, a: o.a, b: o.b}
	c := d.listen(443)
	d.in(o.a, func() error {
		fd, err := net.Dial("udp4", netip.AddrPortFrom(o.b.Addr(), 443).String())
		if err == nil {
			defer fd.Close()
			_, err = fd.Write(make([]byte, fabric.MTU-28))
		}
		return err
	})
	if got := d.first(c); len(got) != fabric.MTU-28 {
		t.Errorf("%d bytes arrived", len(got))
	}
	for name, from := range map[string]world.ENI{"by an address of its own": o.b, "by a NAT gateway": o.a} {
		if mtu := o.whole(from, o.far.Public, fabric.MTUInternet+1); mtu != fabric.MTUInternet {
			t.Errorf("%s the way takes %d bytes", name, mtu)
		}
	}
}

// TestTransferOverTheInternet: TCP finds the size that passes, in both directions.
func TestTransferOverTheInternet(t *testing.T) {
	o := newOutdoors(t)
	const much = 1 << 20
	for name, from := range map[string]world.ENI{"by an address of its own": o.b, "by a NAT gateway": o.a} {
		c := o.converseAt(from, o.far, o.far.Public)
		for _, way := range [][2]net.Conn{{c.client, c.server}, {c.server, c.client}} {
			sent := make(chan error, 1)
			go func() {
				_, err := way[0].Write(make([]byte, much))
				sent <- err
			}()
			deadline := time.Now().Add(patience)
			if err := errors.Join(way[0].SetWriteDeadline(deadline), way[1].SetReadDeadline(deadline)); err != nil {
				t.Fatal(err)
			}
			if n, err := io.CopyN(io.Discard, way[1], much); err != nil {
				t.Errorf("%s: %d bytes: %v", name, n, err)
			}
			if err := <-sent; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		c.end()
	}
}
