package net

import (
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reach"
	"kumiko/internal/testkit/worlds"
	"kumiko/internal/world"
)

// scene is a world in which a packet is refused, what Network Insights is asked about it, and a neighbour of the packet
// that passes. VPC one has the sender a and the receiver b in two subnets, VPC two another receiver.
type scene struct {
	*site   // VPC one
	two     *site
	a, b    world.ENI
	far     world.ENI // in two
	query   reach.Query
	refused packet
	by      fabric.Origin
	pass    packet
}

// packet is the first one of a conversation by TCP; from the public side when the sender is none.
type packet struct {
	from     world.ENI
	src, dst netip.Addr
	port     int
}

var (
	anywhere = netip.MustParsePrefix("0.0.0.0/0")
	outside  = netip.MustParseAddr("192.0.2.1") // on the public side
)

// newScene has nothing refused yet: a to b at port 443 passes.
func newScene(tx *world.Tx) *scene {
	s := &scene{site: newSite(tx, 0), two: newSite(tx, 1)}
	s.a, s.b = s.host(s.client, s.subnets[0])[0], s.host(s.server, s.subnets[1])[0]
	s.far = s.two.host(s.two.server, s.two.subnets[0])[0]
	s.query = reach.Query{Source: string(s.a.Attachment.Instance), Destination: string(s.b.Attachment.Instance), Protocol: world.TCP, Ports: port(443)}
	s.refused = packet{s.a, s.a.Addr(), s.b.Addr(), 443}
	s.pass = s.refused
	return s
}

func port(n uint16) *world.PortRange { return &world.PortRange{From: n, To: n} }

// at asks for, and sends to, a port of b.
func (s *scene) at(n uint16) {
	s.query.Ports, s.refused.port = port(n), int(n)
}

// to asks for, and sends to, an address.
func (s *scene) to(dst netip.Addr) {
	s.query.Destination, s.query.DestinationIP, s.refused.dst = "", dst, dst
}

// toFar asks for, and sends to, the receiver in VPC two.
func (s *scene) toFar() {
	s.query.Destination, s.refused.dst = string(s.far.Attachment.Instance), s.far.Addr()
}

func (s *scene) refusedAt(st fabric.Station, e world.ENI) {
	s.by = fabric.Origin{Station: st, VPC: e.VPC, ENI: e.ID}
}

// nowhere is the refusal of a VPC's routes.
func (s *scene) nowhere(v world.VPC) { s.by = fabric.Origin{Station: fabric.NoRoute, VPC: v.ID} }

// join peers the two VPCs, and routes from one to the other and back.
func (s *scene) join(status string) world.PeeringID {
	side := func(v world.VPC) world.PeeringSide {
		return world.PeeringSide{VPC: v.ID, Account: v.Account, Region: v.Region}
	}
	id := world.PeeringID(s.tx.NewID("pcx"))
	s.tx.Peerings.Put(world.Peering{ID: id, Meta: s.vpc.Meta, Requester: side(s.vpc), Accepter: side(s.two.vpc), Status: status})
	s.table(s.vpc, world.Route{Destination: s.two.vpc.CIDR(), Peering: id})
	s.table(s.two.vpc, world.Route{Destination: s.vpc.CIDR(), Peering: id})
	return id
}

// table gives the main table of a VPC these routes.
func (s *scene) table(v world.VPC, routes ...world.Route) {
	for _, t := range s.tx.RouteTables.Where(func(t world.RouteTable) bool { return t.VPC == v.ID && t.Main }) {
		t.Routes = routes
		s.tx.RouteTables.Put(t)
	}
}

// internet attaches an internet gateway to VPC one, with a route to it, and gives b a public address.
func (s *scene) internet() (world.InternetGatewayID, netip.Addr) {
	id := world.InternetGatewayID(s.tx.NewID("igw"))
	s.tx.InternetGateways.Put(world.InternetGateway{ID: id, Meta: s.vpc.Meta, VPC: s.vpc.ID})
	s.table(s.vpc, world.Route{Destination: anywhere, Internet: id})
	public, err := s.tx.AllocatePublicAddress()
	if err != nil {
		panic(err) // the world is empty
	}
	s.b.Public = public
	s.tx.ENIs.Put(s.b)
	return id, public
}

// fromB asks about, and sends, what b sends to an address of the public side.
func (s *scene) fromB(dst netip.Addr) {
	s.query = reach.Query{Source: string(s.b.Attachment.Instance), DestinationIP: dst, Protocol: world.TCP, Ports: port(443)}
	s.refused = packet{s.b, s.b.Addr(), dst, 443}
}

