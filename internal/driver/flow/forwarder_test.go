package flow_test

import (
	"net/netip"
	"slices"
	"testing"

	"kumiko/internal/driver/flow"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// triangle is a VPC of three subnets: i-a and i-b speak by i-m, which forwards, where their tables say so.
func triangle(f *fabric.Fabric, id string, groups ...fabric.Group) (v *fabric.VPC, m, b world.ENIID) {
	v = vpc(id, groups...)
	for i, s := range []string{"10.0.1.", "10.0.2."} {
		v.Subnets = append(v.Subnets, fabric.Subnet{
			ID: world.SubnetID("subnet-" + s + id), CIDR: netip.MustParsePrefix(s + "0/24"), Gateway: addr(s + "1"), Table: uint32(i + 2), ACL: "acl-open",
		})
		v.Tables = append(v.Tables, fabric.Table{ID: world.RouteTableID("rtb-" + s + id), Index: uint32(i + 2)})
	}
	f.VPCs = append(f.VPCs, v)
	host(f, v, "i-a", "10.0.0.10", "sg-a")
	m = host(f, v, "i-m", "10.0.1.10", "sg-m").ENI
	b = host(f, v, "i-b", "10.0.2.10", "sg-b").ENI
	for i := range v.Ports {
		s := v.Subnets[i]
		v.Ports[i].Subnet, v.Ports[i].Table, v.Ports[i].Router = s.ID, s.Table, s.Gateway
	}
	v.Ports[1].SourceDestCheck = false
	return v, m, b
}

// by leads a table's packets for a range to the port with the index.
func by(v *fabric.VPC, table int, cidr string, port uint32) {
	v.Tables[table].Within = []fabric.Route{{Prefix: netip.MustParsePrefix(cidr), Port: port}}
}

// forward makes a host forward what is not for it.
func (n *network) forward(host, on string) {
	n.t.Helper()
	if err := kernel.SetSysctls(n.path(host), []kernel.Sysctl{
		{Name: "ipv4/ip_forward", Value: on}, {Name: "ipv4/conf/all/send_redirects", Value: "0"}, {Name: "ipv4/conf/eth0/send_redirects", Value: "0"},
	}); err != nil {
		n.t.Fatal(err)
	}
}

// TestForwarderKnowsItsOwn: the groups of an interface that forwards track connections by themselves. What they let pass is answered through
// them; an answer to what went another way is new to them.
func TestForwarderKnowsItsOwn(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	web := cidr(world.TCP, 80, 80, "10.0.0.0/24")
	v, m, _ := triangle(f, "vpc-knows", fabric.Group{ID: "sg-a", Egress: everything()}, fabric.Group{ID: "sg-b", Ingress: everything()},
		fabric.Group{ID: "sg-m", Ingress: []fabric.Rule{web}, Egress: []fabric.Rule{cidr(world.TCP, 80, 80, "10.0.2.0/24")}})
	by(v, 0, "10.0.2.0/24", 2)
	by(v, 2, "10.0.0.0/24", 2)
	n.apply(f)
	n.forward("i-m", "1")
	n.listen("i-b", 80)
	n.listen("i-b", 81)
	atM := fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: m}
	c, _ := n.expectOpen("i-a", "10.0.2.10:80")
	n.expectRefused("i-a", "10.0.2.10:81", atM)
	// Only answers go by i-m now. It knows the first connection, not the next one.
	v.Tables[0].Within = nil
	n.apply(f)
	if c.Write([]byte("still there\n")); n.greeting(c) != "still there" {
		t.Error("an answer that i-m knows did not pass it")
	}
	answer := func(f fabric.Flow) bool { return f.Src == addr("10.0.2.10") && f.SrcPort == 81 }
	n.during("i-a", "10.0.2.10:81", func(done <-chan struct{}) { n.expectRefusal(answer, atM, done) })
	v.Groups[2].Ingress = append(v.Groups[2].Ingress, cidr(world.TCP, 1024, 65535, "10.0.2.0/24"))
	v.Groups[2].Egress = everything()
	n.apply(f)
	n.expectOpen("i-a", "10.0.2.10:81")
	// A checked interface takes no answers of others, once its groups let them in.
	v.Ports[1].SourceDestCheck = true
	n.apply(f)
	n.during("i-a", "10.0.2.10:80", func(done <-chan struct{}) {
		n.expectRefusal(func(f fabric.Flow) bool { return f.SrcPort == 80 }, fabric.Origin{Station: fabric.DestCheck, VPC: v.ID, ENI: m}, done)
	})
}

