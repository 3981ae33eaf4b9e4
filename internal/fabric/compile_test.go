package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/world"
)

var caller = world.Caller{Account: world.DefaultAccount, Region: "us-east-1"}

func begin() *world.Tx {
	return world.Begin(world.World{}, time.Unix(0, 0).UTC(), rand.NewChaCha8([32]byte{}))
}

func putVPC(tx *world.Tx, id world.VPCID, cidr string) world.VPC {
	v := world.VPC{ID: id, Meta: tx.NewMeta(caller, nil), DNSSupport: true, DNSHostnames: true, CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix(cidr)}}}
	tx.VPCs.Put(v)
	tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID("rtb-" + string(id)), Meta: v.Meta, VPC: id, Index: 1, Main: true})
	return v
}

func putSubnet(tx *world.Tx, v world.VPC, cidr string) world.Subnet {
	s := world.Subnet{ID: world.SubnetID(tx.NewID("subnet")), Meta: v.Meta, VPC: v.ID, CIDR: netip.MustParsePrefix(cidr)}
	tx.Subnets.Put(s)
	return s
}

func putInstance(tx *world.Tx, s world.Subnet, addr string, groups ...world.SecurityGroupID) world.ENI {
	i := world.Instance{ID: world.InstanceID(tx.NewID("i")), Meta: s.Meta, VPC: s.VPC, Subnet: s.ID, Power: world.Running, Boot: 1}
	tx.Instances.Put(i)
	e := tx.NewENI(caller, s, []netip.Addr{netip.MustParseAddr(addr)}, groups)
	e.Attachment = world.Attachment{Instance: i.ID}
	tx.ENIs.Put(e)
	return e
}