// fromOutside asks about, and sends, what comes to b by the internet gateway from the source.
func (s *scene) fromOutside(igw world.InternetGatewayID, public, src netip.Addr) {
	s.query = reach.Query{Source: string(igw), Destination: string(s.b.Attachment.Instance), SourceIP: src, Protocol: world.TCP, Ports: port(443)}
	s.refused = packet{src: src, dst: public, port: 443}
	s.pass = packet{src: outside, dst: public, port: 443}
	s.by = fabric.Origin{Station: fabric.Internet, VPC: s.vpc.ID}
}

// nat puts a private NAT gateway into the second subnet of VPC one.
func (s *scene) nat() (world.NATGateway, world.ENI) {
	addrs, err := s.tx.AllocateAddresses(s.subnets[1], 1)
	if err != nil {
		panic(err) // the subnets are nearly empty
	}
	e := s.tx.NewENI(worlds.Caller, s.subnets[1], addrs, nil)
	g := world.NATGateway{ID: world.NATGatewayID(s.tx.NewID("nat")), Meta: s.vpc.Meta, VPC: s.vpc.ID, Subnet: e.Subnet, Private: true, ENI: e.ID}
	e.NAT, e.RequesterManaged, e.SourceDestCheck = g.ID, true, false
	s.tx.ENIs.Put(e)
	s.tx.NATGateways.Put(g)
	return g, e
}

// deny puts an ACL with an entry before all others at a subnet.
func (s *scene) deny(subnet world.Subnet, egress bool) {
	subnet.NetworkACL = s.acl(world.NetworkACLEntry{Number: 1, Egress: egress, Protocol: world.TCP, Ports: world.PortRange{From: 444, To: 444}, CIDR: anywhere})
	s.tx.Subnets.Put(subnet)
	s.put(world.SecurityGroupRule{Group: s.server, Protocol: world.TCP, Ports: world.PortRange{From: 444, To: 444}, CIDR: anywhere})
	s.at(444)
	s.by = fabric.Origin{Station: fabric.ACLIn, VPC: s.vpc.ID, Subnet: subnet.ID}
	if egress {
		s.by.Station = fabric.ACLOut
	}
}

// rules replaces those of one direction of a group.
func (s *scene) rules(g world.SecurityGroupID, egress bool, rules ...world.SecurityGroupRule) {
	for _, r := range s.tx.RulesOf(g) {
		if r.Egress == egress {
			s.tx.SecurityGroupRules.Delete(r.ID)
		}
	}
	for _, r := range rules {
		r.Group, r.Egress = g, egress
		s.put(r)
	}
}

// stop stops b.
func (s *scene) stop() {
	i, _ := s.tx.Instances.Get(s.b.Attachment.Instance)
	i.Power = world.Stopped
	s.tx.Instances.Put(i)
	other := s.host(s.server, s.subnets[1])[0]
	s.pass.dst = other.Addr()
}

