package route_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"testing"

	"github.com/vishvananda/netlink"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Two VPCs with the same ranges and addresses: each host reaches its own neighbours, in its subnet and the other one.
func TestSameRangesTwice(t *testing.T) {
	l := newLab(t)
	a, ah := vpc("vpc-a", "a0", "a1", "a2")
	b, bh := vpc("vpc-b", "b0", "b1", "b2")
	f := &fabric.Fabric{VPCs: []*fabric.VPC{a, b}, Hosts: append(ah, bh...)}
	l.must(f)
	for _, h := range []string{"a1", "a2", "b1", "b2"} {
		l.echo(h, "0.0.0.0:80")
	}
	l.expect("a0", "10.0.1.10:80", "a1 sees 10.0.0.10:")
	l.expect("b0", "10.0.1.10:80", "b1 sees 10.0.0.10:")
	l.expect("a0", "10.0.0.11:80", "a2 sees 10.0.0.10:") // same subnet
	l.expect("b0", "10.0.0.11:80", "b2 sees 10.0.0.10:")

	// The same again changes nothing, also in a new process.
	was := l.snapshot(f)
	l.must(f)
	l.restart()
	l.must(f)
	if now := l.snapshot(f); now != was {
		t.Errorf("applying twice changed something\nbefore:\n%s\nafter:\n%s", was, now)
	}
	l.expect("a0", "10.0.1.10:80", "a1 sees 10.0.0.10:")
}

// snapshot is what the kernel has in the routers, gateways and hosts.
func (l *lab) snapshot(f *fabric.Fabric) string {
	l.t.Helper()
	names := []string{}
	for _, v := range f.VPCs {
		names = append(names, string(v.ID))
	}
	for _, g := range f.Gateways {
		names = append(names, string(g.ID))
	}
	for _, h := range f.Hosts {
		names = append(names, string(h.ID))
	}
	out := ""
	for _, n := range names {
		if err := kernel.In(l.ns(n), func() error { out += n + "\n" + machine(l.t, l.run); return nil }); err != nil {
			l.t.Fatal(err)
		}
	}
	return out
}

// A new process repairs what was lost meanwhile.
func TestRepair(t *testing.T) {
	l := newLab(t)
	v, hosts := vpc("vpc-a", "a0", "a1", "a2")
	f := &fabric.Fabric{VPCs: []*fabric.VPC{v}, Hosts: hosts}
	l.must(f)
	h, err := kernel.NewHandle(l.ns("vpc-a"))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, device := range []string{kernel.PortDevice(v.Ports[0].ENI), kernel.HoleDevice} {
		link, err := h.LinkByName(device)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.LinkDel(link); err != nil {
			t.Fatal(err)
		}
	}
	link, err := h.LinkByName(kernel.PortDevice(v.Ports[1].ENI))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.RouteDel(&netlink.Route{Table: kernel.TablePorts, LinkIndex: link.Attrs().Index, Protocol: kernel.RouteProtocol,
		Dst: netlink.NewIPNet([]byte{10, 0, 1, 10}), Scope: netlink.SCOPE_LINK}); err != nil {
		t.Fatal(err)
	}
	// Somebody replaced the namespace of a host.
	if err := kernel.Delete(l.ns("a2")); err != nil {
		t.Fatal(err)
	}
	l.restart()
	l.must(f)
	l.echo("a1", "0.0.0.0:80")
	l.echo("a2", "0.0.0.0:80")
	l.expect("a0", "10.0.1.10:80", "a1 sees 10.0.0.10:")
	l.expect("a0", "10.0.0.11:80", "a2 sees 10.0.0.10:")
}

