package scenario

import (
	"slices"
	"strings"
	"testing"
)

// shared is the first journey's pair of VPCs: one has the endpoints of three services, the other uses them over a peering.
type shared struct {
	*lab
	shop, user *shop
	group      string // of the endpoints
	client     instance
	peering    string
	names      map[string]string // the services' names to their endpoints
	at         map[string][]string
}

// One set of endpoints serves another VPC by the services' own names: private hosted zones lead them to the endpoints, and
// requests go over the peering – as long as it, both routes and both groups' rules are there.
func TestSharedEndpoints(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "ap-northeast-1")
	s := &shared{lab: l, shop: l.addShop("172.16.0.0/16", "172.16.100.0/24", "172.16.200.0/24"), names: map[string]string{}, at: map[string][]string{}}
	s.user = l.addShop("192.168.0.0/16", "192.168.100.0/24", "192.168.200.0/24")
	inside := s.shop.run(0, "172.16.100.10")
	s.client = s.user.run(0, "192.168.100.58")
	s.group = l.addGroup(s.shop.v, "endpoints")
	l.allow(s.group, "443", "172.16.0.0/16")
	for _, service := range []string{"ssm", "ssmmessages", "ec2messages"} {
		s.names[service+".ap-northeast-1.amazonaws.com"] = s.shop.endpoint(service, s.group, "--subnet-ids", s.shop.v.subnets[0], s.shop.v.subnets[1])
	}
	l.running(inside, s.client)
	for name := range s.names {
		at := l.addrs(inside, name)
		if len(at) != 2 || !strings.HasPrefix(at[0], "172.16.100.") || !strings.HasPrefix(at[1], "172.16.200.") {
			t.Fatalf("beside the endpoint %s is %q", name, at)
		}
		s.at[name] = at
		s.requests(inside, name)
		if got := l.addrs(s.client, name); len(got) != 1 || !strings.HasPrefix(got[0], "198.19.") {
			t.Errorf("before there are zones %s is %q", name, got)
		}
		l.agree(s.client, name, "443", "route")
	}
	s.join()
	s.zones()
	for name := range s.names {
		s.requests(s.client, name)
	}
	s.lacks()
}

// requests makes a TLS request that must be answered by the endpoint.
func (s *shared) requests(i instance, name string) {
	s.T.Helper()
	got, errs, ok := s.Exec(i.id, "curl", "-sS", "--connect-timeout", "3", "-o", "/dev/null", "-w", "%{remote_ip}", "https://"+name+"/")
	if !ok || !slices.Contains(s.at[name], got) {
		s.T.Errorf("%s asks %s: answered by %q, want one of %q %s", i.id, name, got, s.at[name], errs)
	}
}

// join peers the two VPCs, with routes and rules on both sides.
func (s *shared) join() {
	s.T.Helper()
	s.peering = s.Pick("VpcPeeringConnection.VpcPeeringConnectionId", "ec2", "create-vpc-peering-connection", "--vpc-id", s.shop.v.id, "--peer-vpc-id", s.user.v.id)
	s.AWS("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", s.peering)
	for _, to := range []*shop{s.shop, s.user} {
		s.routes(to, "create-route", "--vpc-peering-connection-id", s.peering)
	}
	s.allow(s.group, "443", "192.168.0.0/16")
	every := []string{"ec2", "revoke-security-group-egress", "--group-id", s.user.v.group, "--protocol", "-1", "--cidr", "0.0.0.0/0"}
	s.AWS(every...)
	s.egress("authorize-security-group-egress")
}

// routes makes or deletes the route from one of the VPCs to the other.
func (s *shared) routes(from *shop, verb string, more ...string) {
	s.T.Helper()
	to := "172.16.0.0/16"
	if from == s.shop {
		to = "192.168.0.0/16"
	}
	s.AWS(append([]string{"ec2", verb, "--route-table-id", from.mainTable(), "--destination-cidr-block", to}, more...)...)
}

// egress changes the rule that lets the client out.
func (s *shared) egress(verb string) {
	s.T.Helper()
	s.AWS("ec2", verb, "--group-id", s.user.v.group, "--protocol", "tcp", "--port", "443", "--cidr", "172.16.0.0/16")
}

// zones makes a private hosted zone for each service's name, which leads to the regional name of its endpoint.
func (s *shared) zones() {
	s.T.Helper()
	for name, endpoint := range s.names {
		zone := s.zone(name, s.user.v)
		if got := s.digs(s.client, name, "A"); !strings.HasPrefix(got, "NOERROR, SOA ") {
			s.T.Errorf("an empty zone of the name says %q", got)
		}
		entry := strings.Fields(s.Pick("VpcEndpoints[0].DnsEntries[0].[DnsName, HostedZoneId]", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint))
		s.AWS("route53", "change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", `{"Changes": [{"Action": "CREATE", "ResourceRecordSet": {
			"Name": "`+name+`", "Type": "A", "AliasTarget": {"HostedZoneId": "`+entry[1]+`", "DNSName": "`+entry[0]+`", "EvaluateTargetHealth": true}}}]}`)
		s.Eventually(name+" leads to the endpoint", func() bool { return slices.Equal(s.addrs(s.client, name), s.at[name]) })
		if got := s.digs(s.client, "x."+name, "A"); !strings.HasPrefix(got, "NXDOMAIN") {
			s.T.Errorf("below the zone's name: %q", got)
		}
	}
}

// lacks takes away one thing of those that are needed after another, and gives it back.
func (s *shared) lacks() {
	s.T.Helper()
	const name = "ssm.ap-northeast-1.amazonaws.com"
	closed := func(station string) {
		s.T.Helper()
		s.agree(s.client, s.at[name][0], "443", station)
		s.agree(s.client, s.at[name][1], "443", station)
	}
	s.deny(s.group, "443", "192.168.0.0/16")
	closed("sg-in")
	s.allow(s.group, "443", "192.168.0.0/16")
	s.egress("revoke-security-group-egress")
	closed("sg-out")
	s.egress("authorize-security-group-egress")
	for _, from := range []*shop{s.shop, s.user} {
		s.routes(from, "delete-route")
		closed("route")
		s.routes(from, "create-route", "--vpc-peering-connection-id", s.peering)
	}
	closed("")
	s.requests(s.client, name)
	s.AWS("ec2", "delete-vpc-peering-connection", "--vpc-peering-connection-id", s.peering)
	closed("route")
	if got := s.addrs(s.client, name); !slices.Equal(got, s.at[name]) {
		s.T.Errorf("without the peering %s is %q", name, got)
	}
}
