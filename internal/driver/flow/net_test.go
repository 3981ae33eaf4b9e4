package flow_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"kumiko/internal/driver/flow"
	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/nft"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/testkit"
	"kumiko/internal/world"
)

// patience is how long a test waits for what must happen. Nothing is proved by its passing.
const patience = 10 * time.Second

// network is a fabric that is made real by all drivers of the data plane.
type network struct {
	t     *testing.T
	run   string
	cable *netns.Driver
	route *route.Driver
	rules *nft.Driver
	flow  *flow.Driver
	records
}

// newNetwork makes the drivers of an empty runtime folder.
func newNetwork(t *testing.T) *network {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("not root: this test needs network namespaces")
		}
		t.Skip("NOT RUN: not root, and this test needs network namespaces")
	}
	n := &network{t: t, run: t.TempDir(), records: records{more: make(chan struct{})}}
	var err error
	if n.cable, err = netns.New(n.run); err != nil {
		t.Fatal(err)
	}
	n.route = route.New(n.run, n.cable)
	n.rules = nft.New(n.path)
	n.flow = flow.New(n.path, &n.records)
	t.Cleanup(func() {
		n.flow.Close()
		if err := n.cable.Down(context.Background()); err != nil {
			t.Error(err)
		}
		n.cable.Close()
	})
	return n
}

func (n *network) path(name string) string { return kernel.Path(n.run, name) }

// apply makes the fabric real, in the order of the reconciler.
func (n *network) apply(f *fabric.Fabric) {
	n.t.Helper()
	f = testkit.Copy(f)
	ctx := context.Background()
	check := func(err error) {
		n.t.Helper()
		if err != nil {
			n.t.Fatal(err)
		}
	}
	check(n.cable.Ensure(ctx, f))
	check(n.flow.Apply(ctx, f))
	type scoped interface {
		ApplyVPC(context.Context, *fabric.VPC) error
		ApplyGateway(context.Context, *fabric.Gateway) error
	}
	for _, d := range []scoped{n.rules, n.cable, n.route} {
		for _, v := range f.VPCs {
			check(d.ApplyVPC(ctx, v))
		}
		for _, g := range f.Gateways {
			check(d.ApplyGateway(ctx, g))
		}
	}
	check(n.cable.Sweep(ctx, f))
}

// records keeps what the flow driver says, for tests to wait on.
type records struct {
	mu          sync.Mutex
	refusals    []flow.Refusal
	connections []flow.Connection
	more        chan struct{} // closed and replaced with each record
}

func (r *records) Refused(x flow.Refusal) { r.add(func() { r.refusals = append(r.refusals, x) }) }
func (r *records) Connected(x flow.Connection) {
	r.add(func() { r.connections = append(r.connections, x) })
}

func (r *records) add(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.more)
	r.more = make(chan struct{})
}

// await waits until find is true of the records; it reports false when done is closed before.
func (r *records) await(find func() bool, done <-chan struct{}) bool {
	for {
		r.mu.Lock()
		found, more := find(), r.more
		r.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-more:
		case <-done:
			return false
		}
	}
}

