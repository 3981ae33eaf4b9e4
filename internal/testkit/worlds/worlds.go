package worlds

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"kumiko/internal/world"
)

// Features are what random worlds may have besides VPCs, groups and instances.
type Features struct {
	ServiceNetworks  bool
	ACLs             bool // that refuse
	Peerings         bool
	Associations     bool // of groups with other VPCs
	InternetGateways bool
	NATGateways      bool
	Within           bool // routes within VPCs, and NAT gateways with several addresses
	Endpoints        bool // VPC endpoints of the service network and of its resources
	Balancers        bool // load balancers, and endpoints to them if there are endpoints
	Absent           bool // instances that are stopped, interfaces without one, peerings and gateways that are gone
}

// Everything is all features.
var Everything = Features{ServiceNetworks: true, ACLs: true, Peerings: true, Associations: true, InternetGateways: true, NATGateways: true, Within: true, Endpoints: true, Balancers: true, Absent: true}

// Make puts the world of a seed in the place of everything that a world made here can have.
func Make(tx *world.Tx, seed uint64, f Features) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	tx.Rand = rand.NewChaCha8(key)
	clear(tx)
	(&layout{tx: tx, r: Rand(seed), c: Caller, Features: f}).world()
}

// Rand is the source that all choices about the world of a seed are made from.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// Caller is who owns the worlds.
var Caller = world.Caller{Account: world.DefaultAccount, Region: "us-east-1"}

// layout is a random world in the making.
type layout struct {
	Features
	tx    *world.Tx
	r     *rand.Rand
	c     world.Caller
	n     int
	lists []world.PrefixListID
}

// clear removes everything a layout puts.
func clear(tx *world.Tx) {
	drop(&tx.Instances)
	drop(&tx.ENIs)
	drop(&tx.SecurityGroupRules)
	drop(&tx.GroupAssociations)
	drop(&tx.SecurityGroups)
	drop(&tx.RouteTables)
	drop(&tx.NetworkACLs)
	drop(&tx.Addresses)
	drop(&tx.NATGateways)
	drop(&tx.InternetGateways)
	drop(&tx.Peerings)
	drop(&tx.Subnets)
	drop(&tx.VPCs)
	drop(&tx.ResourceAssociations)
	drop(&tx.VPCAssociations)
	drop(&tx.ResourceConfigurations)
	drop(&tx.ResourceGateways)
	drop(&tx.ServiceNetworks)
	drop(&tx.ManagedPrefixLists)
	drop(&tx.Endpoints)
	drop(&tx.EndpointAssociations)
	drop(&tx.EndpointServices)
	drop(&tx.Listeners)
	drop(&tx.TargetObservations)
	drop(&tx.TargetGroups)
	drop(&tx.LoadBalancers)
}

func drop[K ~string, V world.Row](t *world.Table[K, V]) {
	for _, v := range t.Where(func(V) bool { return true }) {
		t.Delete(K(v.RowID()))
	}
}

func (l *layout) pick(n int) bool { return l.r.IntN(n) == 0 }