func sealed(t testing.TB, tx *world.Tx) world.World {
	t.Helper()
	w, _, err := tx.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestNamesInAssociatedAndOtherVPCs: the name of a resource has an address where its service network is, exists
// everywhere, and a resource named by DNS follows its name.
func TestNamesInAssociatedAndOtherVPCs(t *testing.T) {
	tx := begin()
	a, b := putVPC(tx, "vpc-a", "10.0.0.0/24"), putVPC(tx, "vpc-b", "10.0.0.0/24")
	putSubnet(tx, a, "10.0.0.0/24")
	s := putSubnet(tx, b, "10.0.0.0/24")
	target := putInstance(tx, s, "10.0.0.9", "sg-1")
	tx.ResourceGateways.Put(world.ResourceGateway{ID: "rgw-1", Meta: b.Meta, VPC: b.ID})
	e := tx.NewENI(caller, s, []netip.Addr{netip.MustParseAddr("10.0.0.20")}, nil)
	e.Gateway = "rgw-1"
	tx.ENIs.Put(e)
	tx.ResourceConfigurations.Put(world.ResourceConfiguration{
		ID: "rcfg-1", Meta: b.Meta, Type: world.ConfigurationSingle, Gateway: "rgw-1", PortRanges: []world.PortRange{{From: 22, To: 22}},
		DomainName: "ip-10-0-0-9.ec2.internal",
	})
	ra := world.ResourceAssociation{ID: "snra-1", Meta: b.Meta, Network: "sn-1", Configuration: "rcfg-1", Addr: netip.MustParseAddr("129.224.1.0")}
	tx.ResourceAssociations.Put(ra)
	tx.VPCAssociations.Put(world.VPCAssociation{ID: "snva-1", Meta: a.Meta, Network: "sn-1", VPC: a.ID, Index: 7})
	f := Compile(sealed(t, tx))

	if r := Answer(f.VPC("vpc-a"), ra.Name()+".", TypeA); len(r.Records) != 1 || r.Records[0].Addr != ra.Addr || r.Records[0].TTL != 60 {
		t.Errorf("associated VPC: %+v", r)
	}
	for name, want := range map[string]Outcome{
		ra.Name(): NoData, "rcfg-1." + world.ResourceZone("us-east-1"): NoData, "snra-2.rcfg-1." + world.ResourceZone("us-east-1"): NXDomain,
		world.ResourceZone("us-east-1"): NoData, "example.org": NXDomain, "IP-10-0-0-9.EC2.internal": Answered,
	} {
		if r := Answer(f.VPC("vpc-b"), name, TypeA); r.Outcome != want || r.Zone == nil {
			t.Errorf("%s in the other VPC: %+v, want outcome %d", name, r, want)
		}
	}
	if r := Answer(f.VPC("vpc-b"), "9.0.0.10.in-addr.arpa", TypePTR); len(r.Records) != 1 || r.Records[0].Target != "ip-10-0-0-9.ec2.internal" {
		t.Errorf("reverse: %+v", r)
	}
	g := f.Gateway("rgw-1")
	if len(g.Listeners) != 1 || g.Listeners[0].Target != target.Addr() || len(g.Consumers) != 1 || g.Consumers[0].Index != 7 {
		t.Errorf("gateway: %+v", g)
	}
	if l := f.VPC("vpc-a").Links; len(l) != 1 || l[0].Addrs[0] != ra.Addr {
		t.Errorf("links: %+v", l)
	}
}

func TestStoppedInstanceHasNoCableAndDeletedRowsAreGone(t *testing.T) {
	tx := begin()
	v := putVPC(tx, "vpc-a", "10.0.0.0/24")
	s := putSubnet(tx, v, "10.0.0.0/24")
	e := putInstance(tx, s, "10.0.0.9", "sg-1")
	i, _ := tx.Instances.Get(e.Attachment.Instance)
	i.Power = world.Stopped
	tx.Instances.Put(i)
	f := Compile(sealed(t, tx))
	if len(f.Hosts) != 0 || f.VPCs[0].Ports[0].Peer.Attached() {
		t.Errorf("a stopped instance is still there: %+v", f.VPCs[0].Ports)
	}
	if r := f.VPCs[0].Route(&f.VPCs[0].Ports[0], e.Addr()); r.Port != nil {
		t.Errorf("its address is still routed: %+v", r)
	}
}

// An instance may be named by its id: its primary address is what that leads to and is led back from, while reverse names are on.
func TestNamesOfIDs(t *testing.T) {
	tx := begin()
	v := putVPC(tx, "vpc-a", "10.0.0.0/24")
	e := putInstance(tx, putSubnet(tx, v, "10.0.0.0/24"), "10.0.0.9", "sg-1")
	i, _ := tx.Instances.Get(e.Attachment.Instance)
	i.ResourceName, i.ResourceNameA = true, true
	tx.Instances.Put(i)
	w := sealed(t, tx)
	f := Compile(w)
	name := string(i.ID) + ".ec2.internal"
	for question, want := range map[string]string{name: "10.0.0.9", "ip-10-0-0-9.ec2.internal": "10.0.0.9"} {
		if a, r := Resolve(f.VPCs[0], question); a.String() != want {
			t.Errorf("%s is %s", question, told(r))
		}
	}
	back := func(f *Fabric) string { return told(Answer(f.VPCs[0], "9.0.0.10.in-addr.arpa", TypePTR)) }
	if got := back(f); !strings.HasSuffix(got, " "+name) || f.Hosts[0].Hostname != string(i.ID) {
		t.Errorf("its address is %s, it calls itself %s", got, f.Hosts[0].Hostname)
	}
	tx = world.Begin(w, time.Unix(0, 0).UTC(), rand.NewChaCha8([32]byte{1}))
	row, _ := tx.VPCs.Get("vpc-a")
	row.ReverseOff = true
	tx.VPCs.Put(row)
	next, changes, err := tx.Seal()
	if err != nil {
		t.Fatal(err)
	}
	if got := back(Recompile(f, w, next, changes)); got != "nx " {
		t.Errorf("with reverse names off its address is %s", got)
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tx := begin()
			for v := range n / 100 {
				vpc := putVPC(tx, world.VPCID(fmt.Sprintf("vpc-%04d", v)), "10.0.0.0/16")
				s := putSubnet(tx, vpc, "10.0.0.0/24")
				g := world.SecurityGroupID(fmt.Sprintf("sg-%04d", v))
				tx.SecurityGroups.Put(world.SecurityGroup{ID: g, VPC: vpc.ID})
				for r := range 20 {
					tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: world.SecurityGroupRuleID(fmt.Sprintf("sgr-%d-%d", v, r)), Group: g, Protocol: world.TCP, CIDR: netip.MustParsePrefix("10.0.0.0/8")})
				}
				for i := range 100 {
					putInstance(tx, s, fmt.Sprintf("10.0.0.%d", i+10), g)
				}
			}
			w := sealed(b, tx)
			for b.Loop() {
				Compile(w)
			}
		})
	}
}
