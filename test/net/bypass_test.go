package net

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reach"
	"kumiko/internal/testkit/worlds"
	"kumiko/internal/world"
)

// site is a VPC of a fixed shape: two subnets with the open default ACL, a group that lets everything out, and one that
// lets TCP to port 443 in besides.
type site struct {
	tx             *world.Tx
	vpc            world.VPC
	subnets        [2]world.Subnet
	client, server world.SecurityGroupID
}

func newSite(tx *world.Tx, net int) *site {
	s := &site{tx: tx}
	s.vpc = world.VPC{
		ID: world.VPCID(tx.NewID("vpc")), Meta: tx.NewMeta(worlds.Caller, nil), NextTable: 1,
		CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", net))}},
	}
	tx.VPCs.Put(s.vpc)
	tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID(tx.NewID("rtb")), Meta: s.vpc.Meta, VPC: s.vpc.ID, Index: 1, Main: true})
	acl := s.acl()
	for i := range s.subnets {
		s.subnets[i] = world.Subnet{
			ID: world.SubnetID(tx.NewID("subnet")), Meta: s.vpc.Meta, VPC: s.vpc.ID, Zone: "us-east-1a", NetworkACL: acl,
			CIDR: netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", net, i)),
		}
		tx.Subnets.Put(s.subnets[i])
	}
	for _, g := range []*world.SecurityGroupID{&s.client, &s.server} {
		*g = world.SecurityGroupID(tx.NewID("sg"))
		tx.SecurityGroups.Put(world.SecurityGroup{ID: *g, Meta: s.vpc.Meta, VPC: s.vpc.ID, Name: string(*g)})
		s.put(world.SecurityGroupRule{Group: *g, Egress: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
	}
	s.put(world.SecurityGroupRule{Group: s.server, Protocol: world.TCP, Ports: world.PortRange{From: 443, To: 443}, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
	return s
}

// acl puts a network ACL that lets everything pass but for what the entries say.
func (s *site) acl(entries ...world.NetworkACLEntry) world.NetworkACLID {
	for _, egress := range []bool{false, true} {
		entries = append(entries, world.NetworkACLEntry{Number: 100, Egress: egress, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
	}
	a := world.NetworkACL{ID: world.NetworkACLID(s.tx.NewID("acl")), Meta: s.vpc.Meta, VPC: s.vpc.ID, Entries: entries}
	s.tx.NetworkACLs.Put(a)
	return a.ID
}

func (s *site) put(r world.SecurityGroupRule) {
	r.ID, r.Meta = world.SecurityGroupRuleID(s.tx.NewID("sgr")), s.vpc.Meta
	s.tx.SecurityGroupRules.Put(r)
}

// host puts a running instance with an interface in each of the subnets.
func (s *site) host(g world.SecurityGroupID, subnets ...world.Subnet) []world.ENI {
	i := world.Instance{
		ID: world.InstanceID(s.tx.NewID("i")), Meta: s.vpc.Meta, VPC: s.vpc.ID, Subnet: subnets[0].ID, Power: world.Running, Boot: 1,
	}
	s.tx.Instances.Put(i)
	var out []world.ENI
	for n, subnet := range subnets {
		addrs, err := s.tx.AllocateAddresses(subnet, 1)
		if err != nil {
			panic(err) // the subnets of a site are empty
		}
		e := s.tx.NewENI(worlds.Caller, subnet, addrs, []world.SecurityGroupID{g})
		e.Attachment = world.Attachment{Instance: i.ID, DeviceIndex: n}
		s.tx.ENIs.Put(e)
		out = append(out, e)
	}
	return out
}

// try sends a first packet of TCP from the address to the other, from the host of the interface, and says what became
// of it.
func (l *lab) try(from world.ENI, src, dst netip.Addr, port int) string {
	q := question{from.Attachment.Instance, from.ID, fabric.Flow{
		Protocol: world.TCP, Src: src, Dst: dst, SrcPort: source(int(l.probes.Add(1))), DstPort: uint16(port),
	}}
	refused := l.refusals.wait(q.flow)
	defer l.refusals.forget(q.flow)
	return l.fate(q, refused, false)
}

func (l *lab) expect(want string, from, to world.ENI, port int) {
	l.t.Helper()
	if got := l.try(from, from.Addr(), to.Addr(), port); got != want {
		l.t.Errorf("%s to %s port %d: %s, want %s", from.Addr(), to.Addr(), port, got, want)
	}
}

func refusedBy(s fabric.Station, e world.ENI) string {
	return fabric.Origin{Station: s, VPC: e.VPC, ENI: e.ID}.String()
}

// TestSenderDoesNotDecideForReceiver: what a sender's groups allow, a receiver's groups still refuse, within a subnet as
// between two.
func TestSenderDoesNotDecideForReceiver(t *testing.T) {
	l := newLab(t)
	var a, near, far world.ENI
	l.update(func(tx *world.Tx) {
		s := newSite(tx, 0)
		a, near, far = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[0])[0], s.host(s.server, s.subnets[1])[0]
	})
	for _, b := range []world.ENI{near, far} {
		l.expect("open", a, b, 443)
		l.expect(refusedBy(fabric.SGIn, b), a, b, 22)
		l.expect(refusedBy(fabric.SGIn, a), b, a, 443)
	}
}

// TestTwoInterfacesAnswerByTheRightOne: an instance with interfaces in two subnets answers from the address it was asked
// at by the interface that has it, also to who lives in the subnet of the other; anything else would be a spoofed source.
func TestTwoInterfacesAnswerByTheRightOne(t *testing.T) {
	l := newLab(t)
	var a [2]world.ENI
	var b []world.ENI
	l.update(func(tx *world.Tx) {
		s := newSite(tx, 0)
		a[0], a[1], b = s.host(s.client, s.subnets[0])[0], s.host(s.client, s.subnets[1])[0], s.host(s.server, s.subnets[0], s.subnets[1])
	})
	for _, from := range a {
		for _, e := range b {
			l.expect("open", from, e, 443)
			l.expect(refusedBy(fabric.SGIn, e), from, e, 22)
		}
	}
}

// TestEqualRangesNeverMix: of two VPCs with the same addresses, nothing in one reaches the other, even where only the
// other has the address.
func TestEqualRangesNeverMix(t *testing.T) {
	l := newLab(t)
	var a, b, only world.ENI
	l.update(func(tx *world.Tx) {
		s, other := newSite(tx, 0), newSite(tx, 0)
		a, b = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[0])[0]
		other.host(other.client, other.subnets[0])
		other.host(other.client, other.subnets[0])
		only = other.host(other.server, other.subnets[0])[0]
	})
	l.expect("open", a, b, 443)
	l.expect(fabric.Origin{Station: fabric.NoRoute, VPC: a.VPC}.String(), a, only, 443)
}

// take gives the interface of a host an address more.
func (l *lab) take(h *netlink.Handle, a netip.Addr) error {
	eth0, err := h.LinkByName("eth0")
	if err != nil {
		return err
	}
	return h.AddrAdd(eth0, &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(32, 32)}})
}

// TestRootInAGuest: root in an instance takes another's address, and looks for the router and what is behind it.
func TestRootInAGuest(t *testing.T) {
	l := newLab(t)
	var a, b world.ENI
	l.update(func(tx *world.Tx) {
		s := newSite(tx, 0)
		a, b = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[1])[0]
	})
	h, err := kernel.NewHandle(l.ns(a.Attachment.Instance))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, s := range []string{"10.0.0.77", "192.0.2.5"} {
		taken := netip.MustParseAddr(s)
		if err := l.take(h, taken); err != nil {
			t.Fatal(err)
		}
		if got, want := l.try(a, taken, b.Addr(), 443), refusedBy(fabric.Spoof, a); got != want {
			t.Errorf("from %s: %s, want %s", taken, got, want)
		}
	}
	l.expect("open", a, b, 443)
	for _, to := range []string{"10.0.0.1:22", "10.0.1.1:443", "10.0.0.2:22", "169.254.169.254:22", "169.254.169.253:80", "169.254.4.1:22", "169.254.3.1:22"} {
		if l.answers(a, to) {
			t.Errorf("%s answers", to)
		}
	}
}

