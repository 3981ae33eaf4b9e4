package scenario

import (
	"strings"
	"testing"
)

// Endpoints of one VPC serve a peered one by their own names, as far as routes and groups let it; a gateway endpoint
// serves its own alone. Both go on when the daemon is killed and starts again.
func TestEndpointsBeyondTheirVPC(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "ap-northeast-1")
	x, y := l.addShop("172.16.0.0/16", "172.16.100.0/24", "172.16.200.0/24"), l.addShop("192.168.0.0/16", "192.168.100.0/24", "192.168.200.0/24")
	y1 := y.run(0, "192.168.100.58")
	group := l.addGroup(x.v, "endpoint")
	l.allow(group, "443", "172.16.0.0/16")
	e := x.endpoint("ec2", group, "--subnet-ids", x.v.subnets[0], x.v.subnets[1])
	l.running(y1)
	name := l.Pick("VpcEndpoints[0].DnsEntries[0].DnsName", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", e)
	at := l.addrs(y1, name)
	if len(at) != 2 || !strings.HasPrefix(at[0], "172.16.100.") || !strings.HasPrefix(at[1], "172.16.200.") {
		t.Fatalf("in another VPC %s is %q", name, at)
	}
	if got := l.addrs(y1, "ec2.ap-northeast-1.amazonaws.com"); len(got) != 1 || !strings.HasPrefix(got[0], "198.19.") {
		t.Errorf("the private name of another VPC is %q", got)
	}
	l.agree(y1, at[0], "443", "route")
	p := l.Pick("VpcPeeringConnection.VpcPeeringConnectionId", "ec2", "create-vpc-peering-connection", "--vpc-id", x.v.id, "--peer-vpc-id", y.v.id)
	l.AWS("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", p)
	for s, d := range map[*shop]string{x: "192.168.0.0/16", y: "172.16.0.0/16"} {
		l.AWS("ec2", "create-route", "--route-table-id", s.mainTable(), "--destination-cidr-block", d, "--vpc-peering-connection-id", p)
	}
	l.agree(y1, at[0], "443", "sg-in")
	l.allow(group, "443", "192.168.0.0/16")
	for _, a := range at {
		l.agree(y1, a, "443", "")
	}
	if got, ok := l.vpcsFrom(y1, name); !ok || !strings.Contains(got, x.v.id) {
		t.Errorf("over the peering: %s", got)
	}
	gate := y.gateway(y1)
	l.Kill()
	l.Up()
	l.Eventually("endpoints served again", func() bool {
		_, ok := l.vpcsFrom(y1, name)
		return ok
	})
	l.agree(y1, "s3.ap-northeast-1.amazonaws.com", "443", "")
	x.refusals(e, group)
	x.subnetLeaves(e, y1, at)
	l.AWS("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", e, gate)
	l.Eventually("endpoints gone", func() bool { return l.Pick("length(VpcEndpoints)", "ec2", "describe-vpc-endpoints") == "0" })
	l.agree(y1, "s3.ap-northeast-1.amazonaws.com", "443", "route")
	if n := l.Pick("length(NetworkInterfaces)", "ec2", "describe-network-interfaces", "--filters", "Name=vpc-id,Values="+x.v.id); n != "0" {
		t.Errorf("%s interfaces are left", n)
	}
}

func (s *shop) mainTable() string {
	s.T.Helper()
	return s.Pick("RouteTables[0].RouteTableId", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+s.v.id)
}

