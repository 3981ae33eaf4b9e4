package flow_test

import (
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// reuse lets a test bind the same port again at once.
func reuse(_, _ string, c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) }); cerr != nil {
		return cerr
	}
	return err
}

// everything allows all protocols with the whole of IPv4.
func everything() []fabric.Rule {
	return []fabric.Rule{{ID: "sgr-0", Protocol: world.AnyProtocol, CIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}
}

// cidr allows a protocol and ports with ranges.
func cidr(p world.Protocol, from, to uint16, ranges ...string) fabric.Rule {
	r := fabric.Rule{Protocol: p, Ports: world.PortRange{From: from, To: to}, ICMP: world.ICMPMatch{Type: -1, Code: -1}}
	for _, s := range ranges {
		r.CIDRs = append(r.CIDRs, netip.MustParsePrefix(s))
	}
	return r
}

// peer allows a protocol and ports with the members of a group.
func peer(p world.Protocol, from, to uint16, group world.SecurityGroupID) fabric.Rule {
	r := cidr(p, from, to)
	r.Peer = group
	return r
}

func TestSecurityGroups(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	v := vpc("vpc-groups", fabric.Group{ID: "sg-client", Egress: everything()},
		fabric.Group{ID: "sg-closed"},
		fabric.Group{ID: "sg-server", Ingress: []fabric.Rule{
			peer(world.TCP, 80, 81, "sg-client"), cidr(world.TCP, 0, 65535, "10.0.0.12/31"), cidr(world.TCP, 443, 443, "10.0.0.0/24"),
			peer(world.TCP, 7000, 7000, "sg-unknown"),
		}})
	f.VPCs = []*fabric.VPC{v}
	host(f, v, "i-a", "10.0.0.10", "sg-client")
	server, c := host(f, v, "i-s", "10.0.0.11", "sg-server"), host(f, v, "i-c", "10.0.0.12", "sg-closed")
	sENI, cENI := server.ENI, c.ENI
	host(f, v, "i-d", "10.0.0.13", "sg-client", "sg-closed")
	n.apply(f)
	for _, p := range []uint16{80, 82, 443, 7000} {
		n.listen("i-s", p)
	}
	sgIn := fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: sENI}
	n.expectOpen("i-a", "10.0.0.11:80")
	n.expectOpen("i-a", "10.0.0.11:443")
	n.expectRefused("i-a", "10.0.0.11:82", sgIn)
	n.expectRefused("i-a", "10.0.0.11:7000", sgIn)
	n.expectOpen("i-d", "10.0.0.11:82")
	n.expectOpen("i-d", "10.0.0.11:7000")
	n.expectRefused("i-c", "10.0.0.11:443", fabric.Origin{Station: fabric.SGOut, VPC: v.ID, ENI: cENI})
	n.expectRefused("i-s", "10.0.0.10:443", fabric.Origin{Station: fabric.SGOut, VPC: v.ID, ENI: sENI})
	n.expectRefused("i-a", "10.0.0.99:80", fabric.Origin{Station: fabric.NoRoute, VPC: v.ID})
	n.expectRefused("i-a", "192.0.2.1:80", fabric.Origin{Station: fabric.NoRoute, VPC: v.ID})
	n.send("i-a", "10.0.0.11:53")
	n.expectRefusal(func(f fabric.Flow) bool {
		return f.Protocol == world.UDP && f.DstPort == 53 && f.Src == addr("10.0.0.10")
	}, sgIn, deadline())
	n.ping("i-a", "10.0.0.11")
	n.expectRefusal(func(f fabric.Flow) bool { return f.ICMP == world.ICMPMatch{Type: 8} }, sgIn, deadline())
}