// One picks one of some.
func One[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func (l *layout) world() {
	l.prefixLists()
	for range 1 + l.r.IntN(3) {
		l.vpc()
	}
	l.beyond()
	if l.ServiceNetworks && !l.pick(4) {
		l.lattice()
	}
	if l.Balancers {
		l.balancers()
	}
}

func (l *layout) vpc() {
	tx, net := l.tx, l.r.IntN(3)
	v := world.VPC{
		ID: world.VPCID(tx.NewID("vpc")), Meta: tx.NewMeta(l.c, nil), DNSSupport: true, NextTable: 1,
		CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", net))}},
	}
	tx.VPCs.Put(v)
	rt := world.RouteTable{ID: world.RouteTableID(tx.NewID("rtb")), Meta: tx.NewMeta(l.c, nil), VPC: v.ID, Index: 1, Main: true}
	tx.RouteTables.Put(rt)
	var subnets []world.Subnet
	acls := l.acls(v)
	for i := range 1 + l.r.IntN(3) {
		s := world.Subnet{
			ID: world.SubnetID(tx.NewID("subnet")), Meta: tx.NewMeta(l.c, nil), VPC: v.ID, Zone: "us-east-1" + "abc"[i:i+1],
			CIDR: netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", net, i)), NetworkACL: One(l.r, acls), ACLAssociation: tx.NewID("aclassoc"),
		}
		tx.Subnets.Put(s)
		subnets = append(subnets, s)
	}
	groups := l.groups(v)
	if l.Associations {
		groups = append(groups, l.associated(v, groups)...)
	}
	for range 2 + l.r.IntN(3) {
		l.instance(subnets, groups)
	}
}

// prefixLists puts lists of ranges that rules can name beside AWS's own, some without an entry.
func (l *layout) prefixLists() {
	l.lists = []world.PrefixListID{world.AWSPrefixLists(l.c.Region)[4].ID}
	for range 1 + l.r.IntN(3) {
		p := world.ManagedPrefixList{ID: world.PrefixListID(l.tx.NewID("pl")), Meta: l.tx.NewMeta(l.c, nil), Family: "IPv4", MaxEntries: 10, Version: 1}
		for range l.r.IntN(4) {
			p.Entries = append(p.Entries, world.PrefixListEntry{CIDR: netip.MustParsePrefix(One(l.r, peers))})
		}
		l.tx.ManagedPrefixLists.Put(p)
		l.lists = append(l.lists, p.ID)
	}
}

func (l *layout) groups(v world.VPC) []world.SecurityGroupID {
	var ids []world.SecurityGroupID
	for range 2 + l.r.IntN(3) {
		id := world.SecurityGroupID(l.tx.NewID("sg"))
		l.tx.SecurityGroups.Put(world.SecurityGroup{ID: id, Meta: l.tx.NewMeta(l.c, nil), VPC: v.ID, Name: string(id)})
		ids = append(ids, id)
	}
	for _, g := range ids {
		for range 1 + l.r.IntN(6) {
			l.rule(g, false, ids)
		}
		for range l.r.IntN(4) {
			l.rule(g, true, ids)
		}
		if !l.pick(3) { // as AWS makes groups: everything may leave
			l.put(world.SecurityGroupRule{Group: g, Egress: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
		}
	}
	return ids
}

// Ports are the ones to ask about: rules name ranges that contain some of them.
var Ports = []uint16{22, 80, 443, 8050}

var (
	ranges = []world.PortRange{{From: 22, To: 22}, {From: 80, To: 443}, {From: 8000, To: 8100}, world.AllPorts, {From: 443, To: 443}}
	peers  = []string{"0.0.0.0/0", "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/29", "10.0.1.5/32", "129.224.0.0/17", "10.0.0.0/8", "10.1.0.0/16", "198.18.0.0/15"}
)

// associated are groups of other VPCs that a VPC's interfaces can carry; rules of its own may name them.
func (l *layout) associated(v world.VPC, own []world.SecurityGroupID) []world.SecurityGroupID {
	var ids []world.SecurityGroupID
	for _, g := range l.tx.SecurityGroups.Where(func(g world.SecurityGroup) bool { return g.VPC != v.ID }) {
		if !l.pick(4) {
			continue
		}
		l.tx.GroupAssociations.Put(world.GroupAssociation{Meta: l.tx.NewMeta(l.c, nil), Group: g.ID, VPC: v.ID})
		ids = append(ids, g.ID)
		if l.pick(2) {
			l.put(world.SecurityGroupRule{Group: One(l.r, own), Egress: l.pick(3), Protocol: world.AnyProtocol, PeerGroup: g.ID, PeerVPC: g.VPC})
		}
	}
	return ids
}

func (l *layout) rule(g world.SecurityGroupID, egress bool, groups []world.SecurityGroupID) {
	r := world.SecurityGroupRule{Group: g, Egress: egress}
	switch l.r.IntN(6) {
	case 0:
		r.Protocol = world.AnyProtocol
	case 1:
		r.Protocol, r.ICMP = world.ICMP, world.ICMPMatch{Type: One(l.r, []int{-1, 8, 13}), Code: -1}
	case 2:
		r.Protocol, r.Ports = world.UDP, One(l.r, ranges)
	default:
		r.Protocol, r.Ports = world.TCP, One(l.r, ranges)
	}
	switch l.r.IntN(5) {
	case 0, 1:
		r.PeerGroup = One(l.r, groups)
	case 2:
		r.PeerList = One(l.r, l.lists)
	default:
		r.CIDR = netip.MustParsePrefix(One(l.r, peers))
	}
	l.put(r)
}

func (l *layout) put(r world.SecurityGroupRule) {
	r.ID, r.Meta = world.SecurityGroupRuleID(l.tx.NewID("sgr")), l.tx.NewMeta(l.c, nil)
	l.tx.SecurityGroupRules.Put(r)
}

func (l *layout) some(groups []world.SecurityGroupID, most int) []world.SecurityGroupID {
	var out []world.SecurityGroupID
	for _, i := range l.r.Perm(len(groups))[:min(len(groups), l.r.IntN(most+1))] {
		out = append(out, groups[i])
	}
	return out
}

// instance puts an instance with one interface, or with several in any of the subnets.
func (l *layout) instance(subnets []world.Subnet, groups []world.SecurityGroupID) {
	s := One(l.r, subnets)
	i := world.Instance{
		ID: world.InstanceID(l.tx.NewID("i")), Meta: l.tx.NewMeta(l.c, nil), VPC: s.VPC, Subnet: s.ID, Power: world.Running, Boot: 1,
	}
	if l.Absent && l.pick(12) {
		i.Power = world.Stopped
	}
	l.tx.Instances.Put(i)
	devices := 1
	if l.pick(3) {
		devices += 1 + l.r.IntN(2)
	}
	for device := range devices {
		if device > 0 {
			s = One(l.r, subnets)
		}
		l.eni(s, groups, world.Attachment{Instance: i.ID, DeviceIndex: device})
	}
	if l.Absent && l.pick(12) {
		l.eni(s, groups, world.Attachment{})
	}
}

func (l *layout) eni(s world.Subnet, groups []world.SecurityGroupID, a world.Attachment) {
	addrs, err := l.tx.AllocateAddresses(s, 1+l.r.IntN(2)*l.r.IntN(2))
	if err != nil {
		return
	}
	gs := l.some(groups, 2)
	if len(gs) == 0 {
		gs = groups[:1]
	}
	e := l.tx.NewENI(l.c, s, addrs, gs)
	e.Attachment = a
	e.SourceDestCheck = !l.pick(8)
	l.tx.ENIs.Put(e)
}

// lattice puts a gateway into some VPC, resources behind it, and associates one or more VPCs with them.
func (l *layout) lattice() {
	tx := l.tx
	vpcs := tx.VPCs.Where(func(world.VPC) bool { return true })
	sn := world.ServiceNetwork{ID: world.ServiceNetworkID(tx.NewID("sn")), Meta: tx.NewMeta(l.c, nil), Name: "net"}
	tx.ServiceNetworks.Put(sn)
	for range 1 + l.r.IntN(2) {
		l.gateway(One(l.r, vpcs), sn)
	}
	for n, v := range vpcs {
		if l.pick(3) {
			continue
		}
		tx.VPCAssociations.Put(world.VPCAssociation{
			ID: world.VPCAssociationID(tx.NewID("snva")), Meta: tx.NewMeta(l.c, nil), Network: sn.ID, VPC: v.ID, Index: uint16(n + 1),
			Groups: l.some(l.groupsOf(v.ID), 2),
		})
	}
	if l.Endpoints {
		l.endpoints(vpcs, sn)
	}
}

// endpoints puts endpoints of the network, and of one of its resources, into some VPCs: their addresses may be equal.
func (l *layout) endpoints(vpcs []world.VPC, sn world.ServiceNetwork) {
	tx := l.tx
	configurations := tx.ResourceConfigurations.Where(func(world.ResourceConfiguration) bool { return true })
	for _, v := range vpcs {
		for range l.r.IntN(3) {
			e := world.Endpoint{ID: world.EndpointID(tx.NewID("vpce")), Meta: tx.NewMeta(l.c, nil), Type: world.EndpointServiceNetwork, VPC: v.ID, Network: sn.ID}
			if l.pick(3) && len(configurations) > 0 {
				e.Type, e.Network, e.Configuration = world.EndpointResource, "", One(l.r, configurations).ID
			}
			e.Index, _ = tx.FreeConsumerIndex()
			groups := l.groupsOf(v.ID)
			if e.Groups = l.some(groups, 2); len(e.Groups) == 0 {
				e.Groups = groups[:1]
			}
			for _, s := range tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID }) {
				e.Subnets = append(e.Subnets, s.ID)
			}
			tx.Endpoints.Put(e)
			if err := tx.PlaceEndpoint(e); err != nil {
				panic(err) // there is room
			}
		}
	}
	tx.SettleEndpoints()
}

func (l *layout) groupsOf(v world.VPCID) []world.SecurityGroupID {
	var out []world.SecurityGroupID
	for _, g := range l.tx.SecurityGroups.Where(func(g world.SecurityGroup) bool { return g.VPC == v }) {
		out = append(out, g.ID)
	}
	return out
}

func (l *layout) gateway(v world.VPC, sn world.ServiceNetwork) {
	tx := l.tx
	groups := l.groupsOf(v.ID)
	g := world.ResourceGateway{
		ID: world.ResourceGatewayID(tx.NewID("rgw")), Meta: tx.NewMeta(l.c, nil), VPC: v.ID, Groups: append(l.some(groups, 1), groups[0]),
	}
	if len(g.Groups) == 2 && g.Groups[0] == g.Groups[1] {
		g.Groups = g.Groups[:1]
	}
	tx.ResourceGateways.Put(g)
	for _, s := range tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID }) {
		addrs, err := tx.AllocateAddresses(s, 2)
		if err != nil {
			continue
		}
		e := tx.NewENI(l.c, s, addrs, g.Groups)
		e.Gateway, e.RequesterManaged = g.ID, true
		tx.ENIs.Put(e)
	}
	for _, target := range tx.ENIs.Where(func(e world.ENI) bool { return e.VPC == v.ID && e.Gateway == "" }) {
		l.n++
		cfg := world.ResourceConfiguration{
			ID: world.ResourceConfigurationID(tx.NewID("rcfg")), Meta: tx.NewMeta(l.c, nil), Type: world.ConfigurationSingle,
			Gateway: g.ID, PortRanges: []world.PortRange{One(l.r, ranges[:3])}, Protocol: "TCP", IP: target.Addr(),
		}
		if l.pick(3) {
			cfg.IP, cfg.DomainName = netip.Addr{}, world.PrivateName(target.Addr(), l.c.Region)
		}
		tx.ResourceConfigurations.Put(cfg)
		tx.ResourceAssociations.Put(world.ResourceAssociation{
			ID: world.ResourceAssociationID(tx.NewID("snra")), Meta: tx.NewMeta(l.c, nil), Network: sn.ID, Configuration: cfg.ID,
			Addr: world.Offset(world.LatticeResources, 256+l.n),
		})
	}
}