// TestAnswersGoToTheirOwner: who may send from any address gets no answer to what it sends from somebody else's: the
// owner does, and the explanation says so.
func TestAnswersGoToTheirOwner(t *testing.T) {
	l := newLab(t)
	var a, owner, b world.ENI
	f := l.update(func(tx *world.Tx) {
		s := newSite(tx, 0)
		a, owner, b = s.host(s.client, s.subnets[0])[0], s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[1])[0]
		a.SourceDestCheck = false
		tx.ENIs.Put(a)
		s.put(world.SecurityGroupRule{Group: s.server, Protocol: world.ICMP, ICMP: world.ICMPMatch{Type: -1, Code: -1}, CIDR: anywhere})
	})
	q := fabric.Flow{Protocol: world.ICMP, ICMP: world.ICMPMatch{Type: 8}, Src: owner.Addr(), Dst: b.Addr(), SrcPort: 7}
	own, err := send(l.ns(owner.Attachment.Instance), q) // which proves that it hears
	if err != nil {
		t.Fatal(err)
	}
	defer own.close()
	if err := own.file.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if !own.answered() {
		t.Fatal("the owner hears nothing")
	}
	h, err := kernel.NewHandle(l.ns(a.Attachment.Instance))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := l.take(h, q.Src); err != nil {
		t.Fatal(err)
	}
	p, err := send(l.ns(a.Attachment.Instance), q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if !own.answered() {
		t.Errorf("the owner of %s did not get the answer", q.Src)
	}
	if w := reach.From(f, a.ID, q); w.Open || !w.Reply || w.Refused != (fabric.Origin{Station: fabric.Spoof, VPC: a.VPC, ENI: a.ID}) {
		t.Errorf("the explanation says %s%s", describe(w.Open, w.Refused), tell(w.Hops))
	}
}