// vpc begins a VPC 10.0.0.0/16 with one subnet and one route table.
func vpc(id string, groups ...fabric.Group) *fabric.VPC {
	open := []fabric.ACLRule{{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}
	return &fabric.VPC{
		ID: world.VPCID(id), CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
		Subnets: []fabric.Subnet{{ID: "subnet-" + world.SubnetID(id), CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: addr("10.0.0.1"), Table: 1, ACL: "acl-open"}},
		ACLs:    []fabric.ACL{{ID: "acl-open", Ingress: open, Egress: open}},
		Tables:  []fabric.Table{{ID: "rtb-" + world.RouteTableID(id), Index: 1}},
		Groups:  groups,
		Resolver: fabric.Resolver{
			Enabled: true, Addrs: []netip.Addr{addr("10.0.0.2"), fabric.ResolverLinkLocal},
		},
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// attach adds a port with the next index and plugs it into the peer.
func attach(v *fabric.VPC, peer fabric.Peer, groups []world.SecurityGroupID, addrs ...string) *fabric.Port {
	i := len(v.Ports) + 1
	p := fabric.Port{
		ENI: world.ENIID(fmt.Sprintf("eni-%s%012d", string(v.ID)[4:9], i)), Index: uint32(i), Subnet: v.Subnets[0].ID, Table: 1,
		Mask: 24, Router: v.Subnets[0].Gateway, MAC: fmt.Sprintf("0a:00:00:00:%02x:%02x", v.ID[4], i), Groups: groups,
		SourceDestCheck: true, MTU: fabric.MTU, Peer: peer,
	}
	for _, a := range addrs {
		p.Addrs = append(p.Addrs, addr(a))
	}
	for j := range v.Groups {
		if slices.Contains(groups, v.Groups[j].ID) {
			v.Groups[j].Members = append(v.Groups[j].Members, p.Addrs...)
			slices.SortFunc(v.Groups[j].Members, netip.Addr.Compare)
		}
	}
	v.Ports = append(v.Ports, p)
	return &v.Ports[i-1]
}

// host adds a host with one port to the VPC.
func host(f *fabric.Fabric, v *fabric.VPC, id, address string, groups ...world.SecurityGroupID) *fabric.Port {
	f.Hosts = append(f.Hosts, &fabric.Host{ID: world.InstanceID(id)})
	return attach(v, fabric.Peer{Host: world.InstanceID(id), Device: "eth0"}, groups, address)
}

// listen opens a TCP listener in a host that greets with the name of the host and then keeps the connection, echoing.
func (n *network) listen(host string, port uint16) {
	n.t.Helper()
	l, err := kernel.ListenTCP(n.path(host), netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	if err != nil {
		n.t.Fatal(err)
	}
	var wg sync.WaitGroup
	var open sync.Map
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			wg.Go(func() {
				defer c.Close()
				fmt.Fprintf(c, "%s %s\n", host, c.RemoteAddr())
				b := make([]byte, 32<<10)
				for {
					k, err := c.Read(b)
					if err != nil {
						return
					}
					c.Write(b[:k])
				}
			})
		}
	})
	n.t.Cleanup(func() {
		l.Close()
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		wg.Wait()
	})
}

// dial connects from a host; from may have port 0. The address may be none of the host's.
func (n *network) dial(ctx context.Context, host string, from, to netip.AddrPort) (net.Conn, error) {
	var c net.Conn
	err := kernel.In(n.path(host), func() (err error) {
		d := net.Dialer{Control: reuse}
		if from.IsValid() {
			d.LocalAddr = net.TCPAddrFromAddrPort(from)
		}
		c, err = d.DialContext(ctx, "tcp4", to.String())
		return err
	})
	return c, err
}

// send sends one datagram from a host, without waiting for anything.
func (n *network) send(host, to string) {
	n.t.Helper()
	n.datagram(host, "", to)
}

// datagram sends one from an address and port of the host; an empty one is any.
func (n *network) datagram(host, from, to string) {
	n.t.Helper()
	err := kernel.In(n.path(host), func() error {
		var d net.Dialer
		if from != "" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(from))
		}
		c, err := d.Dial("udp4", to)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("hello"))
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// expectOpen connects and returns the greeting: who answered, and whom it saw.
func (n *network) expectOpen(host, to string) (net.Conn, string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := n.dial(ctx, host, netip.AddrPort{}, netip.MustParseAddrPort(to))
	if err != nil {
		n.t.Fatalf("%s to %s: %v; refusals: %v", host, to, err, n.refusals)
	}
	n.t.Cleanup(func() { c.Close() })
	return c, n.greeting(c)
}

func (n *network) greeting(c net.Conn) string {
	n.t.Helper()
	b := make([]byte, 128)
	c.SetDeadline(time.Now().Add(patience))
	k, err := c.Read(b)
	if err != nil {
		n.t.Fatalf("no greeting: %v", err)
	}
	return string(b[:k-1])
}

// expectRefused connects and waits for the record of the refusal.
func (n *network) expectRefused(host, to string, want fabric.Origin) {
	n.t.Helper()
	n.during(host, to, func(done <-chan struct{}) {
		n.t.Helper()
		n.expectRefusal(func(f fabric.Flow) bool {
			return netip.AddrPortFrom(f.Dst, f.DstPort) == netip.MustParseAddrPort(to) && f.Protocol == world.TCP
		}, want, done)
	})
}

// during runs f while the host tries to connect; done is closed when the connection opens all the same.
func (n *network) during(host, to string, f func(done <-chan struct{})) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		c, err := n.dial(ctx, host, netip.AddrPort{}, netip.MustParseAddrPort(to))
		if err == nil {
			c.Close()
			n.t.Errorf("%s to %s is open", host, to)
		}
	})
	f(done)
	cancel()
	wg.Wait()
}

// expectRefusal waits for the record of a refused flow, looks at its origin, and forgets the records.
func (n *network) expectRefusal(match func(fabric.Flow) bool, want fabric.Origin, done <-chan struct{}) {
	n.t.Helper()
	var got fabric.Origin
	found := n.await(func() bool {
		for _, r := range n.refusals {
			if match(r.Flow) {
				got, n.refusals = r.Origin, nil
				return true
			}
		}
		return false
	}, done)
	switch {
	case !found:
		n.t.Errorf("no record; want %v, have %v", want, n.refusals)
	case got != want:
		n.t.Errorf("refused by %v, want %v", got, want)
	}
}

func deadline() <-chan struct{} {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	context.AfterFunc(ctx, cancel)
	return ctx.Done()
}