// scenes are the worlds by the codes Network Insights gives in them.
func scenes() map[string]func(*scene) {
	return map[string]func(*scene){
		"ENI_SG_RULES_MISMATCH": func(s *scene) { s.at(22); s.refusedAt(fabric.SGIn, s.b) },
		"ENI_SG_RULES_MISMATCH SG_HAS_NO_RULES": func(s *scene) {
			shut := world.SecurityGroupID(s.tx.NewID("sg"))
			s.tx.SecurityGroups.Put(world.SecurityGroup{ID: shut, Meta: s.vpc.Meta, VPC: s.vpc.ID, Name: string(shut)})
			e := s.host(shut, s.subnets[1])[0]
			s.query.Destination, s.refused.dst = string(e.Attachment.Instance), e.Addr()
			s.refusedAt(fabric.SGIn, e)
		},
		"ENI_SG_RULES_MISMATCH SG_REFERENCES_NOT_PRESERVED": notPreserved,
		"SUBNET_ACL_RESTRICTION":                            func(s *scene) { s.deny(s.subnets[1], false) },
		"ENI_SOURCE_DEST_CHECK_RESTRICTION": func(s *scene) {
			s.table(s.vpc, world.Route{Destination: netip.MustParsePrefix("9.0.0.0/8"), ENI: s.b.ID})
			s.to(netip.MustParseAddr("9.9.9.9"))
			s.refusedAt(fabric.DestCheck, s.b)
		},
		"NO_ROUTE_TO_DESTINATION": func(s *scene) { s.join(world.PeeringActive); s.table(s.vpc); s.toFar(); s.nowhere(s.vpc) },
		"BAD_STATE_ROUTE BAD_STATE": func(s *scene) {
			s.join("deleted")
			s.to(s.far.Addr())
			s.nowhere(s.vpc)
		},
		"BAD_STATE_ROUTE BAD_STATE_ATTACHMENT": func(s *scene) {
			id, _ := s.internet()
			s.tx.InternetGateways.Put(world.InternetGateway{ID: id, Meta: s.vpc.Meta})
			s.to(outside)
			s.nowhere(s.vpc)
		},
		"BAD_STATE": func(s *scene) { s.stop(); s.nowhere(s.vpc) },
		"PCX_REQUIRES_ADDRESS_IN_VPC_CIDR": func(s *scene) {
			id := s.join(world.PeeringActive)
			strange := netip.MustParsePrefix("10.2.0.0/16")
			s.table(s.vpc, world.Route{Destination: s.two.vpc.CIDR(), Peering: id}, world.Route{Destination: strange, Peering: id})
			s.to(netip.MustParseAddr("10.2.1.10"))
			s.nowhere(s.two.vpc)
			s.pass.dst = s.far.Addr()
		},
		"DISCONNECTED_VPCS":       func(s *scene) { s.toFar(); s.nowhere(s.vpc) },
		"NO_POSSIBLE_DESTINATION": func(s *scene) { s.to(netip.MustParseAddr("10.0.1.200")); s.nowhere(s.vpc) },
		"IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS": func(s *scene) {
			s.internet()
			s.to(outside)
			s.by = fabric.Origin{Station: fabric.Internet, VPC: s.vpc.ID}
			s.pass = packet{s.b, s.b.Addr(), outside, 443}
		},
		"IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS": func(s *scene) {
			s.internet()
			s.fromB(netip.MustParseAddr("172.16.0.1"))
			s.by = fabric.Origin{Station: fabric.Internet, VPC: s.vpc.ID}
			s.pass = packet{s.b, s.b.Addr(), outside, 443}
		},
		"IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS": func(s *scene) {
			s.internet()
			s.fromB(netip.MustParseAddr("100.64.0.1"))
			s.by = fabric.Origin{Station: fabric.Internet, VPC: s.vpc.ID}
			s.pass = packet{s.b, s.b.Addr(), outside, 443}
		},
		"IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS": func(s *scene) {
			id, public := s.internet()
			s.fromOutside(id, public, netip.MustParseAddr("10.9.9.9"))
		},
		"IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS": func(s *scene) {
			id, public := s.internet()
			s.fromOutside(id, public, netip.MustParseAddr("100.64.0.1"))
		},
		"NGW_REQUIRES_SOURCE_IN_VPC": func(s *scene) {
			_, e := s.nat()
			s.join(world.PeeringActive)
			s.query = reach.Query{Source: string(s.far.Attachment.Instance), DestinationIP: e.Addr(), Protocol: world.TCP, Ports: port(443)}
			s.refused = packet{s.far, s.far.Addr(), e.Addr(), 443}
			s.pass = packet{s.far, s.far.Addr(), s.b.Addr(), 443}
			s.refusedAt(fabric.Listen, e)
		},
	}
}

// notPreserved has a rule of far's group name a's, which comes by a NAT gateway and a peering and is not recognised.
func notPreserved(s *scene) {
	g, _ := s.nat()
	id := s.join(world.PeeringActive)
	s.vpc, _ = s.tx.VPCs.Get(s.vpc.ID)
	s.tx.RouteTables.Put(world.RouteTable{
		ID: world.RouteTableID(s.tx.NewID("rtb")), Meta: s.vpc.Meta, VPC: s.vpc.ID, Index: 2,
		Associations: []world.RouteTableAssociation{{ID: s.tx.NewID("rtbassoc"), Subnet: s.subnets[0].ID}},
		Routes:       []world.Route{{Destination: s.two.vpc.CIDR(), NAT: g.ID}},
	})
	for _, r := range s.tx.RulesOf(s.two.server) {
		if !r.Egress {
			r.CIDR, r.PeerGroup, r.PeerAccount, r.PeerVPC, r.Peering = netip.Prefix{}, s.client, s.vpc.Account, s.vpc.ID, id
			s.tx.SecurityGroupRules.Put(r)
		}
	}
	s.toFar()
	s.refusedAt(fabric.SGIn, s.far)
}