// TestAstray: what a forwarder swallowed has not been to its end, whose groups judge the end's own packets, though they look like answers.
func TestAstray(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	v, _, b := triangle(f, "vpc-stray", fabric.Group{ID: "sg-a", Egress: everything()}, fabric.Group{ID: "sg-b"},
		fabric.Group{ID: "sg-m", Ingress: everything(), Egress: everything()})
	by(v, 0, "10.0.2.0/24", 2)
	n.apply(f)
	n.forward("i-m", "0")
	swallowed, arrives := n.sniff("i-m"), n.sniff("i-a")
	ask := n.datagram
	ask("i-a", "10.0.0.10:5000", "10.0.2.10:6000")
	if !swallowed(addr("10.0.0.10"), addr("10.0.2.10")) {
		t.Fatal("nothing came to i-m")
	}
	ask("i-b", "10.0.2.10:6000", "10.0.0.10:5000")
	n.expectRefusal(func(f fabric.Flow) bool { return f.Src == addr("10.0.2.10") }, fabric.Origin{Station: fabric.SGOut, VPC: v.ID, ENI: b}, deadline())
	// Nor do they let in what comes the straight way later.
	v.Tables[0].Within = nil
	n.apply(f)
	ask("i-a", "10.0.0.10:5000", "10.0.2.10:6000")
	n.expectRefusal(func(f fabric.Flow) bool { return f.Dst == addr("10.0.2.10") }, fabric.Origin{Station: fabric.SGIn, VPC: v.ID, ENI: b}, deadline())
	v.Groups[1].Egress = everything()
	n.apply(f)
	ask("i-b", "10.0.2.10:6000", "10.0.0.10:5000")
	if !arrives(addr("10.0.2.10"), addr("10.0.0.10")) {
		t.Error("what the groups let out did not arrive")
	}
}

// TestForwardedCounts: each interface is told what it sent and got, also where one forwards.
func TestForwardedCounts(t *testing.T) {
	n := newNetwork(t)
	f := &fabric.Fabric{}
	all := fabric.Group{Ingress: everything(), Egress: everything()}
	groups := []fabric.Group{all, all, all}
	groups[0].ID, groups[1].ID, groups[2].ID = "sg-a", "sg-b", "sg-m"
	v, m, b := triangle(f, "vpc-count", groups...)
	a := v.Ports[0].ENI
	by(v, 0, "10.0.2.0/24", 2)
	n.apply(f)
	n.forward("i-m", "1")
	if err := n.flow.Account([]world.VPCID{v.ID}); err != nil {
		t.Fatal(err)
	}
	arrives, answered := n.sniff("i-b"), n.sniff("i-a")
	for range 5 {
		n.datagram("i-a", "10.0.0.10:5000", "10.0.2.10:6000")
		if !arrives(addr("10.0.0.10"), addr("10.0.2.10")) {
			t.Fatal("nothing arrived")
		}
	}
	for range 3 { // straight back
		n.datagram("i-b", "10.0.2.10:6000", "10.0.0.10:5000")
		if !answered(addr("10.0.2.10"), addr("10.0.0.10")) {
			t.Fatal("no answer arrived")
		}
	}
	passed, _, err := n.flow.Traffic(v.ID)
	if err != nil {
		t.Fatal(err)
	}
	type way struct{ from, to world.ENIID }
	got := map[way]uint64{}
	for _, x := range passed {
		if x.Protocol != world.UDP { // nobody listens, and that is said too
			continue
		}
		got[way{x.Sender, x.Receiver}] += x.Sent.Packets
		got[way{x.Receiver, x.Sender}] += x.Answered.Packets
	}
	for w, want := range map[way]uint64{{a, m}: 5, {m, b}: 5, {b, a}: 3, {a, b}: 0, {m, a}: 0, {b, m}: 0} {
		if got[w] != want {
			t.Errorf("%s sent %s %d packets, want %d: %+v", w.from, w.to, got[w], want, passed)
		}
	}
	if again, _, err := n.flow.Traffic(v.ID); err != nil || len(again) > 0 {
		t.Errorf("told twice: %+v, %v", again, err)
	}
	// What an interface did is told after it forwards no more, and has gone.
	n.datagram("i-a", "10.0.0.10:5000", "10.0.2.10:6000")
	if !arrives(addr("10.0.0.10"), addr("10.0.2.10")) {
		t.Fatal("nothing arrived")
	}
	checked := *v
	checked.Ports = slices.Clone(v.Ports)
	checked.Ports[1].SourceDestCheck = true
	n.apply(&fabric.Fabric{VPCs: []*fabric.VPC{&checked}, Hosts: f.Hosts})
	after := *v
	after.Ports = []fabric.Port{v.Ports[0], v.Ports[2]}
	n.apply(&fabric.Fabric{VPCs: []*fabric.VPC{&after}, Hosts: []*fabric.Host{f.Hosts[0], f.Hosts[2]}})
	passed, _, err = n.flow.Traffic(v.ID)
	if err != nil || !slices.ContainsFunc(passed, func(x flow.Traffic) bool { return x.Sender == m && x.Receiver == b && x.Sent.Packets == 1 }) {
		t.Errorf("of %s is told %+v, %v", m, passed, err)
	}
}
