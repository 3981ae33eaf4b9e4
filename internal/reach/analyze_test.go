package reach

import (
	"net/netip"
	"strings"
	"testing"

	"kumiko/internal/world"
)

func port(n uint16) *world.PortRange { return &world.PortRange{From: n, To: n} }

// Each code, and the world it is the answer in.
func TestCodes(t *testing.T) {
	plain := func(*site) {}
	for _, x := range []struct {
		name   string
		change func(*site)
		q      Query
		want   string // codes with directions
	}{
		{"no egress rule", func(s *site) {
			s.rule("a1", "out", world.SecurityGroupRule{Protocol: world.UDP, Ports: world.AllPorts, CIDR: prefix("0.0.0.0/0"), Egress: true})
		},
			Query{Source: "i-a1", Destination: "i-a2"}, "ENI_SG_RULES_MISMATCH/egress"},
		{"no ingress rule", func(s *site) {
			s.rule("a2", "in", world.SecurityGroupRule{Protocol: world.TCP, Ports: *port(80), CIDR: prefix("0.0.0.0/0")})
		},
			Query{Source: "i-a1", Destination: "i-a2", Ports: port(81)}, "ENI_SG_RULES_MISMATCH/ingress"},
		{"no rules at all", func(s *site) { s.SecurityGroupRules.Delete("sgr-a2in") }, Query{Source: "i-a1", Destination: "i-a2"},
			"ENI_SG_RULES_MISMATCH/ingress SG_HAS_NO_RULES/ingress"},
		{"ACL on the way out", func(s *site) { s.deny("a1", true, *port(80)) }, Query{Source: "i-a1", Destination: "eni-a2", Ports: port(80)}, "SUBNET_ACL_RESTRICTION/egress"},
		{"ACL on the way in", func(s *site) { s.deny("a2", false, *port(80)) }, Query{Source: "i-a1", Destination: "i-a2", Ports: port(80)}, "SUBNET_ACL_RESTRICTION/ingress"},
		{"ACL on the way back", func(s *site) { s.deny("a1", false, world.AllPorts) }, Query{Source: "i-a1", Destination: "i-a2", Ports: port(80)}, "SUBNET_ACL_RESTRICTION/ingress"},
		{"source check", plain, Query{Source: "i-a1", Destination: "i-a2", SourceIP: netip.MustParseAddr("10.0.1.99")}, "ENI_SOURCE_DEST_CHECK_RESTRICTION/egress"},
		{"dest check", func(s *site) { s.routes("vpc-a", world.Route{Destination: prefix("9.0.0.0/8"), ENI: "eni-a2"}) },
			Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("9.9.9.9")}, "ENI_SOURCE_DEST_CHECK_RESTRICTION/ingress"},
		{"no route", func(s *site) { s.routes("vpc-a") }, Query{Source: "i-a1", Destination: "i-b1"}, "NO_ROUTE_TO_DESTINATION/"},
		{"no route back", func(s *site) { s.routes("vpc-b") }, Query{Source: "i-a1", Destination: "i-b1"}, "NO_ROUTE_TO_DESTINATION/"},
		{"peering gone", func(s *site) { s.join("pcx-ab", "vpc-a", "vpc-b", "deleted") }, Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("10.1.1.10")}, "BAD_STATE_ROUTE/ BAD_STATE/"},
		{"peering pending", func(s *site) { s.join("pcx-ab", "vpc-a", "vpc-b", "pending-acceptance") }, Query{Source: "i-a1", Destination: "i-b1"}, "BAD_STATE/"},
		{"transit", func(s *site) { s.route("vpc-a", world.Route{Destination: prefix("10.2.0.0/16"), Peering: "pcx-ab"}) },
			Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("10.2.1.10")}, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR/"},
		{"strange to a peer", func(s *site) {
			e, _ := s.ENIs.Get("eni-a1")
			e.SourceDestCheck = false
			s.ENIs.Put(e)
		}, Query{Source: "i-a1", Destination: "i-b1", SourceIP: netip.MustParseAddr("192.0.2.1")}, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR/"},
		{"sent in another's name", func(s *site) {
			e, _ := s.ENIs.Get("eni-a1")
			e.SourceDestCheck = false
			s.ENIs.Put(e)
		}, Query{Source: "i-a1", Destination: "i-a2", SourceIP: netip.MustParseAddr("10.0.2.10")}, "ENI_ADDRESS_RESTRICTION/egress"},
		{"nobody in the same subnet, whatever the ACL says", func(s *site) { s.deny("a1", true, world.AllPorts) },
			Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("10.0.1.77")}, "NO_POSSIBLE_DESTINATION/"},
		{"apart", plain, Query{Source: "i-a1", Destination: "i-c1"}, "DISCONNECTED_VPCS/"},
		{"gateway detached", func(s *site) { s.InternetGateways.Put(world.InternetGateway{ID: "igw-a", Meta: s.meta()}) },
			Query{Source: "i-a1", DestinationIP: somewhere}, "BAD_STATE_ROUTE/ BAD_STATE_ATTACHMENT/"},
		{"no gateway", func(s *site) { s.InternetGateways.Put(world.InternetGateway{ID: "igw-a", Meta: s.meta()}) }, Query{Source: "i-a1", Destination: "igw-a"}, "UNASSOCIATED_COMPONENT/"},
		{"no public address", plain, Query{Source: "i-a2", Destination: "igw-a"}, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS/egress"},
		{"not from outside", plain, Query{Source: "igw-a", Destination: "i-a2"}, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS/ingress"},
		{"private, out", plain, Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("172.16.0.1")}, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS/egress"},
		{"shared, out", plain, Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("100.64.0.1")}, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS/egress"},
		{"private, in", plain, Query{Source: "igw-a", Destination: "i-a1", SourceIP: netip.MustParseAddr("10.9.9.9")}, "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS/ingress"},
		{"shared, in", plain, Query{Source: "igw-a", Destination: "i-a1", SourceIP: netip.MustParseAddr("100.64.0.1")}, "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS/ingress"},
		{"stopped", func(s *site) { s.stop("a2") }, Query{Source: "i-a1", Destination: "i-a2"}, "BAD_STATE/"},
		{"nobody there", plain, Query{Source: "i-a1", DestinationIP: netip.MustParseAddr("10.0.2.77")}, "NO_POSSIBLE_DESTINATION/"},
		{"missing", plain, Query{Source: "i-a1", Destination: "i-zz"}, "NO_SOURCE_OR_DESTINATION/"},
		{"NAT from beyond", func(s *site) { s.nat("a2"); s.join("pcx-ab", "vpc-a", "vpc-b", world.PeeringActive) },
			Query{Source: "i-b1", DestinationIP: netip.MustParseAddr("10.0.2.20")}, "NGW_REQUIRES_SOURCE_IN_VPC/"},
		{"filter in", plain, Query{Source: "i-a1", Destination: "i-a2", FilterIn: []string{"pcx-ab"}}, "COMPONENT_FILTER_RESTRICTION/"},
		{"filter out", plain, Query{Source: "i-a1", Destination: "i-b1", FilterOut: []string{"pcx-ab"}}, "COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT/"},
		{"filter at destination", plain, Query{Source: "i-a1", Destination: "i-a2", AtDestination: &world.PacketFilter{Source: somewhere}}, "FILTER_AT_DESTINATION_SOURCE_ADDRESS/"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := newSite(t)
			x.change(s)
			got := s.ask(x.q)
			var codes []string
			for _, e := range got.Explanations {
				codes = append(codes, e.Code+"/"+e.Direction)
			}
			if text := strings.Join(codes, " "); got.Found || text != x.want {
				t.Errorf("found %v, because of %q, want %q", got.Found, text, x.want)
			}
		})
	}
}