// TestRuleChangesUnderTraffic takes a rule away: the connection that was there goes on, a new one is refused.
func TestRuleChangesUnderTraffic(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	v := vpc("vpc-change", fabric.Group{ID: "sg-1", Egress: everything(), Ingress: []fabric.Rule{cidr(world.TCP, 80, 80, "10.0.0.0/8")}})
	f.VPCs = []*fabric.VPC{v}
	host(f, v, "i-a", "10.0.0.10", "sg-1")
	eni := host(f, v, "i-b", "10.0.0.11", "sg-1").ENI
	n.apply(f)
	n.listen("i-b", 80)
	c, _ := n.expectOpen("i-a", "10.0.0.11:80")
	echo := func() {
		t.Helper()
		if _, err := c.Write([]byte("still there\n")); err != nil {
			t.Fatal(err)
		}
		if got := n.greeting(c); got != "still there" {
			t.Fatalf("echo is %q", got)
		}
	}
	for range 3 {
		v.Groups[0].Ingress = nil
		n.apply(f)
		echo()
		n.expectRefused("i-a", "10.0.0.11:80", fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: eni})
		v.Groups[0].Ingress = []fabric.Rule{peer(world.TCP, 80, 80, "sg-1")}
		n.apply(f)
		n.expectOpen("i-a", "10.0.0.11:80")
		echo()
	}
}

// TestSourceAndDestination lets a host speak with addresses that are not its own.
func TestSourceAndDestination(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	v := vpc("vpc-spoof", fabric.Group{ID: "sg-1", Egress: everything(), Ingress: everything()})
	f.VPCs = []*fabric.VPC{v}
	a := host(f, v, "i-a", "10.0.0.10", "sg-1")
	a.Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.32/28")}
	aENI := a.ENI
	b := host(f, v, "i-b", "10.0.0.11", "sg-1")
	bENI := b.ENI
	v.Tables[0].Routes = []fabric.Route{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Port: b.Index}}
	n.apply(f)
	from := func(src string) {
		t.Helper()
		n.pingFrom("i-a", src, "10.0.0.11")
	}
	spoof := fabric.Origin{Station: fabric.Spoof, VPC: v.ID, ENI: aENI}
	for _, src := range []string{"10.0.0.9", "10.0.0.48", "198.51.100.7"} {
		from(src)
		n.expectRefusal(func(f fabric.Flow) bool { return f.Src == addr(src) }, spoof, deadline())
	}
	toB := fabric.Origin{Station: fabric.DestCheck, VPC: v.ID, ENI: bENI}
	n.ping("i-a", "192.0.2.5")
	n.expectRefusal(func(f fabric.Flow) bool { return f.Dst == addr("192.0.2.5") }, toB, deadline())
	// What the prefix holds is the port's own; a port without the check may say and hear what it likes.
	v.Ports[1].SourceDestCheck = false
	n.apply(f)
	seen := n.sniff("i-b")
	from("10.0.0.40")
	n.ping("i-a", "192.0.2.5")
	for _, want := range []fabric.Flow{{Src: addr("10.0.0.40"), Dst: addr("10.0.0.11")}, {Src: addr("10.0.0.10"), Dst: addr("192.0.2.5")}} {
		if !seen(want.Src, want.Dst) {
			t.Errorf("%v did not arrive", want)
		}
	}
	v.Ports[0].SourceDestCheck = false
	n.apply(f)
	from("198.51.100.7")
	if !seen(addr("198.51.100.7"), addr("10.0.0.11")) {
		t.Error("unchecked source did not arrive")
	}
}

// ping sends an echo request from a host's own address.
func (n *network) ping(host, to string) { n.pingFrom(host, "", to) }

// pingFrom sends an echo request with any source address (RFC 792), without waiting for the reply.
func (n *network) pingFrom(host, from, to string) {
	n.t.Helper()
	icmp := []byte{8, 0, 0xf7, 0xfe, 0, 0, 0, 1}
	dst := addr(to).As4()
	err := kernel.In(n.path(host), func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		p := make([]byte, 20, 28)
		p[0], p[3], p[8], p[9] = 0x45, 28, 64, unix.IPPROTO_ICMP
		if from != "" {
			copy(p[12:], addr(from).AsSlice())
		}
		copy(p[16:], dst[:])
		return unix.Sendto(fd, append(p, icmp...), 0, &unix.SockaddrInet4{Addr: dst})
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// sniff watches what arrives at a host. The function it returns waits for a packet with the addresses, and reports
// false when none came in time.
func (n *network) sniff(host string) func(src, dst netip.Addr) bool {
	n.t.Helper()
	var fd int
	err := kernel.In(n.path(host), func() (err error) {
		const allIP = unix.ETH_P_IP<<8&0xff00 | unix.ETH_P_IP>>8 // in network order
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, allIP)
		if err != nil {
			return err
		}
		return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(patience.Seconds())})
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { unix.Close(fd) })
	return func(src, dst netip.Addr) bool {
		b := make([]byte, 2048)
		for {
			k, _, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				return false
			}
			if k >= 20 && netip.AddrFrom4([4]byte(b[12:])) == src && netip.AddrFrom4([4]byte(b[16:])) == dst {
				return true
			}
		}
	}
}

