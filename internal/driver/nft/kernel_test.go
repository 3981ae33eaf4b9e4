package nft

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// needRoot ends a test that needs namespaces where there can be none; continuous integration must have them.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("not root: this test needs network namespaces")
	}
	t.Skip("NOT RUN: not root, and this test needs network namespaces")
}

// namespaces makes empty network namespaces and returns the function from name to path.
func namespaces(t testing.TB, names ...string) func(string) string {
	t.Helper()
	needRoot(t)
	run := t.TempDir()
	if err := kernel.MountDir(kernel.Dir(run)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kernel.UnmountDir(kernel.Dir(run)); err != nil {
			t.Error(err)
		}
	})
	for _, n := range names {
		path := kernel.Path(run, n)
		if _, err := kernel.Create(path, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := kernel.Delete(path); err != nil {
				t.Error(err)
			}
		})
	}
	return func(n string) string { return kernel.Path(run, n) }
}

func list(t testing.TB, path string) string {
	t.Helper()
	c, err := nft.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text, err := c.List(TableName)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestDifferencesEqualReplacing walks from one random VPC to the next, sending differences only, and compares what the
// kernel holds with a fresh load of the same.
func TestDifferencesEqualReplacing(t *testing.T) {
	path := namespaces(t, "stepwise", "fresh")
	ctx, d := context.Background(), New(path)
	defer d.Close()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for range 40 {
		v := randomVPC(random)
		v.ID = "stepwise"
		if err := d.ApplyVPC(ctx, v); err != nil {
			t.Fatal(err)
		}
		fresh := New(path)
		defer fresh.Close()
		v.ID = "fresh"
		if err := fresh.ApplyVPC(ctx, v); err != nil {
			t.Fatal(err)
		}
		if got, want := list(t, path("stepwise")), list(t, path("fresh")); got != want {
			t.Fatalf("differences lead to\n%s\na fresh load to\n%s", got, want)
		}
	}
}

func randomVPC(r *rand.Rand) *fabric.VPC {
	v := &fabric.VPC{Resolver: fabric.Resolver{Enabled: r.IntN(2) == 0, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}}
	groups := 1 + r.IntN(5)
	for i := range groups {
		g := fabric.Group{ID: world.SecurityGroupID(fmt.Sprintf("sg-%017x", i))}
		for range r.IntN(8) {
			g.Ingress = append(g.Ingress, randomRule(r))
		}
		for range r.IntN(8) {
			g.Egress = append(g.Egress, randomRule(r))
		}
		v.Groups = append(v.Groups, g)
	}
	for i, id := range []world.SubnetID{"subnet-a", "subnet-b", "subnet-c"} {
		a := openACL(world.NetworkACLID(fmt.Sprintf("acl-%d", i)))
		if i > 0 {
			a.Ingress, a.Egress = randomACL(r), randomACL(r)
		}
		v.ACLs = append(v.ACLs, a)
		v.Subnets = append(v.Subnets, fabric.Subnet{ID: id, ACL: a.ID})
	}
	for i := range r.IntN(8) {
		p := fabric.Port{
			Subnet: v.Subnets[r.IntN(3)].ID, Unfiltered: r.IntN(6) == 0,
			ENI: world.ENIID(fmt.Sprintf("eni-%017x", i)), Index: uint32(i + 1), Table: 1 + uint32(r.IntN(2)),
			Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(2)), byte(i + 10)})}, SourceDestCheck: r.IntN(3) > 0,
		}
		if r.IntN(2) == 0 {
			p.Prefixes = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 9, byte(i * 16)}), 28)}
		}
		for g := range groups {
			if r.IntN(2) == 0 {
				p.Groups = append(p.Groups, v.Groups[g].ID)
				v.Groups[g].Members = append(v.Groups[g].Members, p.Addrs...)
			}
		}
		v.Ports = append(v.Ports, p)
	}
	if r.IntN(2) == 0 {
		v.Links = append(v.Links, fabric.Link{Gateway: "rgw-0123456789abcdef0", Index: 1, Groups: []world.SecurityGroupID{v.Groups[0].ID}})
	}
	if r.IntN(2) == 0 {
		v.Peerings = append(v.Peerings, fabric.PeerLink{ID: "pcx-0123456789abcdef0", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.7.0.0/16")}})
	}
	if r.IntN(2) == 0 {
		v.Uplink = &fabric.Uplink{}
		for _, p := range v.Ports {
			if r.IntN(2) == 0 {
				public := netip.AddrFrom4([4]byte{198, 18, 1, byte(p.Index)})
				v.Uplink.Addresses = append(v.Uplink.Addresses, fabric.PublicAddress{Private: p.Addrs[0], Public: public})
			}
		}
	}
	return v
}

// randomACL has a few numbered rules, and now and then one for the rest.
func randomACL(r *rand.Rand) []fabric.ACLRule {
	var out []fabric.ACLRule
	for n := range r.IntN(5) {
		rule := randomRule(r)
		if rule.Protocol != world.ICMP {
			rule.ICMP = world.ICMPMatch{}
		}
		a := netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(2)), byte(r.IntN(20))})
		c := netip.PrefixFrom(a, []int{0, 8, 24, 30, 32}[r.IntN(5)]).Masked()
		out = append(out, fabric.ACLRule{Number: n + 1, Allow: r.IntN(3) > 0, Protocol: rule.Protocol, Ports: rule.Ports, ICMP: rule.ICMP, CIDR: c})
	}
	if r.IntN(2) == 0 {
		out = append(out, fabric.ACLRule{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
	}
	return out
}

func randomRule(r *rand.Rand) fabric.Rule {
	rule := fabric.Rule{Protocol: []world.Protocol{world.AnyProtocol, world.TCP, world.TCP, world.UDP, world.ICMP, 47}[r.IntN(6)]}
	if rule.Protocol.HasPorts() {
		rule.Ports.From = uint16(r.IntN(6)) * 100
		rule.Ports.To = rule.Ports.From + uint16(r.IntN(4)*100)
	}
	rule.ICMP = world.ICMPMatch{Type: []int{-1, 0, 8}[r.IntN(3)], Code: r.IntN(2) - 1}
	if rule.ICMP.Type < 0 {
		rule.ICMP.Code = -1
	}
	if r.IntN(4) == 0 {
		rule.Peer = world.SecurityGroupID(fmt.Sprintf("sg-%017x", r.IntN(6)))
		return rule
	}
	for range 1 + r.IntN(3) {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(2)), byte(r.IntN(4))}), []int{0, 8, 16, 24, 31, 32}[r.IntN(6)])
		rule.CIDRs = append(rule.CIDRs, p.Masked())
	}
	return rule
}