// The components of paths that are found, there and back.
func TestPaths(t *testing.T) {
	nat := func(s *site) {
		s.nat("a2")
		s.Addresses.Put(world.Address{ID: "eipalloc-1", Meta: s.meta(), Public: netip.MustParseAddr("198.18.1.2"), ENI: "eni-nat", Private: netip.MustParseAddr("10.0.2.20"), VPC: "vpc-a"})
		t, _ := s.RouteTables.Get("rtb-a")
		s.RouteTables.Put(world.RouteTable{ID: "rtb-a1", Meta: s.meta(), VPC: "vpc-a", Index: 2, Associations: []world.RouteTableAssociation{{Subnet: "subnet-a1"}},
			Routes: []world.Route{{Destination: prefix("0.0.0.0/0"), NAT: "nat-a"}}})
		s.RouteTables.Put(t)
	}
	for _, x := range []struct {
		name          string
		change        func(*site)
		q             Query
		forward, back string
	}{
		{"between subnets", nil, Query{Source: "i-a1", Destination: "i-a2", Ports: port(80)},
			"i-a1 eni-a1 sg-a1 acl-a1 rtb-a acl-a2 sg-a2 eni-a2 i-a2", "i-a2 eni-a2 acl-a2 rtb-a acl-a1 eni-a1 i-a1"},
		{"peering", nil, Query{Source: "i-a1", Destination: "i-b1"},
			"i-a1 eni-a1 sg-a1 acl-a1 rtb-a pcx-ab acl-b1 sg-b1 eni-b1 i-b1", "i-b1 eni-b1 acl-b1 rtb-b pcx-ab acl-a1 eni-a1 i-a1"},
		{"to the Internet", nil, Query{Source: "i-a1", Destination: "igw-a"}, "i-a1 eni-a1 sg-a1 acl-a1 rtb-a igw-a", "acl-a1 eni-a1 i-a1"},
		{"from the Internet", nil, Query{Source: "igw-a", Destination: "i-a1"}, "igw-a acl-a1 sg-a1 eni-a1 i-a1", "i-a1 eni-a1 acl-a1 rtb-a igw-a"},
		{"by a NAT gateway", nat, Query{Source: "i-a1", Destination: "igw-a"},
			"i-a1 eni-a1 sg-a1 acl-a1 rtb-a1 acl-a2 eni-nat nat-a acl-a2 rtb-a igw-a", "acl-a2 eni-nat nat-a acl-a2 rtb-a acl-a1 eni-a1 i-a1"},
		{"the port that is open", func(s *site) {
			s.rule("a2", "in", world.SecurityGroupRule{Protocol: world.TCP, Ports: *port(8443), CIDR: prefix("10.0.1.0/24")})
		}, Query{Source: "i-a1", Destination: "i-a2"}, "i-a1 eni-a1 sg-a1 acl-a1 rtb-a acl-a2 sg-a2 eni-a2 i-a2", "i-a2 eni-a2 acl-a2 rtb-a acl-a1 eni-a1 i-a1"},
		{"the source port that is open", func(s *site) { s.deny("a1", false, world.PortRange{From: 5000, To: 65535}) },
			Query{Source: "i-a1", Destination: "i-a2", Ports: port(80)}, "i-a1 eni-a1 sg-a1 acl-a1 rtb-a acl-a2 sg-a2 eni-a2 i-a2", "i-a2 eni-a2 acl-a2 rtb-a acl-a1 eni-a1 i-a1"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := newSite(t)
			if x.change != nil {
				x.change(s)
			}
			got := s.ask(x.q)
			if forward, back := ids(got.Forward), ids(got.Return); !got.Found || forward != x.forward || back != x.back {
				t.Errorf("found %v (%+v)\nthere %s\n want %s\n back %s\n want %s", got.Found, got.Explanations, forward, x.forward, back, x.back)
			}
		})
	}
}

