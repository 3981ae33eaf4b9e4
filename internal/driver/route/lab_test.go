package route_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/testkit"
	"kumiko/internal/world"
)

// lab is a runtime folder with both drivers; everything in it is gone after the test, and the machine is as before.
type lab struct {
	t      testing.TB
	run    string
	netns  *netns.Driver
	routes *route.Driver
}

func newLab(t testing.TB) *lab {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("this test needs root, and CI must not skip it")
		}
		t.Skip("SKIPPED: this test makes network namespaces and needs root")
	}
	l := &lab{t: t, run: t.TempDir()}
	before := machine(t, l.run)
	t.Cleanup(func() {
		if err := l.netns.Down(context.Background()); err != nil {
			t.Error("down:", err)
		}
		if after := machine(t, l.run); after != before {
			t.Errorf("the machine changed\nbefore:\n%s\nafter:\n%s", before, after)
		}
	})
	l.restart()
	return l
}

// restart does what a new process does after the old one was killed.
func (l *lab) restart() {
	l.t.Helper()
	if l.netns != nil {
		l.netns.Close()
	}
	var err error
	if l.netns, err = netns.New(l.run); err != nil {
		l.t.Fatal(err)
	}
	l.routes = route.New(l.run, l.netns)
}

// machine is the state of the network of the namespace the thread is in, and the mounts below a folder.
func machine(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		a := l.Attrs()
		fmt.Fprintln(&b, a.Index, a.Name, a.HardwareAddr, a.MTU, a.RawFlags, a.Alias, a.Group)
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		fmt.Fprintln(&b, a.LinkIndex, a.IPNet)
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		fmt.Fprintln(&b, r)
	}
	rules, err := netlink.RuleList(netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		fmt.Fprintln(&b, r)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// apply is what the reconciler does, without rules.
func (l *lab) apply(f *fabric.Fabric) error {
	f = testkit.Copy(f)
	ctx := context.Background()
	if err := l.netns.Ensure(ctx, f); err != nil {
		return err
	}
	for _, g := range f.Gateways {
		if err := l.netns.ApplyGateway(ctx, g); err != nil {
			return err
		}
		if err := l.routes.ApplyGateway(ctx, g); err != nil {
			return err
		}
	}
	for _, v := range f.VPCs {
		if err := l.netns.ApplyVPC(ctx, v); err != nil {
			return err
		}
		if err := l.routes.ApplyVPC(ctx, v); err != nil {
			return err
		}
	}
	return l.netns.Sweep(ctx, f)
}

func (l *lab) must(f *fabric.Fabric) {
	l.t.Helper()
	if err := l.apply(f); err != nil {
		l.t.Fatal(err)
	}
}

// ns is the path of a namespace.
func (l *lab) ns(name string) string { return kernel.Path(l.run, name) }

// echo answers every connection with who it came from and what it sent.
func (l *lab) echo(ns, addr string) {
	l.t.Helper()
	ln, err := kernel.ListenTCP(l.ns(ns), netip.MustParseAddrPort(addr))
	if err != nil {
		l.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(c, "%s sees %s", ns, c.RemoteAddr())
			c.Close()
		}
	}()
	l.t.Cleanup(func() { ln.Close(); <-done })
}

// ask connects from a namespace and returns what it was told.
func (l *lab) ask(ns, addr string) (string, error) {
	var answer []byte
	err := kernel.In(l.ns(ns), func() error {
		c, err := net.DialTimeout("tcp", addr, 3*time.Second)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
			return err
		}
		answer, err = io.ReadAll(c)
		return err
	})
	return string(answer), err
}

// expect asks and compares.
func (l *lab) expect(ns, addr, want string) {
	l.t.Helper()
	got, err := l.ask(ns, addr)
	if err != nil || !strings.HasPrefix(got, want) {
		l.t.Errorf("%s → %s: %q, %v; want %q", ns, addr, got, err, want)
	}
}

// vpc is a VPC 10.0.0.0/16 with subnets 10.0.0.0/24 and 10.0.1.0/24 in one route table and a host for each name;
// addresses are 10.0.N.10, 10.0.N.11, … for hosts N = 0 and 1 in turn.
func vpc(id string, hosts ...string) (*fabric.VPC, []*fabric.Host) {
	v := &fabric.VPC{
		ID: world.VPCID(id), CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
		Tables:   []fabric.Table{{ID: "rtb-1", Index: 1}},
		Resolver: fabric.Resolver{Enabled: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2"), fabric.ResolverLinkLocal}},
	}
	for n := range 2 {
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(n), 0}), 24)
		v.Subnets = append(v.Subnets, fabric.Subnet{
			ID: world.SubnetID(fmt.Sprintf("subnet-%d", n)), CIDR: cidr, Gateway: world.Offset(cidr, 1), Table: 1,
		})
	}
	var out []*fabric.Host
	for i, h := range hosts {
		n := i % 2
		v.Ports = append(v.Ports, fabric.Port{
			ENI: world.ENIID(fmt.Sprintf("eni-%s-%s", id, h)), Index: uint32(i + 1), Subnet: v.Subnets[n].ID, Table: 1, Mask: 24,
			Addrs:  []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(n), byte(10 + i/2)})},
			Router: v.Subnets[n].Gateway, MAC: fmt.Sprintf("0a:00:00:00:00:%02x", i+1), MTU: fabric.MTU, SourceDestCheck: true,
			Peer: fabric.Peer{Host: world.InstanceID(h), Device: "eth0"},
		})
		out = append(out, &fabric.Host{ID: world.InstanceID(h)})
	}
	return v, out
}

func bind(from, to string) error { return unix.Mount(from, to, "", unix.MS_BIND, "") }
