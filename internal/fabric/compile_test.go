package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

// TestRecompileIsCompile: whatever changes, taking over what was not touched gives what a fresh Compile gives.
func TestRecompileIsCompile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w := sealed(t, latticeWorld(t))
	prev := Compile(w)
	for n := range 600 {
		tx := world.Begin(w, time.Unix(int64(n), 0).UTC(), rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)}))
		disturb(tx, r)
		next, changes, err := tx.Seal()
		if err != nil {
			t.Fatal(err)
		}
		got, want := Recompile(prev, w, next, changes), Compile(next)
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Fabric{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
			t.Fatalf("change %d (%v): -want +got\n%s", n, changes, d)
		}
		w, prev = next, got
	}
}

// latticeWorld has four VPCs, of which b has a gateway and a and c are associated with its network; d has a load balancer, and a an
// endpoint to it.
func latticeWorld(t *testing.T) *world.Tx {
	t.Helper()
	tx := begin()
	for _, id := range []world.VPCID{"vpc-a", "vpc-b", "vpc-c", "vpc-d"} {
		v := putVPC(tx, id, "10.0.0.0/16")
		s := putSubnet(tx, v, "10.0.0.0/24")
		g := world.SecurityGroupID("sg-" + id)
		tx.SecurityGroups.Put(world.SecurityGroup{ID: g, Meta: v.Meta, VPC: id})
		for i := range 3 {
			putInstance(tx, s, fmt.Sprintf("10.0.0.%d", 10+i), g)
		}
	}
	b, _ := tx.VPCs.Get("vpc-b")
	tx.ResourceGateways.Put(world.ResourceGateway{ID: "rgw-1", Meta: b.Meta, VPC: b.ID})
	tx.ResourceConfigurations.Put(world.ResourceConfiguration{ID: "rcfg-1", Meta: b.Meta, Type: world.ConfigurationSingle, Gateway: "rgw-1", DomainName: "ip-10-0-0-11.ec2.internal"})
	tx.ResourceAssociations.Put(world.ResourceAssociation{ID: "snra-1", Meta: b.Meta, Network: "sn-1", Configuration: "rcfg-1", Addr: netip.MustParseAddr("129.224.1.0")})
	for n, id := range []world.VPCID{"vpc-a", "vpc-c"} {
		tx.VPCAssociations.Put(world.VPCAssociation{ID: world.VPCAssociationID("snva-" + id), Meta: b.Meta, Network: "sn-1", VPC: id, Index: uint16(n + 1)})
	}
	putBalancer(tx, "vpc-d", "vpc-a")
	return tx
}

// putBalancer puts a load balancer before the instances of a VPC, and an endpoint to it into another.
func putBalancer(tx *world.Tx, provider, consumer world.VPCID) {
	v, _ := tx.VPCs.Get(provider)
	eni := func(id world.VPCID, change func(*world.ENI)) world.SubnetID {
		s := tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == id })[0]
		addrs, err := tx.AllocateAddresses(s, 1)
		if err != nil {
			panic(err) // there is room
		}
		e := tx.NewENI(caller, s, addrs, nil)
		change(&e)
		tx.ENIs.Put(e)
		return s.ID
	}
	b := world.LoadBalancer{ID: "nlb-1", Meta: v.Meta, Name: "b", Internal: true, VPC: provider}
	b.Subnets = []world.SubnetID{eni(provider, func(e *world.ENI) { e.Balancer = b.ID })}
	g := world.TargetGroup{ID: "tg-1", Meta: v.Meta, VPC: provider, TargetType: world.TargetInstance, CrossZone: world.CrossZoneAsBalancer}
	for _, i := range tx.Instances.Where(func(i world.Instance) bool { return i.VPC == provider }) {
		g.Targets = append(g.Targets, world.Target{ID: string(i.ID), Port: 8080})
	}
	tx.LoadBalancers.Put(b)
	tx.TargetGroups.Put(g)
	tx.Listeners.Put(world.Listener{ID: "lsn-1", Meta: v.Meta, Balancer: b.ID, Port: 80, Group: g.ID})
	s := world.EndpointService{ID: "vpce-svc-1", Meta: v.Meta, Balancer: b.ID}
	tx.EndpointServices.Put(s)
	e := world.Endpoint{ID: "vpce-1", Meta: v.Meta, Type: world.EndpointInterface, VPC: consumer, Service: s.Name(), Provider: s.ID, Connection: world.ConnectionAccepted, Index: 9}
	e.Subnets = []world.SubnetID{eni(consumer, func(n *world.ENI) { n.Endpoint = e.ID })}
	tx.Endpoints.Put(e)
}