// gateway makes a gateway endpoint and looks at its route.
func (s *shop) gateway(i instance) string {
	s.T.Helper()
	const name = "s3.ap-northeast-1.amazonaws.com"
	s.agree(i, name, "443", "route")
	table := s.mainTable()
	args := []string{"ec2", "create-vpc-endpoint", "--vpc-id", s.v.id, "--service-name", "com.amazonaws.ap-northeast-1.s3", "--route-table-ids", table}
	e := s.Pick("VpcEndpoint.VpcEndpointId", args...)
	s.available(e)
	list := s.Pick("RouteTables[0].Routes[?GatewayId=='"+e+"'].DestinationPrefixListId", "ec2", "describe-route-tables", "--route-table-ids", table)
	if list != "pl-61a54008" {
		s.T.Errorf("the route to %s is for %q", e, list)
	}
	s.agree(i, name, "443", "")
	s.agree(i, name, "80", "listener")
	if out := s.Inside(i.id, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--aws-sigv4", "aws:amz:ap-northeast-1:s3", "--user", "a:b", "https://"+name+"/"); out != "501" {
		s.T.Errorf("S3 answers %s", out)
	}
	if out := s.Inside(i.id, "curl", "-sS", "--aws-sigv4", "aws:amz:ap-northeast-1:s3", "--user", "a:b", "https://"+name+"/"); !strings.Contains(out, "<Error><Code>NotImplemented</Code>") {
		s.T.Errorf("S3 says %s", out)
	}
	for what, want := range map[string][]string{
		"RouteAlreadyExists":    args,
		"InvalidParameterValue": {"ec2", "delete-route", "--route-table-id", table, "--destination-prefix-list-id", list},
	} {
		if got := s.Refused(want...); !strings.Contains(got, what) {
			s.T.Errorf("%v: %s", want, got)
		}
	}
	return e
}

// refusals: what AWS refuses about interface endpoints.
func (s *shop) refusals(e, group string) {
	s.T.Helper()
	same := s.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", s.v.id, "--cidr-block", "172.16.101.0/24", "--availability-zone",
		s.Pick("Subnets[0].AvailabilityZone", "ec2", "describe-subnets", "--subnet-ids", s.v.subnets[0]))
	create := func(service string, more ...string) []string {
		return append([]string{"ec2", "create-vpc-endpoint", "--vpc-endpoint-type", "Interface", "--vpc-id", s.v.id, "--service-name", service}, more...)
	}
	eni := s.Pick("NetworkInterfaces[0].NetworkInterfaceId", "ec2", "describe-network-interfaces", "--filters", "Name=subnet-id,Values="+s.v.subnets[0])
	for want, args := range map[string][]string{
		"DuplicateSubnetsInSameZone":    {"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e, "--add-subnet-ids", same},
		"already a conflicting DNS":     create("com.amazonaws.ap-northeast-1.ec2"),
		"InvalidServiceName":            create("com.amazonaws.ap-northeast-1.nothing"),
		"InvalidPolicyDocument":         create("com.amazonaws.ap-northeast-1.ssm", "--policy-document", "{"),
		"InvalidVpcEndpointId.NotFound": {"ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", "vpce-00000000000000000"},
		"DependencyViolation":           {"ec2", "delete-security-group", "--group-id", group},
		"OperationNotPermitted":         {"ec2", "delete-network-interface", "--network-interface-id", eni},
	} {
		if got := s.Refused(args...); !strings.Contains(got, want) {
			s.T.Errorf("%v: %s, want %s", args, got, want)
		}
	}
	s.AWS("ec2", "modify-vpc-attribute", "--vpc-id", s.v.id, "--no-enable-dns-hostnames")
	if got := s.Refused(create("com.amazonaws.ap-northeast-1.ssm")...); !strings.Contains(got, "Enabling private DNS requires both") {
		s.T.Error(got)
	}
	s.AWS("ec2", "modify-vpc-attribute", "--vpc-id", s.v.id, "--enable-dns-hostnames")
	if got := s.Pick("Unsuccessful[0].Error.Code", "ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", "vpce-00000000000000000"); got != "InvalidVpcEndpoint.NotFound" {
		s.T.Errorf("deleting what is not there: %s", got)
	}
}

// subnetLeaves: an endpoint that leaves a subnet goes on in the other.
func (s *shop) subnetLeaves(e string, i instance, at []string) {
	s.T.Helper()
	s.AWS("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e, "--remove-subnet-ids", s.v.subnets[0])
	s.available(e)
	s.agree(i, at[0], "443", "route")
	s.agree(i, at[1], "443", "")
}