// notAPacket are the codes without a packet of their own here, and why.
var notAPacket = map[reach.Code]string{
	reach.NoEnd:                    "there is no such end to send from or to",
	reach.Unassociated:             "the gateway that was named is nobody's",
	reach.NoPath:                   "of VPC Lattice; the random worlds prove its refusals",
	reach.Unsupported:              "of VPC Lattice; the random worlds prove its refusals",
	reach.ForeignAddress:           "nothing refuses the answer; it goes to whose address it is, as another test sees",
	reach.ProtocolRestricted:       "Network Insights asks about TCP and UDP, which every component takes",
	reach.InternetIngress:          "the public side has no route to who has no public address",
	reach.FilterIn:                 "the packet passes; the question leaves its way out",
	reach.FilterOut:                "the packet passes; the question leaves its way out",
	reach.AtSourceDestination:      "the packet passes; the question leaves its way out",
	reach.AtDestinationSource:      "the packet passes; the question leaves its way out",
	reach.AtDestinationDestination: "the packet passes; the question leaves its way out",
	reach.AtDestinationSourcePort:  "the packet passes; the question leaves its way out",
	reach.AtDestinationDestPort:    "the packet passes; the question leaves its way out",
}

// TestEveryCodeHasItsPacket: for every explanation code that can occur there is a world in which Network Insights gives
// it, and a packet that the kernel refuses at the station it is about – while its neighbour passes.
func TestEveryCodeHasItsPacket(t *testing.T) {
	proven := map[reach.Code]bool{}
	for codes, change := range scenes() {
		t.Run(codes, func(t *testing.T) { prove(t, codes, change) })
		for c := range strings.FieldsSeq(codes) {
			proven[reach.Code(c)] = true
		}
	}
	told, err := os.ReadFile("../../docs/explain-and-diff.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range knownCodes(t) {
		if row := regexp.MustCompile("(?m)^\\| `" + string(c) + "` \\| .+ \\| (.+) \\|$").FindSubmatch(told); row == nil || !proven[c] && string(row[1]) != notAPacket[c] {
			t.Errorf("the documentation does not tell of %s what is so: %q", c, row)
		}
		if why := notAPacket[c]; (why == "") != proven[c] {
			t.Errorf("%s: proven %v, and a packet cannot be because %q", c, proven[c], why)
		}
	}
}

func prove(t *testing.T, codes string, change func(*scene)) {
	l := newLab(t)
	var s *scene
	f := l.update(func(tx *world.Tx) {
		s = newScene(tx)
		change(s)
	})
	var got []string
	for _, e := range reach.Analyze(l.store.World(), f, s.query).Explanations {
		got = append(got, e.Code)
	}
	if text := strings.Join(got, " "); text != codes {
		t.Errorf("Network Insights says %q, want %q", text, codes)
	}
	if got := l.throw(s.refused); got != s.by.String() {
		t.Errorf("%s to %s port %d: %s, want %s", s.refused.src, s.refused.dst, s.refused.port, got, s.by)
	}
	if got := l.throw(s.pass); got != "open" {
		t.Errorf("its neighbour %s to %s port %d: %s", s.pass.src, s.pass.dst, s.pass.port, got)
	}
}

// throw sends a packet of a scene. The public side sends, and answers, from the addresses that live there, and here from
// those that should not.
func (l *lab) throw(p packet) string {
	if slices.Contains(l.spaces(), kernel.PublicNamespace) {
		l.settle(kernel.Path(l.run, kernel.PublicNamespace))
	}
	if p.from.ID == "" {
		p.from.Attachment.Instance = kernel.PublicNamespace
	}
	return l.try(p.from, p.src, p.dst, p.port)
}

// spaces are the names of the namespaces there are.
func (l *lab) spaces() []string {
	entries, err := os.ReadDir(kernel.Path(l.run, world.InstanceID("")))
	if err != nil {
		l.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// knownCodes are the codes that package reach can say.
func knownCodes(t *testing.T) []reach.Code {
	text, err := os.ReadFile("../../internal/reach/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []reach.Code
	for _, m := range regexp.MustCompile(`Code += "([A-Z0-9_]+)"`).FindAllStringSubmatch(string(text), -1) {
		out = append(out, reach.Code(m[1]))
	}
	if len(out) < 30 {
		t.Fatalf("only %d codes were found", len(out))
	}
	return out
}