// disturb changes something at random.
func disturb(tx *world.Tx, r *rand.Rand) {
	pick := func(n int) int { return r.IntN(n) }
	vpcs := tx.VPCs.Where(func(world.VPC) bool { return true })
	v := vpcs[pick(len(vpcs))]
	subnet := tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID })[0]
	instances := tx.Instances.Where(func(i world.Instance) bool { return i.VPC == v.ID })
	g := world.SecurityGroupID("sg-" + v.ID)
	switch pick(18) {
	case 16, 17:
		disturbBetween(tx, r, v, vpcs[pick(len(vpcs))], subnet)
	case 8, 9, 10:
		disturbBeyond(tx, r, v, subnet)
	case 0:
		if a, err := tx.AllocateAddresses(subnet, 1); err == nil {
			putInstance(tx, subnet, a[0].String(), g)
		}
	case 1:
		if len(instances) > 0 {
			i := instances[pick(len(instances))]
			i.Power = []world.Power{world.Running, world.Stopped}[pick(2)]
			i.ResourceName, i.ResourceNameA = pick(2) == 0, pick(2) == 0
			tx.Instances.Put(i)
		}
	case 2:
		if len(instances) > 0 {
			i := instances[pick(len(instances))]
			for _, e := range tx.ENIsOf(i.ID) {
				tx.ENIs.Delete(e.ID)
			}
			tx.Instances.Delete(i.ID)
		}
	case 3:
		tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: world.SecurityGroupRuleID(tx.NewID("sgr")), Group: g, Protocol: world.TCP, PeerGroup: world.SecurityGroupID("sg-" + vpcs[pick(len(vpcs))].ID)})
	case 4:
		v.DNSSupport, v.ReverseOff = !v.DNSSupport, pick(2) == 0
		tx.VPCs.Put(v)
	case 5:
		a := world.VPCAssociationID("snva-" + v.ID)
		if tx.VPCAssociations.Has(a) {
			tx.VPCAssociations.Delete(a)
		} else {
			tx.VPCAssociations.Put(world.VPCAssociation{ID: a, Network: "sn-1", VPC: v.ID, Index: uint16(v.ID[4])})
		}
	case 11, 12, 13, 14:
		disturbZones(tx, r, v)
	case 6:
		rules := tx.RulesOf(g)
		if len(rules) > 0 {
			tx.SecurityGroupRules.Delete(rules[pick(len(rules))].ID)
		}
	case 7:
		for _, g := range tx.TargetGroups.Where(func(world.TargetGroup) bool { return true }) {
			t := g.Targets[pick(len(g.Targets))]
			tx.TargetObservations.Put(world.TargetObservation{Key: world.TargetKey(g.ID, t), Group: g.ID, Healthy: pick(2) == 0})
		}
	default:
		tx.KeyPairs.Put(world.KeyPair{ID: world.KeyPairID(tx.NewID("key"))})
	}
}

// disturbBetween changes what VPCs have in common: groups that are associated with others, and instances with an interface in another.
func disturbBetween(tx *world.Tx, r *rand.Rand, v, other world.VPC, subnet world.Subnet) {
	enis := tx.ENIs.Where(func(e world.ENI) bool { return e.VPC == v.ID })
	switch r.IntN(3) {
	case 0:
		a := world.GroupAssociation{Group: world.SecurityGroupID("sg-" + other.ID), VPC: v.ID}
		if had, ok := tx.GroupAssociations.Get(a.RowID()); ok {
			a.Deleting = !had.Deleting
		}
		if other.ID != v.ID {
			tx.GroupAssociations.Put(a)
		}
	case 1:
		if len(enis) > 0 {
			e := enis[r.IntN(len(enis))]
			e.Groups = []world.SecurityGroupID{world.SecurityGroupID("sg-" + v.ID), world.SecurityGroupID("sg-" + other.ID)}
			tx.ENIs.Put(e)
		}
	case 2:
		hosts := tx.Instances.Where(func(i world.Instance) bool { return i.VPC == other.ID })
		if a, err := tx.AllocateAddresses(subnet, 1); err == nil && len(hosts) > 0 {
			e := tx.NewENI(caller, subnet, a, nil)
			e.Attachment = world.Attachment{Instance: hosts[r.IntN(len(hosts))].ID, DeviceIndex: 1 + int(e.Index)}
			tx.ENIs.Put(e)
		}
	}
}

