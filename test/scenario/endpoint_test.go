package scenario

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// shop is a cloud with a VPC that has DNS host names and a subnet in each of two zones.
type shop struct {
	*lab
	v *vpc
}

// addShop makes a VPC with host names and subnets a and b in two zones.
func (l *lab) addShop(cidr, a, b string) *shop {
	l.T.Helper()
	s := &shop{lab: l, v: &vpc{id: l.Pick("Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", cidr)}}
	l.AWS("ec2", "modify-vpc-attribute", "--vpc-id", s.v.id, "--enable-dns-hostnames", `{"Value":true}`)
	zones := strings.Fields(l.Pick("AvailabilityZones[:2].ZoneName", "ec2", "describe-availability-zones"))
	for i, c := range []string{a, b} {
		s.v.subnets = append(s.v.subnets, l.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", s.v.id, "--cidr-block", c, "--availability-zone", zones[i]))
	}
	s.v.group = l.addGroup(s.v, "instances")
	return s
}

// run runs an instance with an address in one of the subnets.
func (s *shop) run(subnet int, addr string, more ...string) instance {
	s.T.Helper()
	i := instance{addr: addr}
	i.id = s.Pick("Instances[0].InstanceId", append([]string{"ec2", "run-instances", "--image-id", s.ami, "--instance-type", "t3.micro",
		"--subnet-id", s.v.subnets[subnet], "--private-ip-address", addr, "--security-group-ids", s.v.group}, more...)...)
	return i
}

// endpoint makes an interface endpoint and waits until it is available.
func (s *shop) endpoint(service, group string, more ...string) string {
	s.T.Helper()
	id := s.Pick("VpcEndpoint.VpcEndpointId", append([]string{"ec2", "create-vpc-endpoint", "--vpc-endpoint-type", "Interface", "--vpc-id", s.v.id,
		"--service-name", "com.amazonaws." + s.Region + "." + service, "--security-group-ids", group}, more...)...)
	s.available(id)
	return id
}

func (s *shop) available(id string) {
	s.T.Helper()
	s.Eventually(id+" available", func() bool {
		return s.Pick("VpcEndpoints[0].State", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", id) == "available"
	})
}

// addrs are the addresses a name has in an instance, sorted.
func (l *lab) addrs(i instance, name string) []string {
	l.T.Helper()
	out := strings.Fields(l.Inside(i.id, "dig", "+short", name))
	slices.Sort(out)
	return out
}

// vpcsFrom asks EC2 for VPCs from within an instance, by the name and with the trust every program there has.
func (l *lab) vpcsFrom(i instance, host string) (string, bool) {
	l.T.Helper()
	id, secret := "", ""
	for _, e := range l.Environ() {
		if v, ok := strings.CutPrefix(e, "AWS_ACCESS_KEY_ID="); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(e, "AWS_SECRET_ACCESS_KEY="); ok {
			secret = v
		}
	}
	out, errs, ok := l.Exec(i.id, "curl", "-sS", "--connect-timeout", "3", "--aws-sigv4", "aws:amz:"+l.Region+":ec2", "--user", id+":"+secret,
		"-d", "Action=DescribeVpcs&Version=2016-11-15", "https://"+host+"/")
	return out + errs, ok
}

// The second journey: an endpoint with private DNS, made for one subnet, takes its service from another one that reached
// it over the internet. What kumiko diff foretells is what happens, and the rule it names mends it.
func TestEndpointThatBrokeAnotherSubnet(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "ap-northeast-1")
	s := l.addShop("172.30.0.0/16", "172.30.0.0/24", "172.30.4.0/24")
	igw := s.Pick("InternetGateway.InternetGatewayId", "ec2", "create-internet-gateway")
	s.AWS("ec2", "attach-internet-gateway", "--internet-gateway-id", igw, "--vpc-id", s.v.id)
	table := s.Pick("RouteTable.RouteTableId", "ec2", "create-route-table", "--vpc-id", s.v.id)
	s.AWS("ec2", "associate-route-table", "--route-table-id", table, "--subnet-id", s.v.subnets[0])
	s.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", igw)
	open, closed := s.run(0, "172.30.0.10", "--associate-public-ip-address"), s.run(1, "172.30.4.10")
	s.running(open, closed)

	const name = "ec2.ap-northeast-1.amazonaws.com"
	if got := s.addrs(open, name); len(got) != 1 || !strings.HasPrefix(got[0], "198.19.") {
		t.Fatalf("without an endpoint %s is %q", name, got)
	}
	s.agree(open, name, "443", "")
	s.agree(closed, name, "443", "route")
	if got, ok := s.vpcsFrom(open, name); !ok || !strings.Contains(got, s.v.id) {
		t.Errorf("over the internet: %s", got)
	}

	group := s.addGroup(s.v, "endpoint")
	s.allow(group, "443", "172.30.4.0/24")
	args := []string{"ec2", "create-vpc-endpoint", "--vpc-endpoint-type", "Interface", "--vpc-id", s.v.id, "--private-dns-enabled",
		"--service-name", "com.amazonaws.ap-northeast-1.ec2", "--security-group-ids", group, "--subnet-ids", s.v.subnets[1]}
	out, errs, _ := s.Try(testkit.Binary(t), append([]string{"diff", "--", "aws"}, args...)...)
	for _, want := range []string{name, open.id, closed.id, group + " has no ingress rule for tcp/443 from 172.30.0.10"} {
		if !strings.Contains(out, want) {
			t.Errorf("kumiko diff does not tell of %s:\n%s%s", want, out, errs)
		}
	}
	e := s.Pick("VpcEndpoint.VpcEndpointId", args...)
	s.available(e)
	at := s.addrs(open, name)
	if len(at) != 1 || !strings.HasPrefix(at[0], "172.30.4.") || !slices.Equal(at, s.addrs(closed, name)) {
		t.Fatalf("with the endpoint %s is %q", name, at)
	}
	s.agree(closed, name, "443", "")
	s.agree(open, name, "443", "sg-in")
	if got, ok := s.vpcsFrom(closed, name); !ok || !strings.Contains(got, s.v.id) {
		t.Errorf("through the endpoint: %s", got)
	}
	s.allow(group, "443", "172.30.0.0/24")
	s.agree(open, name, "443", "")
	s.endpointTakes(open, e, at[0], group)
	s.endpointOfNoSubnet(open, closed, e, name)
}

// endpointTakes: an endpoint answers at one port, and for one service.
func (s *shop) endpointTakes(i instance, e, at, group string) {
	s.AWS("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "-1", "--cidr", "172.30.0.0/16")
	s.agree(i, at, "80", "listener")
	names := strings.Fields(s.Pick("VpcEndpoints[0].DnsEntries[].DnsName", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", e))
	regional := regexp.MustCompile(`^vpce-[0-9a-z]+-[0-9a-z]+\.ec2\.ap-northeast-1\.vpce\.amazonaws\.com$`)
	if len(names) != 3 || !regional.MatchString(names[0]) || regional.MatchString(names[1]) || names[2] != "ec2.ap-northeast-1.amazonaws.com" {
		s.T.Errorf("the names of %s are %q", e, names)
	}
	for _, name := range names[:2] {
		if got, ok := s.vpcsFrom(i, name); !ok || !strings.Contains(got, s.v.id) {
			s.T.Errorf("%s: %s", name, got)
		}
	}
	out := s.Inside(i.id, "curl", "-sS", "--aws-sigv4", "aws:amz:ap-northeast-1:sts", "--user", "a:b", "-d", "Action=GetCallerIdentity&Version=2011-06-15",
		"--connect-to", "::"+at+":443", "https://sts.ap-northeast-1.amazonaws.com/")
	if !strings.Contains(out, "serves com.amazonaws.ap-northeast-1.ec2") {
		s.T.Errorf("an endpoint for ec2 says to sts: %s", out)
	}
}

// endpointOfNoSubnet: with no subnet left the name has no answer, anywhere in the VPC.
func (s *shop) endpointOfNoSubnet(open, closed instance, e, name string) {
	s.AWS("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e, "--remove-subnet-ids", s.v.subnets[1])
	s.available(e)
	for _, i := range []instance{open, closed} {
		out, _, _ := s.Exec(i.id, "nslookup", name)
		if !strings.Contains(out, "*** Can't find "+name+": No answer") {
			s.T.Errorf("in %s: %s", i.id, out)
		}
	}
	if got := s.Pick("length(NetworkInterfaces)", "ec2", "describe-network-interfaces", "--filters", "Name=interface-type,Values=vpc_endpoint"); got != "0" {
		s.T.Errorf("%s interfaces are left", got)
	}
	s.AWS("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", e)
	s.Eventually("endpoint gone", func() bool {
		return s.Pick("length(VpcEndpoints)", "ec2", "describe-vpc-endpoints") == "0"
	})
	s.agree(open, name, "443", "")
}