// TestWhatIsGoneIsTold: the packets of a connection whose other end is detached are refused where there is no route to it, whichever
// side sends them, and that is told.
func TestWhatIsGoneIsTold(t *testing.T) {
	for _, asked := range []bool{true, false} {
		l := newLab(t)
		var a, b world.ENI
		l.update(func(tx *world.Tx) {
			s := newSite(tx, 0)
			a, b = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[1])[0]
		})
		live := l.converse(a, b)
		if err := live.say(); err != nil {
			t.Fatal(err)
		}
		gone, stays := b, live.client
		if !asked {
			gone, stays = a, live.server
		}
		from, to := stays.LocalAddr().(*net.TCPAddr).AddrPort(), stays.RemoteAddr().(*net.TCPAddr).AddrPort()
		refused := l.refusals.wait(fabric.Flow{Protocol: world.TCP, Src: from.Addr(), Dst: to.Addr(), SrcPort: from.Port(), DstPort: to.Port()})
		l.update(func(tx *world.Tx) {
			gone.Attachment = world.Attachment{}
			tx.ENIs.Put(gone)
		})
		if _, err := stays.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		select {
		case o := <-refused:
			if want := (fabric.Origin{Station: fabric.NoRoute, VPC: gone.VPC}); o != want {
				t.Errorf("to who is gone: %s, want %s", o, want)
			}
		case <-time.After(patience):
			t.Error("nothing is told of what was sent to who is gone")
		}
		live.end()
	}
}

// answers tells whether anything, be it a reset, comes back when a host connects.
func (l *lab) answers(from world.ENI, to string) bool {
	const briefly = 300 * time.Millisecond // the router is next door
	var err error
	if e := kernel.In(l.ns(from.Attachment.Instance), func() error {
		var c net.Conn
		if c, err = net.DialTimeout("tcp4", to, briefly); err == nil {
			c.Close()
		}
		return nil
	}); e != nil {
		l.t.Fatal(e)
	}
	timeout, ok := err.(net.Error)
	return !ok || !timeout.Timeout()
}