// disturbBeyond changes something about the ways into and out of a VPC's subnets.
func disturbBeyond(tx *world.Tx, r *rand.Rand, v world.VPC, subnet world.Subnet) {
	enis := tx.ENIs.Where(func(e world.ENI) bool { return e.VPC == v.ID })
	switch r.IntN(7) {
	case 0:
		id := world.NetworkACLID("acl-" + v.ID)
		e := world.NetworkACLEntry{Number: 1 + r.IntN(9), Egress: r.IntN(2) == 0, Protocol: world.AnyProtocol, CIDR: v.CIDR()}
		tx.NetworkACLs.Put(world.NetworkACL{ID: id, VPC: v.ID, Entries: []world.NetworkACLEntry{e}})
		subnet.NetworkACL = id
		tx.Subnets.Put(subnet)
	case 1:
		g := world.InternetGateway{ID: world.InternetGatewayID("igw-" + v.ID), Meta: v.Meta, VPC: v.ID}
		if had, _ := tx.InternetGateways.Get(g.ID); had.VPC != "" {
			g.VPC = ""
		}
		tx.InternetGateways.Put(g)
	case 2:
		if len(enis) > 0 {
			e := enis[r.IntN(len(enis))]
			e.Public, _ = tx.AllocatePublicAddress()
			tx.ENIs.Put(e)
		}
	case 3:
		a := world.Address{ID: world.AllocationID("eipalloc-" + v.ID)}
		a.Public, _ = tx.AllocatePublicAddress()
		a.Reverse.Name = []string{"", "mail.example.com"}[r.IntN(2)]
		if len(enis) > 0 && r.IntN(3) > 0 {
			e := enis[r.IntN(len(enis))]
			a.Association, a.ENI, a.Private, a.VPC = "eipassoc-1", e.ID, e.Addr(), v.ID
		}
		tx.Addresses.Put(a)
	case 4:
		g := world.NATGateway{ID: world.NATGatewayID("nat-" + v.ID), VPC: v.ID, Subnet: subnet.ID, Private: true}
		if had, ok := tx.NATGateways.Get(g.ID); ok {
			had.Deleting = !had.Deleting
			tx.NATGateways.Put(had)
		} else if a, err := tx.AllocateAddresses(subnet, 1); err == nil {
			e := tx.NewENI(caller, subnet, a, nil)
			e.NAT, g.ENI = g.ID, e.ID
			tx.ENIs.Put(e)
			tx.NATGateways.Put(g)
		}
	case 5:
		other := tx.VPCs.Where(func(world.VPC) bool { return true })[0]
		p := world.Peering{ID: world.PeeringID("pcx-" + v.ID), Requester: world.PeeringSide{VPC: v.ID, ResolveDNS: true}, Accepter: world.PeeringSide{VPC: other.ID, ResolveDNS: true}, Status: world.PeeringActive}
		if had, _ := tx.Peerings.Get(p.ID); had.Status == world.PeeringActive {
			p.Status = "deleted"
		}
		if other.ID != v.ID {
			tx.Peerings.Put(p)
		}
	case 6:
		t, _ := tx.RouteTables.Get(world.RouteTableID("rtb-" + v.ID))
		t.Routes = []world.Route{
			{Destination: netip.MustParsePrefix("0.0.0.0/0"), Internet: world.InternetGatewayID("igw-" + v.ID)},
			{Destination: netip.MustParsePrefix("10.9.0.0/16"), Peering: world.PeeringID("pcx-" + v.ID)},
			{Destination: netip.MustParsePrefix("192.0.2.0/24"), NAT: world.NATGatewayID("nat-" + v.ID)},
		}[:1+r.IntN(3)]
		tx.RouteTables.Put(t)
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
