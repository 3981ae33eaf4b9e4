package flow_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"kumiko/internal/driver/flow"
	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// lattice is two consumers with the same range, one of them twice: in front of a provider that has this range again.
type lattice struct {
	*network
	fabric   *fabric.Fabric
	provider *fabric.VPC
	gateway  *fabric.Gateway
}

// Addresses of the listeners.
const (
	oneAddr, rangesAddr, deadAddr = "129.224.0.5", "129.224.0.6", "129.224.0.7"
)

// newLattice makes consumers vpc-1…vpc-N whose only host, i-1…i-N, is at 10.0.0.10, and a provider whose target, i-t, is
// at 10.0.0.10 too, behind a gateway with two ports, of which the second has two addresses.
func newLattice(t *testing.T, consumers int) *lattice {
	n := newNetwork(t)
	open := fabric.Group{ID: "sg-open", Egress: everything(), Ingress: everything()}
	out := fabric.Group{ID: "sg-gateway", Egress: []fabric.Rule{cidr(world.TCP, 7000, 7100, "10.0.0.0/24")}}
	in := fabric.Group{ID: "sg-target", Ingress: []fabric.Rule{peer(world.TCP, 0, 65535, "sg-gateway")}}
	l := &lattice{network: n, fabric: &fabric.Fabric{}, provider: vpc("vpc-provider", out, in)}
	g := &fabric.Gateway{ID: "rgw-0123456789abcdef0", VPC: l.provider.ID}
	l.gateway, l.fabric.Gateways = g, []*fabric.Gateway{g}
	host(l.fabric, l.provider, "i-t", "10.0.0.10", "sg-target")
	for i, addrs := range [][]string{{"10.0.0.33"}, {"10.0.0.34", "10.0.0.35"}} {
		device := fmt.Sprintf("eth%d", i)
		p := attach(l.provider, fabric.Peer{Gateway: g.ID, Device: device}, []world.SecurityGroupID{"sg-gateway"}, addrs...)
		g.Ports = append(g.Ports, fabric.GatewayPort{ENI: p.ENI, Device: device, Addrs: p.Addrs, MAC: p.MAC, Router: p.Router, Mask: p.Mask, MTU: p.MTU})
	}
	for _, a := range []string{oneAddr, rangesAddr, deadAddr} {
		listener := fabric.Listener{Addr: addr(a), Ports: []world.PortRange{{From: 7000, To: 7000}}, Target: addr("10.0.0.10")}
		switch a {
		case rangesAddr:
			listener.Ports = []world.PortRange{{From: 7001, To: 7002}, {From: 7002, To: 7004}, {From: 7200, To: 7200}}
		case deadAddr:
			listener.Target = netip.Addr{}
		}
		g.Listeners = append(g.Listeners, listener)
	}
	for i := 1; i <= consumers; i++ {
		v := vpc(fmt.Sprintf("vpc-%d-consumer", i), open)
		host(l.fabric, v, fmt.Sprintf("i-%d", i), "10.0.0.10", "sg-open")
		v.Links = []fabric.Link{{
			Gateway: g.ID, Index: uint16(i), MTU: fabric.MTULattice, Addrs: []netip.Addr{addr(oneAddr), addr(rangesAddr), addr(deadAddr)},
		}}
		g.Consumers = append(g.Consumers, fabric.Consumer{VPC: v.ID, Index: uint16(i), MTU: fabric.MTULattice})
		l.fabric.VPCs = append(l.fabric.VPCs, v)
	}
	l.fabric.VPCs = append(l.fabric.VPCs, l.provider)
	n.apply(l.fabric)
	for _, port := range []uint16{7000, 7001, 7003, 7004, 7200} {
		n.listen("i-t", port)
	}
	return l
}

// TestEqualConnectionsOfTwoConsumers opens, at the same time, connections that differ in nothing but the consumer.
func TestEqualConnectionsOfTwoConsumers(t *testing.T) {
	l := newLattice(t, 2)
	client, dest := netip.MustParseAddrPort("10.0.0.10:40000"), netip.MustParseAddrPort(oneAddr+":7000")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen := map[string]bool{}
	var open []net.Conn
	for _, host := range []string{"i-1", "i-2"} {
		c, err := l.dial(ctx, host, client, dest)
		if err != nil {
			t.Fatalf("%s: %v; refusals %v", host, err, l.refusals)
		}
		defer c.Close()
		seen[strings.TrimPrefix(l.greeting(c), "i-t ")] = true
		open = append(open, c)
	}
	for i, c := range open {
		say := fmt.Sprintf("consumer %d\n", i)
		c.Write([]byte(say))
		if got := l.greeting(c); got+"\n" != say {
			t.Errorf("consumer %d hears %q", i, got)
		}
	}
	if len(seen) != 2 {
		t.Fatalf("the target saw %v: want two connections", seen)
	}
	var records []flow.Connection
	l.await(func() bool { records = l.connections; return len(records) == 2 }, deadline())
	consumers := map[uint16]bool{}
	for _, r := range records {
		consumers[r.Consumer] = true
		if r.Client != client || r.Dest != dest || r.Target != netip.MustParseAddrPort("10.0.0.10:7000") || !seen[r.From.String()] || r.Gateway != l.gateway.ID {
			t.Errorf("record %+v; the target saw %v", r, seen)
		}
	}
	if !consumers[1] || !consumers[2] {
		t.Errorf("records %+v", records)
	}
}