func ids(cs []world.PathComponent) string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Component.ID)
	}
	return strings.Join(out, " ")
}

// A group named by a rule is not recognised behind a NAT gateway, and the explanation says so.
func TestGroupsAreNotPreserved(t *testing.T) {
	s := newSite(t)
	s.nat("a2")
	s.routes("vpc-b", world.Route{Destination: prefix("10.0.0.0/16"), Peering: "pcx-ab"})
	s.RouteTables.Put(world.RouteTable{ID: "rtb-a1", Meta: s.meta(), VPC: "vpc-a", Index: 2, Associations: []world.RouteTableAssociation{{Subnet: "subnet-a1"}},
		Routes: []world.Route{{Destination: prefix("10.1.0.0/16"), NAT: "nat-a"}}})
	s.rule("b1", "in", world.SecurityGroupRule{Protocol: world.TCP, Ports: world.AllPorts, PeerGroup: "sg-a1"})
	got := s.ask(Query{Source: "i-a1", Destination: "i-b1"})
	if len(got.Explanations) != 2 || got.Explanations[1].Code != string(GroupNotPreserved) || got.Explanations[1].Component.ID != "nat-a" {
		t.Errorf("found %v: %+v", got.Found, got.Explanations)
	}
}

func TestScope(t *testing.T) {
	s := newSite(t)
	s.rule("a1", "in", world.SecurityGroupRule{Protocol: world.TCP, Ports: *port(22), CIDR: prefix("0.0.0.0/0")})
	type set = world.ResourceStatement
	fromOutside := world.AccessScopePath{
		Source:      &world.PathStatement{Resources: &set{Types: []string{"AWS::EC2::InternetGateway"}}},
		Destination: &world.PathStatement{Resources: &set{Types: []string{"AWS::EC2::NetworkInterface"}}},
	}
	ask := func(exclude ...world.AccessScopePath) Findings {
		return Find(s.World, s.fabric(), Scope{Account: s.me.Account, Region: s.me.Region, Match: []world.AccessScopePath{fromOutside}, Exclude: exclude})
	}
	if got := ask(); len(got.Paths) != 1 || ids(got.Paths[0]) != "igw-a acl-a1 sg-a1 eni-a1 i-a1" || got.Interfaces != 4 {
		t.Errorf("%d interfaces, paths %+v", got.Interfaces, got.Paths)
	}
	if got := ask(world.AccessScopePath{Destination: &world.PathStatement{Resources: &set{Resources: []string{"i-a1"}}}}); len(got.Paths) != 0 {
		t.Errorf("an excluded path was found: %+v", got.Paths)
	}
}