// TestRepliesAndServices lets a host be answered: by another host over UDP and ICMP, and by the router itself.
func TestRepliesAndServices(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	echo := cidr(world.ICMP, 0, 0, "10.0.0.10/32")
	echo.ICMP = world.ICMPMatch{Type: 8, Code: -1}
	v := vpc("vpc-reply", fabric.Group{ID: "sg-1", Egress: everything()},
		fabric.Group{ID: "sg-2", Ingress: []fabric.Rule{echo, cidr(world.UDP, 5000, 6000, "10.0.0.0/24")}})
	f.VPCs = []*fabric.VPC{v}
	host(f, v, "i-a", "10.0.0.10", "sg-1")
	host(f, v, "i-b", "10.0.0.11", "sg-2")
	n.apply(f)
	arrives := n.sniff("i-a")
	n.ping("i-a", "10.0.0.11")
	if !arrives(addr("10.0.0.11"), addr("10.0.0.10")) {
		t.Error("no echo reply")
	}
	for where, at := range map[string]string{"i-b": "10.0.0.11:5353", string(v.ID): "10.0.0.2:53"} {
		l, err := kernel.ListenUDP(n.path(where), netip.MustParseAddrPort(at))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		n.send("i-a", at)
		b := make([]byte, 64)
		l.SetDeadline(time.Now().Add(patience))
		_, from, err := l.ReadFromUDPAddrPort(b)
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		if _, err := l.WriteToUDPAddrPort([]byte("hi"), from); err != nil || !arrives(netip.MustParseAddrPort(at).Addr(), addr("10.0.0.10")) {
			t.Errorf("no reply from %s: %v", at, err)
		}
	}
	n.listen(string(v.ID), 80)
	n.expectOpen("i-a", fabric.MetadataAddr.String()+":80")
	n.expectOpen("i-b", fabric.MetadataAddr.String()+":80") // though its groups let nothing out
	n.send("i-a", fabric.MetadataAddr.String()+":81")
	n.expectRefusal(func(f fabric.Flow) bool { return f.Dst == fabric.MetadataAddr }, fabric.Origin{Station: fabric.Router, VPC: v.ID}, deadline())
}

// TestAddressChangesHands gives the address of a port to another one: what the former owner had connected is judged anew.
func TestAddressChangesHands(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	v := vpc("vpc-hands", fabric.Group{ID: "sg-1", Egress: everything(), Ingress: everything()}, fabric.Group{ID: "sg-2"})
	f.VPCs = []*fabric.VPC{v}
	host(f, v, "i-a", "10.0.0.10", "sg-1")
	host(f, v, "i-b", "10.0.0.11", "sg-1")
	host(f, v, "i-c", "10.0.0.12", "sg-1")
	n.apply(f)
	n.listen("i-b", 80)
	n.listen("i-c", 80)
	c, _ := n.expectOpen("i-a", "10.0.0.11:80")
	other, _ := n.expectOpen("i-a", "10.0.0.12:80")
	after := *v
	after.Ports = slices.Clone(v.Ports)
	after.Ports[1].ENI, after.Ports[1].Groups = "eni-of-somebody-else00", []world.SecurityGroupID{"sg-2"}
	n.apply(&fabric.Fabric{VPCs: []*fabric.VPC{&after}, Hosts: f.Hosts})
	c.Write([]byte("are you still there?\n"))
	n.expectRefusal(func(f fabric.Flow) bool { return f.Protocol == world.TCP && f.Dst == addr("10.0.0.11") },
		fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: after.Ports[1].ENI}, deadline())
	other.Write([]byte("still there\n"))
	if got := n.greeting(other); got != "still there" {
		t.Errorf("echo is %q", got)
	}
}