// TestGatewayListeners tries ports that are and are not listened to.
func TestGatewayListeners(t *testing.T) {
	l := newLattice(t, 1)
	for _, to := range []string{oneAddr + ":7000", rangesAddr + ":7001", rangesAddr + ":7003", rangesAddr + ":7004"} {
		l.expectOpen("i-1", to)
	}
	refused := fabric.Origin{Station: fabric.Listen, VPC: l.provider.ID, Gateway: l.gateway.ID}
	for _, to := range []string{oneAddr + ":7001", rangesAddr + ":7000", rangesAddr + ":7005", deadAddr + ":7000"} {
		l.expectRefused("i-1", to, refused)
	}
	l.send("i-1", oneAddr+":7000")
	l.expectRefusal(func(f fabric.Flow) bool { return f.Protocol == world.UDP && f.DstPort == 7000 }, refused, deadline())
	// The gateway's own groups are those of an ordinary port.
	l.during("i-1", rangesAddr+":7200", func(done <-chan struct{}) {
		var origin fabric.Origin
		l.await(func() bool {
			for _, r := range l.refusals {
				origin = r.Origin
			}
			return len(l.refusals) > 0
		}, done)
		if origin.Station != fabric.SGOut || origin.VPC != l.provider.ID {
			t.Errorf("refused by %v", origin)
		}
	})
	l.during("i-1", "129.224.0.99:7000", func(done <-chan struct{}) {
		l.expectRefusal(func(f fabric.Flow) bool { return f.Dst == addr("129.224.0.99") }, fabric.Origin{Station: fabric.NoRoute, VPC: "vpc-1-consumer"}, done)
	})
}

// TestGatewaySpreadsConnections sees each address of each port, and connections that outlive a change of the listeners.
func TestGatewaySpreadsConnections(t *testing.T) {
	l := newLattice(t, 1)
	from := map[string]int{}
	var last net.Conn
	for range 8 {
		c, greeting := l.expectOpen("i-1", oneAddr+":7000")
		host, _, _ := strings.Cut(strings.TrimPrefix(greeting, "i-t "), ":")
		from[host]++
		last = c
	}
	if from["10.0.0.33"] != 4 || from["10.0.0.34"] != 2 || from["10.0.0.35"] != 2 {
		t.Errorf("connections came from %v", from)
	}
	l.gateway.Listeners = l.gateway.Listeners[1:]
	l.apply(l.fabric)
	l.expectRefused("i-1", oneAddr+":7000", fabric.Origin{Station: fabric.Listen, VPC: l.provider.ID, Gateway: l.gateway.ID})
	last.Write([]byte("still there\n"))
	if got := l.greeting(last); got != "still there" {
		t.Errorf("echo is %q", got)
	}
}

// TestGatewayFitsSegments sends much, in segments that pass the narrowest cable of the way.
func TestGatewayFitsSegments(t *testing.T) {
	l := newLattice(t, 1)
	c, _ := l.expectOpen("i-1", oneAddr+":7000")
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		mss, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG)
		if most := fabric.MTULattice - 40; err != nil || mss > most || mss < most-40 { // IP and TCP headers, and options
			t.Errorf("segments of %d bytes, %v: want about %d", mss, err, most)
		}
	})
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var wg sync.WaitGroup
	wg.Go(func() { c.Write(sent) })
	got := make([]byte, len(sent))
	if k, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("the echo of a megabyte differs, or ends after %d bytes with %v", k, err)
	}
	wg.Wait()
}

// TestGatewayRecordsEveryConnection opens many connections from two consumers, pairwise equal.
func TestGatewayRecordsEveryConnection(t *testing.T) {
	l := newLattice(t, 2)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	const pairs = 100
	for i := range pairs {
		for _, host := range []string{"i-1", "i-2"} {
			c, err := l.dial(ctx, host, netip.AddrPortFrom(addr("10.0.0.10"), uint16(41000+i)), netip.MustParseAddrPort(oneAddr+":7000"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
	}
	from, clients := map[netip.AddrPort]bool{}, map[string]bool{}
	l.await(func() bool { return len(l.connections) >= 2*pairs }, deadline())
	for _, c := range l.connections {
		from[c.From], clients[fmt.Sprint(c.Consumer, c.Client)] = true, true
	}
	if len(l.connections) != 2*pairs || len(from) != 2*pairs || len(clients) != 2*pairs || l.flow.Lost() != 0 {
		t.Errorf("%d records of %d sources and %d clients, %d lost; want %d of each", len(l.connections), len(from), len(clients), l.flow.Lost(), 2*pairs)
	}
}

// TestAssociationGroups filters what enters the link by the groups of the association.
func TestAssociationGroups(t *testing.T) {
	l := newLattice(t, 1)
	v := l.fabric.VPCs[0]
	v.Groups = append(v.Groups, fabric.Group{ID: "sg-some", Ingress: []fabric.Rule{cidr(world.TCP, 7001, 7001, "10.0.0.10/32")}})
	v.Links[0].Groups = []world.SecurityGroupID{"sg-some"}
	l.apply(l.fabric)
	l.expectOpen("i-1", rangesAddr+":7001")
	l.expectRefused("i-1", oneAddr+":7000", fabric.Origin{Station: fabric.LinkIn, VPC: v.ID, Gateway: l.gateway.ID})
}