// TestNoGapInTwoHundredChanges: while rules and ACLs change 200 times, what is allowed all the time always passes, what
// is forbidden all the time never does, and an established connection lives on.
func TestNoGapInTwoHundredChanges(t *testing.T) {
	l := newLab(t)
	var a, b world.ENI
	var s *site
	l.update(func(tx *world.Tx) {
		s = newSite(tx, 0)
		a, b = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[1])[0]
	})
	var wg sync.WaitGroup
	var stop atomic.Bool
	var tries [2]atomic.Int64
	for n, want := range map[int]string{443: "open", 22: refusedBy(fabric.SGIn, b)} {
		wg.Go(func() {
			for !stop.Load() {
				if got := l.try(a, a.Addr(), b.Addr(), n); got != want {
					t.Errorf("port %d while rules change: %s, want %s", n, got, want)
					return
				}
				tries[n%2].Add(1)
			}
		})
	}
	live := l.converse(a, b)
	for n := range 200 {
		l.update(func(tx *world.Tx) { s.change(tx, n) })
		if err := live.say(); err != nil {
			t.Fatalf("the established connection broke with change %d: %v", n, err)
		}
	}
	stop.Store(true)
	wg.Wait()
	live.end()
	t.Logf("%d connections allowed, %d refused", tries[1].Load(), tries[0].Load())
}

// change changes something that decides nothing about ports 443 and 22 of the server.
func (s *site) change(tx *world.Tx, n int) {
	s.tx = tx
	all := netip.MustParsePrefix("0.0.0.0/0")
	switch n % 3 {
	case 0: // another port
		s.put(world.SecurityGroupRule{Group: s.server, Protocol: world.TCP, Ports: world.PortRange{From: uint16(5000 + n), To: uint16(5001 + n)}, CIDR: all})
	case 1: // the same by another rule, and back
		rules := tx.RulesOf(s.server)
		if r := rules[n%len(rules)]; !r.Egress && r.Ports.From >= 5000 {
			tx.SecurityGroupRules.Delete(r.ID)
		}
	case 2: // ACLs: from open to numbered rules and back
		a, _ := tx.NetworkACLs.Get(s.subnets[1].NetworkACL)
		open := world.NetworkACLEntry{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: all}
		out := open
		out.Egress = true
		a.Entries = []world.NetworkACLEntry{open, out}
		if n%2 == 0 {
			a.Entries = append(a.Entries, world.NetworkACLEntry{Number: 1 + n%9, Protocol: world.UDP, Ports: world.AllPorts, CIDR: all})
		}
		tx.NetworkACLs.Put(a)
	}
}

// conversation is a TCP connection between two hosts that says something now and then.
type conversation struct {
	client, server net.Conn
	listener       net.Listener
}

// converse opens a connection to port 443 of the other. The probes' connections are refused there by nobody: they are
// accepted and forgotten.
func (l *lab) converse(from, to world.ENI) *conversation {
	l.t.Helper()
	return l.converseAt(from, to, to.Addr())
}

// converseAt does so by an address that stands for the other.
func (l *lab) converseAt(from, to world.ENI, addr netip.Addr) *conversation {
	l.t.Helper()
	c := &conversation{}
	var err error
	open := func(e world.ENI, f func() error) {
		if err == nil {
			err = kernel.In(l.ns(e.Attachment.Instance), f)
		}
	}
	open(to, func() error {
		c.listener, err = net.Listen("tcp4", netip.AddrPortFrom(to.Addr(), 443).String())
		return err
	})
	open(from, func() error {
		c.client, err = net.DialTimeout("tcp4", netip.AddrPortFrom(addr, 443).String(), patience)
		return err
	})
	for err == nil && c.server == nil {
		var in net.Conn
		if in, err = c.listener.Accept(); err == nil && (addr != to.Addr() || in.RemoteAddr().String() == c.client.LocalAddr().String()) {
			c.server = in
		} else if err == nil {
			in.Close()
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
	c.listener.Close() // from here on, resets answer the probes
	return c
}

// say sends a byte there and one back.
func (c *conversation) say() error {
	for _, way := range [][2]net.Conn{{c.client, c.server}, {c.server, c.client}} {
		if _, err := way[0].Write([]byte("x")); err != nil {
			return err
		}
		if err := way[1].SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := way[1].Read(make([]byte, 1)); err != nil {
			return err
		}
	}
	return nil
}

func (c *conversation) end() {
	c.client.Close()
	c.server.Close()
}
