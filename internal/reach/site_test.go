package reach

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// site is a world to ask questions about: VPC a with the subnets a1, a2 and a public address for i-a1, VPC b joined
// with it, VPC c joined with b alone. Every instance i-X runs in subnet X with the group sg-X.
type site struct {
	*world.Tx
	me world.Caller
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Tx: world.Begin(world.World{}, time.Unix(1e9, 0), strings.NewReader("")), me: world.Caller{Account: "000000000000", Region: "us-east-1"}}
	s.vpc("vpc-a", "10.0.0.0/16", "a1", "a2")
	s.vpc("vpc-b", "10.1.0.0/16", "b1")
	s.vpc("vpc-c", "10.2.0.0/16", "c1")
	s.join("pcx-ab", "vpc-a", "vpc-b", world.PeeringActive)
	s.join("pcx-bc", "vpc-b", "vpc-c", world.PeeringActive)
	s.route("vpc-a", world.Route{Destination: prefix("10.1.0.0/16"), Peering: "pcx-ab"})
	s.route("vpc-b", world.Route{Destination: prefix("10.0.0.0/16"), Peering: "pcx-ab"})
	s.InternetGateways.Put(world.InternetGateway{ID: "igw-a", Meta: s.meta(), VPC: "vpc-a"})
	s.route("vpc-a", world.Route{Destination: prefix("0.0.0.0/0"), Internet: "igw-a"})
	e, _ := s.ENIs.Get("eni-a1")
	e.Public = netip.MustParseAddr("198.18.1.1")
	s.ENIs.Put(e)
	return s
}

func prefix(text string) netip.Prefix { return netip.MustParsePrefix(text) }

func (s *site) meta() world.Meta { return world.Meta{Account: s.me.Account, Region: s.me.Region} }

// vpc makes a VPC with a subnet a name, each with a running instance whose group lets everything pass.
func (s *site) vpc(id world.VPCID, cidr string, subnets ...string) {
	s.VPCs.Put(world.VPC{ID: id, Meta: s.meta(), CIDRs: []world.CIDRAssociation{{CIDR: prefix(cidr)}}, DNSSupport: true})
	s.RouteTables.Put(world.RouteTable{ID: world.RouteTableID("rtb-" + string(id[4:])), Meta: s.meta(), VPC: id, Index: 1, Main: true})
	all := world.NetworkACLEntry{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: prefix("0.0.0.0/0")}
	out := all
	out.Egress = true
	for i, name := range subnets {
		acl := world.NetworkACLID("acl-" + name)
		s.NetworkACLs.Put(world.NetworkACL{ID: acl, Meta: s.meta(), VPC: id, Entries: []world.NetworkACLEntry{all, out}})
		range24 := netip.PrefixFrom(world.Offset(prefix(cidr), 256*(i+1)), 24)
		s.Subnets.Put(world.Subnet{ID: world.SubnetID("subnet-" + name), Meta: s.meta(), VPC: id, CIDR: range24, NetworkACL: acl})
		s.SecurityGroups.Put(world.SecurityGroup{ID: world.SecurityGroupID("sg-" + name), Meta: s.meta(), VPC: id, Name: name})
		s.rule(name, "in", world.SecurityGroupRule{Protocol: world.AnyProtocol, CIDR: prefix("0.0.0.0/0")})
		s.rule(name, "out", world.SecurityGroupRule{Protocol: world.AnyProtocol, CIDR: prefix("0.0.0.0/0"), Egress: true})
		i4 := world.InstanceID("i-" + name)
		s.Instances.Put(world.Instance{ID: i4, Meta: s.meta(), VPC: id, Subnet: world.SubnetID("subnet-" + name), Power: world.Running})
		s.ENIs.Put(world.ENI{
			ID: world.ENIID("eni-" + name), Meta: s.meta(), VPC: id, Subnet: world.SubnetID("subnet-" + name), Index: uint32(i + 1),
			Addrs: []netip.Addr{world.Offset(range24, 10)}, Groups: []world.SecurityGroupID{world.SecurityGroupID("sg-" + name)},
			SourceDestCheck: true, Attachment: world.Attachment{ID: "eni-attach-" + name, Instance: i4},
		})
	}
}

func (s *site) rule(name, which string, r world.SecurityGroupRule) {
	r.ID, r.Meta, r.Group = world.SecurityGroupRuleID("sgr-"+name+which), s.meta(), world.SecurityGroupID("sg-"+name)
	s.SecurityGroupRules.Put(r)
}

func (s *site) join(id world.PeeringID, a, b world.VPCID, status string) {
	s.Peerings.Put(world.Peering{
		ID: id, Meta: s.meta(), Status: status, Requester: world.PeeringSide{VPC: a, Account: s.me.Account, Region: s.me.Region},
		Accepter: world.PeeringSide{VPC: b, Account: s.me.Account, Region: s.me.Region},
	})
}

func (s *site) route(v world.VPCID, r world.Route) {
	t, _ := s.RouteTables.Get(world.RouteTableID("rtb-" + string(v[4:])))
	t.Routes = append(append([]world.Route{}, t.Routes...), r)
	s.RouteTables.Put(t)
}

func (s *site) routes(v world.VPCID, rs ...world.Route) {
	t, _ := s.RouteTables.Get(world.RouteTableID("rtb-" + string(v[4:])))
	t.Routes = rs
	s.RouteTables.Put(t)
}

// deny puts a rule before those of an ACL.
func (s *site) deny(name string, egress bool, p world.PortRange) {
	a, _ := s.NetworkACLs.Get(world.NetworkACLID("acl-" + name))
	a.Entries = append([]world.NetworkACLEntry{{Number: 50, Egress: egress, Protocol: world.TCP, Ports: p, CIDR: prefix("0.0.0.0/0")}}, a.Entries...)
	s.NetworkACLs.Put(a)
}

func (s *site) nat(name string) {
	s.ENIs.Put(world.ENI{
		ID: "eni-nat", Meta: s.meta(), VPC: "vpc-a", Subnet: world.SubnetID("subnet-" + name), Index: 9, NAT: "nat-a",
		Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.20")}, InterfaceType: "nat_gateway",
	})
	s.NATGateways.Put(world.NATGateway{ID: "nat-a", Meta: s.meta(), VPC: "vpc-a", Subnet: world.SubnetID("subnet-" + name), ENI: "eni-nat"})
}

func (s *site) stop(name string) {
	i, _ := s.Instances.Get(world.InstanceID("i-" + name))
	i.Power = world.Stopped
	s.Instances.Put(i)
}

func (s *site) ask(q Query) world.Insight {
	if q.Protocol == 0 {
		q.Protocol = world.TCP
	}
	return Analyze(s.World, fabric.Compile(s.World), q)
}

func (s *site) fabric() *fabric.Fabric { return fabric.Compile(s.World) }
