package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kumiko/internal/world"
)

// TestRecompileIsCompile: whatever changes, taking over what was not touched gives what a fresh Compile gives.
func TestRecompileIsCompile(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			wander(t, rand.New(rand.NewPCG(seed, 2)), 150)
		})
	}
}

// wander makes changes at random, one to three at once.
func wander(t *testing.T, r *rand.Rand, changes int) {
	w := sealed(t, latticeWorld(t))
	prev := Compile(w)
	for n := range changes {
		tx := world.Begin(w, time.Unix(int64(n), 0).UTC(), rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), 1}))
		for range 1 + r.IntN(3) {
			disturb(tx, r)
		}
		next, rows, err := tx.Seal()
		if err != nil {
			t.Fatal(err)
		}
		got, want := Recompile(prev, w, next, rows), Compile(next)
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Fabric{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); d != "" {
			var about []string
			for _, ch := range rows {
				about = append(about, ch.Noun+" "+ch.ID)
			}
			t.Fatalf("change %d (%v): -want +got\n%s", n, about, d)
		}
		w, prev = next, got
	}
}

// latticeWorld has four VPCs, of which b has a gateway and a and c are associated with its network; d has a load balancer, and a an
// endpoint to it.
func latticeWorld(t *testing.T) *world.Tx {
	t.Helper()
	tx := begin()
	for n, id := range []world.VPCID{"vpc-a", "vpc-b", "vpc-c", "vpc-d"} {
		v := putVPC(tx, id, fmt.Sprintf("10.%d.0.0/16", n))
		s := putSubnet(tx, v, fmt.Sprintf("10.%d.0.0/24", n))
		g := world.SecurityGroupID("sg-" + id)
		tx.SecurityGroups.Put(world.SecurityGroup{ID: g, Meta: v.Meta, VPC: id})
		for i := range 3 {
			putInstance(tx, s, fmt.Sprintf("10.%d.0.%d", n, 10+i), g)
		}
	}
	b, _ := tx.VPCs.Get("vpc-b")
	tx.ResourceGateways.Put(world.ResourceGateway{ID: "rgw-1", Meta: b.Meta, VPC: b.ID})
	tx.ResourceConfigurations.Put(world.ResourceConfiguration{ID: "rcfg-1", Meta: b.Meta, Type: world.ConfigurationSingle, Gateway: "rgw-1", DomainName: "ip-10-1-0-11.ec2.internal"})
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
	switch pick(32) {
	case 30, 31:
		disturbBetween(tx, r, v, vpcs[pick(len(vpcs))], subnet)
	case 8, 9, 10:
		disturbBeyond(tx, r, v, subnet)
	case 15, 16, 17, 18, 19:
		disturbReferences(tx, r, v, subnet)
	case 20, 21, 22:
		disturbEndpoints(tx, r, v, subnet)
	case 23, 24:
		disturbLattice(tx, r)
	case 25, 26:
		disturbPorts(tx, r, v, subnet)
	case 27, 28:
		disturbResolvers(tx, r, v, subnet)
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
				release(tx, e)
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

// release takes the elastic addresses of an ENI away.
func release(tx *world.Tx, e world.ENI) {
	for _, a := range slices.Collect(tx.Addresses.In(string(e.ID))) {
		tx.Addresses.Put(world.Address{ID: a.ID, Public: a.Public})
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

// toggle puts a row, or deletes it when it is there.
func toggle[K ~string, V world.Row](t *world.Table[K, V], row V) bool {
	id := K(row.RowID())
	if t.Has(id) {
		t.Delete(id)
		return false
	}
	t.Put(row)
	return true
}

// disturbReferences changes what other rows name: prefix lists, options, groups, tables.
func disturbReferences(tx *world.Tx, r *rand.Rand, v world.VPC, subnet world.Subnet) {
	vpcs := slices.Collect(tx.VPCs.All())
	g, other := world.SecurityGroupID("sg-"+v.ID), world.SecurityGroupID("sg-"+vpcs[r.IntN(len(vpcs))].ID)
	enis := slices.Collect(tx.ENIs.In(string(v.ID)))
	rule := world.SecurityGroupRule{ID: world.SecurityGroupRuleID(tx.NewID("sgr")), Group: g, Protocol: world.AnyProtocol, Egress: r.IntN(2) == 0}
	switch r.IntN(9) {
	case 0:
		l := world.ManagedPrefixList{ID: "pl-1"}
		for i := range r.IntN(4) {
			l.Entries = append(l.Entries, world.PrefixListEntry{CIDR: netip.MustParsePrefix(fmt.Sprintf("192.0.%d.0/24", i))})
		}
		tx.ManagedPrefixLists.Put(l)
	case 1:
		rule.PeerList = "pl-1"
		tx.SecurityGroupRules.Put(rule)
	case 2:
		rule.PeerGroup = other
		tx.SecurityGroupRules.Put(rule)
	case 3:
		t, _ := tx.RouteTables.Get(world.RouteTableID("rtb-" + v.ID))
		t.Routes = []world.Route{{List: "pl-1", Internet: world.InternetGatewayID("igw-" + v.ID)}}
		if len(enis) > 0 {
			t.Routes = append(t.Routes, world.Route{Destination: netip.MustParsePrefix("203.0.113.0/24"), ENI: enis[r.IntN(len(enis))].ID})
		}
		tx.RouteTables.Put(t)
	case 4:
		t := world.RouteTable{ID: world.RouteTableID("rtb-2-" + v.ID), Meta: v.Meta, VPC: v.ID, Index: 2}
		if r.IntN(2) == 0 {
			t.Associations = []world.RouteTableAssociation{{ID: "rtbassoc-1", Subnet: subnet.ID}}
		}
		toggle(&tx.RouteTables, t)
	case 5:
		tx.DHCPOptions.Put(world.DHCPOptions{ID: "dopt-1", Options: []world.DHCPOption{{Key: "domain-name", Values: []string{fmt.Sprint(r.IntN(3))}}}})
	case 6:
		v.DHCPOptions = []world.DHCPOptionsID{"", "dopt-1"}[r.IntN(2)]
		tx.VPCs.Put(v)
	case 7:
		v.CIDRs = v.CIDRs[:1:1]
		if r.IntN(2) == 0 {
			v.CIDRs = append(v.CIDRs, world.CIDRAssociation{CIDR: netip.MustParsePrefix("172.16.0.0/16")})
		}
		tx.VPCs.Put(v)
	case 8:
		second := world.SecurityGroupID("sg-2-" + v.ID)
		if !toggle(&tx.SecurityGroups, world.SecurityGroup{ID: second, Meta: v.Meta, VPC: v.ID}) {
			for _, e := range slices.Collect(tx.ENIs.In(string(second))) {
				e.Groups = []world.SecurityGroupID{g}
				tx.ENIs.Put(e)
			}
		} else if len(enis) > 0 {
			e := enis[r.IntN(len(enis))]
			e.Groups = []world.SecurityGroupID{second}
			tx.ENIs.Put(e)
		}
	}
}

// disturbPorts changes something about ENIs.
func disturbPorts(tx *world.Tx, r *rand.Rand, v world.VPC, subnet world.Subnet) {
	enis := slices.Collect(tx.ENIs.In(string(v.ID)))
	instances := slices.Collect(tx.Instances.In(string(v.ID)))
	if len(enis) == 0 || len(instances) == 0 {
		return
	}
	e := enis[r.IntN(len(enis))]
	switch r.IntN(4) {
	case 0:
		e.SourceDestCheck = !e.SourceDestCheck
	case 1:
		e.Attachment.Detaching = e.Attachment.Instance != "" && !e.Attachment.Detaching
	case 2:
		if a, err := tx.AllocateAddresses(subnet, 1); err == nil {
			e.Addrs = append(slices.Clip(e.Addrs), a...)
		}
	case 3:
		a, err := tx.AllocateAddresses(subnet, 1)
		if err != nil {
			return
		}
		e = tx.NewENI(caller, subnet, a, []world.SecurityGroupID{world.SecurityGroupID("sg-" + v.ID)})
		e.Attachment = world.Attachment{Instance: instances[r.IntN(len(instances))].ID, DeviceIndex: 1 + r.IntN(9)}
	}
	tx.ENIs.Put(e)
}

// disturbEndpoints makes VPC endpoints, changes and deletes them.
func disturbEndpoints(tx *world.Tx, r *rand.Rand, v world.VPC, subnet world.Subnet) {
	kind := []string{world.EndpointInterface, world.EndpointGateway, world.EndpointResource, world.EndpointServiceNetwork}[r.IntN(4)]
	e := world.Endpoint{
		ID: world.EndpointID("vpce-" + kind + string(v.ID)), Meta: v.Meta, Type: kind, VPC: v.ID, Label: "abcdefgh",
		Service: map[string]string{world.EndpointInterface: "com.amazonaws.us-east-1.ssm", world.EndpointGateway: "com.amazonaws.us-east-1.s3"}[kind],
	}
	if had, ok := tx.Endpoints.Get(e.ID); ok {
		switch r.IntN(3) {
		case 0:
			had.PrivateDNS = kind == world.EndpointInterface && !had.PrivateDNS
			tx.Endpoints.Put(had)
		case 1:
			had.Deleting = !had.Deleting
			tx.Endpoints.Put(had)
		default:
			tx.Endpoints.Delete(had.ID)
			for _, n := range tx.ENIsOfEndpoint(had.ID) {
				tx.ENIs.Delete(n.ID)
			}
			for _, a := range slices.Collect(tx.EndpointAssociations.In(string(had.ID))) {
				tx.EndpointAssociations.Delete(a.ID)
			}
		}
		return
	}
	a, err := tx.AllocateAddresses(subnet, 1)
	switch {
	case err != nil:
		return
	case kind == world.EndpointGateway:
		e.RouteTables = []world.RouteTableID{world.RouteTableID("rtb-" + v.ID)}
	default:
		n := tx.NewENI(caller, subnet, a, nil)
		n.Endpoint, e.Subnets, e.PrivateDNS = e.ID, []world.SubnetID{subnet.ID}, kind == world.EndpointInterface
		tx.ENIs.Put(n)
	}
	if e.Lattice() {
		e.Configuration, e.Index = "rcfg-1", uint16(1000+int(v.ID[4])+len(kind))
		as := world.EndpointAssociation{ID: world.EndpointAssociationID("vpce-rsc-" + string(e.ID)), Meta: v.Meta, Endpoint: e.ID, Configuration: "rcfg-1", Addrs: a}
		if kind == world.EndpointServiceNetwork {
			e.Configuration, e.Network, as.Resource = "", "sn-1", "snra-1"
		}
		tx.EndpointAssociations.Put(as)
	}
	tx.Endpoints.Put(e)
}

// disturbLattice changes what is in service networks.
func disturbLattice(tx *world.Tx, r *rand.Rand) {
	switch r.IntN(5) {
	case 0:
		c, _ := tx.ResourceConfigurations.Get("rcfg-1")
		c.PortRanges = []world.PortRange{{From: 1, To: uint16(1 + r.IntN(3))}}
		tx.ResourceConfigurations.Put(c)
	case 1:
		g, _ := tx.ResourceGateways.Get("rgw-1")
		g.Deleting = !g.Deleting
		tx.ResourceGateways.Put(g)
	case 2:
		a, _ := tx.ResourceAssociations.Get("snra-1")
		a.Deleting = !a.Deleting
		tx.ResourceAssociations.Put(a)
	case 3:
		b, _ := tx.VPCs.Get("vpc-b")
		toggle(&tx.ResourceAssociations, world.ResourceAssociation{ID: "snra-2", Meta: b.Meta, Network: "sn-1", Configuration: "rcfg-1", Addr: netip.MustParseAddr("129.224.1.9")})
	case 4:
		for _, s := range slices.Collect(tx.Subnets.In("vpc-b")) {
			if a, err := tx.AllocateAddresses(s, 2); err == nil && len(tx.ENIsOfGateway("rgw-1")) < 3 {
				e := tx.NewENI(caller, s, a, nil)
				e.Gateway = "rgw-1"
				tx.ENIs.Put(e)
			}
		}
	}
}

// disturbResolvers changes Resolver endpoints and rules.
func disturbResolvers(tx *world.Tx, r *rand.Rand, v world.VPC, subnet world.Subnet) {
	e := world.ResolverEndpoint{ID: world.ResolverEndpointID("rslvr-in-" + v.ID), Meta: v.Meta, VPC: v.ID}
	switch r.IntN(4) {
	case 0:
		if had, ok := tx.ResolverEndpoints.Get(e.ID); ok {
			had.Deleting = !had.Deleting
			tx.ResolverEndpoints.Put(had)
		} else if a, err := tx.AllocateAddresses(subnet, 1); err == nil {
			n := tx.NewENI(caller, subnet, a, nil)
			n.Resolver = e.ID
			tx.ENIs.Put(n)
			tx.ResolverEndpoints.Put(e)
		}
	case 1:
		tx.ResolverRules.Put(world.ResolverRule{ID: "rslvr-rr-1", Domain: fmt.Sprintf("%d.example", r.IntN(3))})
	case 2:
		toggle(&tx.ResolverRuleAssociations, world.ResolverRuleAssociation{ID: world.ResolverRuleAssociationID("rslvr-rrassoc-" + v.ID), Rule: "rslvr-rr-1", VPC: v.ID})
	case 3:
		toggle(&tx.QueryLogAssociations, world.QueryLogAssociation{ID: world.QueryLogAssociationID("rqlca-" + v.ID), VPC: v.ID})
	}
}

// TestRecompileTakesOver: what a change is not about is the same value as before, and so is what comes out as it was.
func TestRecompileTakesOver(t *testing.T) {
	w := sealed(t, latticeWorld(t))
	f := Compile(w)
	change := func(do func(tx *world.Tx)) (*Fabric, *VPC) {
		tx := world.Begin(w, time.Unix(1, 0).UTC(), rand.NewChaCha8([32]byte{9}))
		do(tx)
		next, rows, err := tx.Seal()
		if err != nil {
			t.Fatal(err)
		}
		g := Recompile(f, w, next, rows)
		if !Same(f.Hosts, g.Hosts) || f.VPC("vpc-a") != g.VPC("vpc-a") {
			t.Errorf("after a change of %v all is anew", rows[0].Noun)
		}
		return g, g.VPC("vpc-d")
	}
	was := f.VPC("vpc-d")
	_, v := change(func(tx *world.Tx) {
		tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: "sgr-1", Group: "sg-vpc-d", Protocol: world.TCP, CIDR: netip.MustParsePrefix("10.0.0.0/8")})
	})
	g, _ := v.Group("sg-vpc-d")
	h, _ := was.Group("sg-vpc-d")
	if !Same(v.Ports, was.Ports) || !Same(v.Tables, was.Tables) || !Same(g.Members, h.Members) || v.View.Own["ec2.internal"] != was.View.Own["ec2.internal"] {
		t.Error("a rule made more than itself anew")
	}
	if v.SameNetwork(was) || len(g.Ingress) != 1 {
		t.Error("the rule is not there")
	}
	if _, v = change(func(tx *world.Tx) {
		for e := range tx.ENIs.In("vpc-d") {
			e.Description = "told apart"
			tx.ENIs.Put(e)
		}
		row, _ := tx.VPCs.Get("vpc-d")
		row.NextPort++
		tx.VPCs.Put(row)
	}); v != was {
		t.Error("rows that differ in nothing the network knows made a VPC anew")
	}
}

// TestPortsAreTheSame: two ports are one and the same only if nothing differs between them.
func TestPortsAreTheSame(t *testing.T) {
	p := Port{Addrs: []netip.Addr{{}}, Prefixes: []netip.Prefix{{}}, Groups: []world.SecurityGroupID{""}}
	for i := range reflect.TypeFor[Port]().NumField() {
		o := p
		switch f := reflect.ValueOf(&o).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString("other")
		case reflect.Uint32:
			f.SetUint(7)
		case reflect.Int:
			f.SetInt(7)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Struct:
			if f.Type() == reflect.TypeFor[Peer]() {
				o.Peer.Local = true
			} else {
				o.Router = netip.AddrFrom4([4]byte{1})
			}
		default:
			t.Fatalf("field %d is a %s", i, f.Kind())
		}
		if gone, fresh := ChangedPorts([]Port{p}, []Port{o}); len(gone) != 1 || len(fresh) != 1 {
			t.Errorf("ports that differ in %s are the same", reflect.TypeFor[Port]().Field(i).Name)
		}
	}
}
