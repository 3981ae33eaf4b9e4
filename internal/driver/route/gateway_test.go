package route_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"kumiko/internal/driver/nft"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// shared is a gateway with two ENIs and a resource behind it, consumed by two VPCs whose ranges are the provider's.
func shared() *fabric.Fabric {
	const id = world.ResourceGatewayID("rgw-0123456789abcdef0")
	provider, ph := vpc("vpc-p", "p0")
	g := &fabric.Gateway{ID: id, VPC: provider.ID}
	for n, s := range provider.Subnets {
		p := fabric.Port{
			ENI: world.ENIID(fmt.Sprintf("eni-gateway-%d", n)), Index: uint32(10 + n), Subnet: s.ID, Table: 1, Mask: 24, Router: s.Gateway,
			Addrs: []netip.Addr{world.Offset(s.CIDR, 50), world.Offset(s.CIDR, 51)}, MAC: fmt.Sprintf("0a:00:00:00:01:%02x", n),
			MTU: fabric.MTU, SourceDestCheck: true, Peer: fabric.Peer{Gateway: id, Device: fmt.Sprintf("eth%d", n)},
		}
		provider.Ports = append(provider.Ports, p)
		g.Ports = append(g.Ports, fabric.GatewayPort{
			ENI: p.ENI, Device: p.Peer.Device, Addrs: p.Addrs, MAC: p.MAC, Router: p.Router, Mask: p.Mask, MTU: p.MTU,
		})
	}
	addr := netip.MustParseAddr("129.224.0.5")
	g.Listeners = []fabric.Listener{{Addr: addr, Ports: []world.PortRange{{From: 80, To: 80}}, Target: netip.MustParseAddr("10.0.0.10")}}
	f := &fabric.Fabric{VPCs: []*fabric.VPC{provider}, Gateways: []*fabric.Gateway{g}, Hosts: ph}
	for n, name := range []string{"a", "b"} {
		v, hosts := vpc("vpc-"+name, name+"0")
		index := uint16(n + 1)
		v.Links = []fabric.Link{{Gateway: id, Index: index, Addrs: []netip.Addr{addr}, MTU: fabric.MTULattice}}
		g.Consumers = append(g.Consumers, fabric.Consumer{VPC: v.ID, Index: index, MTU: fabric.MTULattice})
		f.VPCs, f.Hosts = append(f.VPCs, v), append(f.Hosts, hosts...)
	}
	return f
}

// Two consumers with the same addresses reach a provider that has them too, each connection by one of the gateway's
// addresses.
func TestGateway(t *testing.T) {
	l := newLab(t)
	f := shared()
	rules := nft.New(func(name string) string { return kernel.Path(l.run, name) })
	l.must(f)
	if err := rules.ApplyGateway(context.Background(), f.Gateways[0]); err != nil {
		t.Fatal(err)
	}
	l.echo("p0", "0.0.0.0:80")
	seen := map[string]bool{}
	for range 8 {
		for _, client := range []string{"a0", "b0"} {
			got, err := l.ask(client, "129.224.0.5:80")
			from, ok := strings.CutPrefix(got, "p0 sees ")
			if err != nil || !ok {
				t.Fatalf("%s: %q, %v", client, got, err)
			}
			addr, _, _ := strings.Cut(from, ":")
			seen[addr] = true
		}
	}
	for _, want := range []string{"10.0.0.50", "10.0.0.51", "10.0.1.50", "10.0.1.51"} {
		if !seen[want] {
			t.Errorf("no connection came from %s; came from %v", want, seen)
		}
	}
	was := l.snapshot(f)
	l.restart()
	l.must(f)
	if now := l.snapshot(f); now != was {
		t.Errorf("a new process changed something\nbefore:\n%s\nafter:\n%s", was, now)
	}
	l.leave(f)
}

// leave takes one consumer away; the other one stays connected.
func (l *lab) leave(f *fabric.Fabric) {
	l.t.Helper()
	g, a := *f.Gateways[0], *f.VPCs[1]
	g.Consumers, a.Links = g.Consumers[1:], nil
	l.must(&fabric.Fabric{VPCs: []*fabric.VPC{f.VPCs[0], &a, f.VPCs[2]}, Gateways: []*fabric.Gateway{&g}, Hosts: f.Hosts})
	l.expect("b0", "129.224.0.5:80", "p0 sees 10.0.")
	if got := l.routeTo("vpc-a", "129.224.0.5"); got != kernel.HoleDevice {
		l.t.Errorf("a consumer that left still routes by %s", got)
	}
	h, err := kernel.NewHandle(l.ns(string(g.ID)))
	if err != nil {
		l.t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.LinkByName(kernel.ConsumerDevice(1)); err == nil {
		l.t.Error("the link of a consumer that left is still there")
	}
	routes, err := h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: kernel.RouteProtocol}, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PROTOCOL)
	if err != nil || len(routes) != 3 {
		l.t.Errorf("routes in the gateway: %v, %v; want 3", routes, err)
	}
}