// Addresses, routes and hosts come and go while others stay as they are.
func TestChange(t *testing.T) {
	l := newLab(t)
	v, hosts := vpc("vpc-a", "a0", "a1", "a2")
	l.must(&fabric.Fabric{VPCs: []*fabric.VPC{v}, Hosts: hosts})
	l.echo("a1", "0.0.0.0:80")

	w := *v
	w.Ports = append([]fabric.Port(nil), v.Ports...)
	w.Ports[1].Addrs = append(w.Ports[1].Addrs, netip.MustParseAddr("10.0.1.77"))
	// 192.0.2.0/24 is behind a1, which has an address of it.
	w.Tables = []fabric.Table{{ID: "rtb-1", Index: 1, Routes: []fabric.Route{
		{Prefix: netip.MustParsePrefix("192.0.2.0/25"), Port: 0}, {Prefix: netip.MustParsePrefix("192.0.2.0/24"), Port: 2},
	}}}
	f := &fabric.Fabric{VPCs: []*fabric.VPC{&w}, Hosts: hosts[:2]}
	w.Ports[2].Peer = fabric.Peer{}
	l.must(f)
	l.expect("a0", "10.0.1.77:80", "a1 sees 10.0.0.10:")
	if _, err := os.Stat(l.ns("a2")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("namespace of a host that is not wanted: %v", err)
	}
	if _, ok := l.netns.Index("vpc-a", kernel.PortDevice(v.Ports[2].ENI)); ok {
		t.Error("the port of a host that has gone still has a cable")
	}
	for addr, want := range map[string]string{
		"192.0.2.200": kernel.PortDevice(v.Ports[1].ENI), "192.0.2.5": kernel.HoleDevice, "198.51.100.1": kernel.HoleDevice,
		"10.0.0.99": kernel.HoleDevice, "10.0.0.11": kernel.HoleDevice, "10.0.1.77": kernel.PortDevice(v.Ports[1].ENI),
	} {
		if got := l.routeTo("vpc-a", addr); got != want {
			t.Errorf("route to %s: by %s, want %s", addr, got, want)
		}
	}

	l.must(&fabric.Fabric{VPCs: []*fabric.VPC{v}, Hosts: hosts}) // and back
	if got := l.routeTo("vpc-a", "10.0.1.77"); got != kernel.HoleDevice {
		t.Errorf("an address that was taken away is still routed by %s", got)
	}
	l.echo("a2", "0.0.0.0:80")
	l.expect("a1", "10.0.0.11:80", "a2 sees 10.0.1.10:")
}

// routeTo is the interface by which a router sends what came from port 1, in table 1.
func (l *lab) routeTo(vpc, addr string) string {
	l.t.Helper()
	var dev string
	err := kernel.In(l.ns(vpc), func() error {
		rs, err := netlink.RouteGetWithOptions(netip.MustParseAddr(addr).AsSlice(), &netlink.RouteGetOptions{Mark: kernel.PortMark(1, 1)})
		if err != nil {
			return err
		}
		link, err := netlink.LinkByIndex(rs[0].LinkIndex)
		if err == nil {
			dev = link.Attrs().Name
		}
		return err
	})
	if err != nil {
		l.t.Errorf("route to %s: %v", addr, err)
	}
	return dev
}

// The machine's own namespace is refused, whatever leads to it.
func TestRefuse(t *testing.T) {
	l := newLab(t)
	for name, file := range map[string]string{"initial": "/proc/1/ns/net", "own": "/proc/self/ns/net"} {
		t.Run(name, func(t *testing.T) {
			if err := kernel.In(file, func() error { t.Error("ran"); return nil }); err == nil {
				t.Error("entered")
			}
			if _, err := kernel.Open(file); err == nil {
				t.Error("opened")
			}
		})
	}
	// Also when it is mounted where one of ours should be.
	path := l.ns("vpc-a")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := bind("/proc/self/ns/net", path); err != nil {
		t.Fatal(err)
	}
	v, hosts := vpc("vpc-a", "a0")
	err := l.apply(&fabric.Fabric{VPCs: []*fabric.VPC{v}, Hosts: hosts})
	if !errors.Is(err, kernel.ErrForeign) {
		t.Errorf("apply: %v, want ErrForeign", err)
	}
	if err := l.netns.Sweep(context.Background(), &fabric.Fabric{}); err == nil {
		t.Log("swept the mount only")
	}
}
