package nft

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, table *nft.Table) {
	t.Helper()
	file, got := filepath.Join("testdata", name+".nft"), table.String()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(got, string(want)); diff != "" {
		t.Errorf("%s (-got +want):\n%s", name, diff)
	}
}

func addrs(s ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// openACL lets everything pass.
func openACL(id world.NetworkACLID) fabric.ACL {
	all := []fabric.ACLRule{{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}
	return fabric.ACL{ID: id, Ingress: all, Egress: all}
}

// beyondVPC has, besides, a subnet whose ACL refuses some, one without an ACL, a peering, an uplink and a port without
// filter.
func beyondVPC() *fabric.VPC {
	v := goldenVPC()
	v.Subnets = append(v.Subnets, fabric.Subnet{ID: "subnet-0000000000000b", ACL: "acl-0000000000000000b"}, fabric.Subnet{ID: "subnet-0000000000000c"})
	v.ACLs = append(v.ACLs, fabric.ACL{
		ID: "acl-0000000000000000b", Egress: openACL("").Egress,
		Ingress: []fabric.ACLRule{
			{Number: 1, Protocol: world.TCP, Ports: world.PortRange{From: 22, To: 22}, CIDR: netip.MustParsePrefix("0.0.0.0/0")},
			{Number: 2, Allow: true, Protocol: world.TCP, Ports: world.AllPorts, CIDR: netip.MustParsePrefix("10.0.0.0/8")},
			{Number: 3, Allow: true, Protocol: world.ICMP, ICMP: world.ICMPMatch{Type: 8, Code: -1}, CIDR: netip.MustParsePrefix("10.0.0.9/32")},
			{Number: 4, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("2001:db8::/32")},
		},
	})
	v.Ports[1].Subnet, v.Ports[2].Subnet = "subnet-0000000000000b", "subnet-0000000000000c"
	v.Ports[3].Unfiltered, v.Ports[3].Groups = true, nil
	v.Peerings = []fabric.PeerLink{{ID: "pcx-00000000000000001", VPC: "vpc-2", CIDRs: prefixes("10.1.0.0/16", "10.1.1.0/24", "10.2.0.0/16")}}
	v.Uplink = &fabric.Uplink{Gateway: "igw-1", Addresses: []fabric.PublicAddress{{Private: addrs("10.0.0.10")[0], Public: addrs("198.18.1.1")[0]}}}
	return v
}

// goldenVPC has a web server, a database and a router appliance; rules that overlap, an unknown peer, and a link.
func goldenVPC() *fabric.VPC {
	any4 := prefixes("0.0.0.0/0")
	return &fabric.VPC{
		ID: "vpc-00000000000000001", Resolver: fabric.Resolver{Enabled: true, Addrs: addrs("10.0.0.2", "169.254.169.253")},
		Subnets: []fabric.Subnet{{ACL: "acl-0000000000000000a"}}, ACLs: []fabric.ACL{openACL("acl-0000000000000000a")},
		Groups: []fabric.Group{
			{ID: "sg-0000000000000000a", Members: addrs("10.0.0.10"), Egress: []fabric.Rule{{Protocol: world.AnyProtocol, CIDRs: any4}}, Ingress: []fabric.Rule{
				{Protocol: world.TCP, Ports: world.PortRange{From: 80, To: 80}, CIDRs: any4},
				{Protocol: world.TCP, Ports: world.PortRange{From: 79, To: 90}, CIDRs: prefixes("10.0.0.0/8", "192.0.2.0/24")},
				{Protocol: world.ICMP, ICMP: world.ICMPMatch{Type: 8, Code: -1}, CIDRs: any4},
				{Protocol: world.ICMP, ICMP: world.ICMPMatch{Type: -1, Code: -1}, CIDRs: prefixes("10.0.0.0/16")},
				{Protocol: 47, CIDRs: prefixes("10.0.1.0/24")},
			}},
			{ID: "sg-0000000000000000b", Members: addrs("10.0.1.10", "10.0.1.11"), Ingress: []fabric.Rule{
				{Protocol: world.TCP, Ports: world.PortRange{From: 5432, To: 5432}, Peer: "sg-0000000000000000a"},
				{Protocol: world.AnyProtocol, Peer: "sg-0000000000000000b"},
				{Protocol: world.ICMP, ICMP: world.ICMPMatch{Type: 3, Code: 4}, Peer: "sg-0000000000000000a"},
				{Protocol: world.TCP, Ports: world.AllPorts, Peer: "sg-00000000000unknown"},
			}},
		},
		Ports: []fabric.Port{
			{ENI: "eni-00000000000000001", Index: 1, Table: 1, Addrs: addrs("10.0.0.10"), Prefixes: prefixes("10.0.0.32/28"), SourceDestCheck: true, Groups: []world.SecurityGroupID{"sg-0000000000000000a"}},
			{ENI: "eni-00000000000000002", Index: 2, Table: 2, Addrs: addrs("10.0.1.10"), SourceDestCheck: true, Groups: []world.SecurityGroupID{"sg-0000000000000000b"}},
			{ENI: "eni-00000000000000003", Index: 3, Table: 2, Addrs: addrs("10.0.1.11"), Groups: []world.SecurityGroupID{"sg-0000000000000000a", "sg-0000000000000000b"}},
			{ENI: "eni-00000000000000004", Index: 4, Table: 1, Addrs: addrs("10.0.0.12"), SourceDestCheck: true},
		},
		Links: []fabric.Link{{Gateway: "rgw-00000000000000001", Index: 7}, {Gateway: "rgw-00000000000000002", Index: 7, Groups: []world.SecurityGroupID{"sg-0000000000000000a"}}},
	}
}

func TestRenderVPC(t *testing.T) { golden(t, "vpc", RenderVPC(goldenVPC())) }

// TestRenderBeyond prints ACLs and the ways out of a VPC.
func TestRenderBeyond(t *testing.T) { golden(t, "vpc_beyond", RenderVPC(beyondVPC())) }

// TestRenderNAT prints a NAT gateway with a second address.
func TestRenderNAT(t *testing.T) {
	golden(t, "nat", RenderNAT(&fabric.NAT{ID: "nat-1", Port: fabric.GatewayPort{ENI: "eni-1", Device: "eth0", Addrs: addrs("10.0.0.9", "10.0.0.8")}}))
}

// TestOpenACLsCostNothing: an ACL that lets everything pass, in a VPC without ways out, leaves no trace in the table.
func TestOpenACLsCostNothing(t *testing.T) {
	text := RenderVPC(goldenVPC()).String()
	for _, s := range []string{"acl", "leave_", "enter_"} {
		if strings.Contains(text, s) {
			t.Errorf("the table speaks of %q", s)
		}
	}
}

// TestKnownMeetTheHole: what is for an address that is gone is told, also of known connections.
func TestKnownMeetTheHole(t *testing.T) {
	_, known, ok := strings.Cut(RenderVPC(goldenVPC()).String(), "chain "+chainKnown+" {")
	known, _, _ = strings.Cut(known, "}")
	if !ok || !strings.Contains(known, `oifname "`+kernel.HoleDevice+`" log prefix "route"`) {
		t.Errorf("known connections pass this: %s", known)
	}
}

// TestOwnersOfPrefixes: who has a range has each of its addresses, whose connections end with that.
func TestOwnersOfPrefixes(t *testing.T) {
	o := owners{}.after(goldenVPC())
	for a, want := range map[string]string{"10.0.0.10": "eni-00000000000000001", "10.0.0.32": "eni-00000000000000001", "10.0.0.47": "eni-00000000000000001", "10.0.0.48": ""} {
		if got := o.ports[netip.MustParseAddr(a)]; got != want {
			t.Errorf("%s belongs to %q, want %q", a, got, want)
		}
	}
}

// TestRenderVPCWithIPv6 gives one port an IPv6 address and a rule for it.
func TestRenderVPCWithIPv6(t *testing.T) {
	v := goldenVPC()
	v.Ports[0].Addrs = append(v.Ports[0].Addrs, netip.MustParseAddr("2001:db8::10"))
	v.Groups[0].Members = append(v.Groups[0].Members, netip.MustParseAddr("2001:db8::10"))
	v.Groups[0].Ingress = append(v.Groups[0].Ingress, fabric.Rule{Protocol: world.TCP, Ports: world.PortRange{From: 443, To: 443}, CIDRs: prefixes("2001:db8::/32")})
	golden(t, "vpc6", RenderVPC(v))
}

func TestRenderGateway(t *testing.T) {
	golden(t, "gateway", RenderGateway(&fabric.Gateway{
		ID: "rgw-00000000000000001", VPC: "vpc-00000000000000002",
		Ports: []fabric.GatewayPort{
			{ENI: "eni-0000000000000000a", Device: "eth0", Addrs: addrs("10.0.0.33"), MTU: fabric.MTU},
			{ENI: "eni-0000000000000000b", Device: "eth1", Addrs: addrs("10.0.1.33", "10.0.1.34"), MTU: fabric.MTU},
		},
		Consumers: []fabric.Consumer{{VPC: "vpc-00000000000000001", Association: "snva-1", Index: 7, MTU: fabric.MTULattice}, {VPC: "vpc-00000000000000003", Association: "snva-2", Index: 300, MTU: fabric.MTULattice},
			{VPC: "vpc-00000000000000001", Endpoint: "vpce-1", Index: 8, MTU: fabric.MTULattice}, {VPC: "vpc-00000000000000003", Endpoint: "vpce-2", Index: 9, MTU: fabric.MTULattice}},
		Listeners: []fabric.Listener{
			{Addr: netip.MustParseAddr("129.224.0.1"), Target: netip.MustParseAddr("10.0.0.10"), Ports: []world.PortRange{{From: 5432, To: 5432}, {From: 80, To: 90}, {From: 88, To: 91}}},
			{Addr: netip.MustParseAddr("129.224.0.2"), Ports: []world.PortRange{{From: 443, To: 443}}},
			{Endpoint: "vpce-1", Addr: netip.MustParseAddr("10.0.0.200"), Target: netip.MustParseAddr("10.0.0.10"), Ports: []world.PortRange{{From: 5432, To: 5432}, {From: 80, To: 90}}},
			{Endpoint: "vpce-2", Addr: netip.MustParseAddr("10.0.0.200"), Target: netip.MustParseAddr("10.0.0.11"), Ports: []world.PortRange{{From: 22, To: 22}}},
		},
	}))
}

// TestGatewayWithoutPorts cannot send connections anywhere, and refuses them.
func TestGatewayWithoutPorts(t *testing.T) {
	golden(t, "gateway_without_ports", RenderGateway(&fabric.Gateway{ID: "rgw-00000000000000001"}))
}

// A load balancer with two nodes, one of them without a target, and an endpoint that leads to both.
func TestRenderBalancerGolden(t *testing.T) {
	at, to := netip.MustParseAddr, netip.MustParseAddrPort
	golden(t, "balancer", RenderGateway(&fabric.Gateway{
		ID: "nlb-0000000000000001",
		Ports: []fabric.GatewayPort{
			{ENI: "eni-1", Device: "eth4", Addrs: []netip.Addr{at("10.0.0.4")}, MTU: 9001},
			{ENI: "eni-2", Device: "eth5", Addrs: []netip.Addr{at("10.0.1.4")}, MTU: 9001},
		},
		Consumers: []fabric.Consumer{{VPC: "vpc-2", Endpoint: "vpce-1", Index: 7, MTU: 8500}},
		Balancer: &fabric.Balancer{ID: "nlb-0000000000000001", Fronts: []fabric.Front{
			{Addr: at("10.0.0.4"), Port: 80, Receivers: []netip.AddrPort{to("10.0.0.9:8080"), to("10.0.1.9:8080")}},
			{Addr: at("10.0.1.4"), Port: 80, Node: 1},
			{Endpoint: "vpce-1", Addr: at("10.0.0.40"), Port: 80, Receivers: []netip.AddrPort{to("10.0.0.9:8080"), to("10.0.1.9:8080")}},
			{Endpoint: "vpce-1", Addr: at("10.0.1.40"), Port: 80, Node: 1},
		}},
	}))
}

// TestGatewayDifferencesEqualReplacing changes a gateway in steps and compares the kernel's table with a fresh load.
func TestGatewayDifferencesEqualReplacing(t *testing.T) {
	path := namespaces(t, "stepwise", "fresh")
	d := New(path)
	defer d.Close()
	g := fabric.Gateway{}
	grow := []func(){
		func() { g.Consumers = append(g.Consumers, fabric.Consumer{Index: 7}) },
		func() {
			g.Ports = append(g.Ports, fabric.GatewayPort{ENI: "eni-1", Device: "eth0", Addrs: addrs("10.0.0.33")})
		},
		func() {
			g.Listeners = append(g.Listeners, fabric.Listener{Addr: netip.MustParseAddr("129.224.0.1"), Target: netip.MustParseAddr("10.0.0.10"), Ports: []world.PortRange{{From: 80, To: 81}}})
		},
		func() {
			g.Ports = append(g.Ports, fabric.GatewayPort{ENI: "eni-2", Device: "eth1", Addrs: addrs("10.0.1.33", "10.0.1.34")})
		},
		func() {
			g.Consumers = append(g.Consumers, fabric.Consumer{Endpoint: "vpce-1", Index: 9})
			g.Listeners = append(g.Listeners, fabric.Listener{Endpoint: "vpce-1", Addr: netip.MustParseAddr("10.0.0.9"), Target: netip.MustParseAddr("10.0.0.10"), Ports: []world.PortRange{{From: 22, To: 22}}})
		},
		func() { g.Listeners[0].Target = netip.MustParseAddr("10.0.0.11") },
		func() { g.Consumers[0].Index = 8 },
		func() { g.Ports = g.Ports[:1] },
		func() { g.Listeners = nil },
		func() { g.Ports, g.Consumers = nil, nil },
	}
	for i, step := range grow {
		step()
		g.ID = "stepwise"
		if err := d.ApplyGateway(t.Context(), &g); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		fresh := New(path)
		defer fresh.Close()
		g.ID = "fresh"
		if err := fresh.ApplyGateway(t.Context(), &g); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if diff := gocmp.Diff(list(t, path("stepwise")), list(t, path("fresh"))); diff != "" {
			t.Errorf("step %d: (-stepwise +fresh):\n%s", i, diff)
		}
	}
}

// TestMemoryIsPrinting: whatever changes, what takes over what was printed before is what prints everything.
func TestMemoryIsPrinting(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var m memory
	v := beyondVPC()
	for n := range 500 {
		v = mutated(r, v)
		got, want := m.print(v), RenderVPC(v)
		for _, table := range []*nft.Table{got, want} {
			slices.SortFunc(table.Sets, func(a, b nft.Set) int { return cmp.Compare(a.Name, b.Name) })
			slices.SortFunc(table.Chains, func(a, b nft.Chain) int { return cmp.Compare(a.Name, b.Name) })
		}
		if d := gocmp.Diff(want.String(), got.String()); d != "" {
			t.Fatalf("change %d: -want +got\n%s", n, d)
		}
	}
}

// mutated is a VPC with something changed, and the rest taken over.
func mutated(r *rand.Rand, was *fabric.VPC) *fabric.VPC {
	v := *was
	g, p := r.IntN(len(v.Groups)), r.IntN(len(v.Ports))
	anybody := fabric.Rule{Protocol: world.TCP, Ports: world.PortRange{From: 80, To: uint16(80 + r.IntN(99))}, CIDRs: prefixes("0.0.0.0/0")}
	switch n := r.IntN(11); n {
	case 0, 1, 2, 3:
		v.Groups = slices.Clone(v.Groups)
		group := &v.Groups[g]
		switch n {
		case 0:
			group.Ingress = append(slices.Clip(group.Ingress), anybody)
		case 1:
			group.Egress = []fabric.Rule{{Protocol: world.AnyProtocol, Peer: v.Groups[r.IntN(len(v.Groups))].ID}}
		case 2:
			group.Ingress = []fabric.Rule{anybody, {Protocol: world.UDP, Ports: world.AllPorts, Peer: v.Groups[r.IntN(len(v.Groups))].ID}}
		case 3:
			group.Members = addrs(fmt.Sprintf("10.0.0.%d", r.IntN(99)))
		}
	case 4:
		v.Groups = append(slices.Clip(v.Groups), fabric.Group{ID: world.SecurityGroupID(fmt.Sprintf("sg-%d", r.IntN(5)))})
		slices.SortFunc(v.Groups, func(a, b fabric.Group) int { return cmp.Compare(a.ID, b.ID) })
		v.Groups = slices.CompactFunc(v.Groups, func(a, b fabric.Group) bool { return a.ID == b.ID })
	case 5:
		if len(v.Groups) > 1 {
			v.Groups = slices.Delete(slices.Clone(v.Groups), g, g+1)
		}
	case 6:
		v.Ports = slices.Clone(v.Ports)
		v.Ports[p].Groups = []world.SecurityGroupID{v.Groups[g].ID}
	case 7:
		v.Ports = slices.Clone(v.Ports)
		v.Ports[p].SourceDestCheck = !v.Ports[p].SourceDestCheck
	case 8:
		v.Links = []fabric.Link{{Gateway: "rgw-00000000000000001", Groups: []world.SecurityGroupID{v.Groups[g].ID}}}
	case 9:
		v.ACLs = []fabric.ACL{openACL("acl-0000000000000000a"), {ID: "acl-0000000000000000b", Ingress: openACL("").Ingress}}[:1+r.IntN(2)]
	case 10:
		if v.Peerings, v.Uplink = nil, nil; r.IntN(2) == 0 {
			v.Peerings, v.Uplink = beyondVPC().Peerings, beyondVPC().Uplink
		}
	}
	return &v
}
