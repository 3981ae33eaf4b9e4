package scenario

import (
	"slices"
	"strings"
	"testing"
)

// The journey of the endpoint that broke another subnet: a node that is online over the internet loses its connection
// by an endpoint with private DNS that was made for others, and gets it back by one rule.
func TestJ2(t *testing.T) {
	t.Parallel()
	l := newLab(t, "172.30.0.0/24", "ap-northeast-1")
	l.addManagedRole()
	s := l.addShop("172.30.0.0/16", "172.30.0.0/24", "172.30.4.0/24")
	igw := s.Pick("InternetGateway.InternetGatewayId", "ec2", "create-internet-gateway")
	s.AWS("ec2", "attach-internet-gateway", "--internet-gateway-id", igw, "--vpc-id", s.v.id)
	table := s.Pick("RouteTable.RouteTableId", "ec2", "create-route-table", "--vpc-id", s.v.id)
	s.AWS("ec2", "associate-route-table", "--route-table-id", table, "--subnet-id", s.v.subnets[0])
	s.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", igw)
	public := s.run(0, "172.30.0.10", append(withAgent(), "--associate-public-ip-address")...)
	closed := s.run(1, "172.30.4.10", withAgent()...)
	s.running(public, closed)
	s.connected(public)
	const name = "ssm.ap-northeast-1.amazonaws.com"
	s.logged(closed, "Post https://"+name+"/: dial tcp "+s.addrs(closed, name)[0]+":443: i/o timeout")
	if got := s.ping(closed); got != "None" {
		t.Errorf("the closed node is %s", got)
	}

	group := s.addGroup(s.v, "endpoints")
	s.allow(group, "443", "172.30.4.0/24")
	ids := map[string]string{}
	for _, service := range nodeServices() {
		ids[service] = s.endpoint(service, group, "--private-dns-enabled", "--subnet-ids", s.v.subnets[1])
	}
	s.connected(closed)
	at := s.addrs(public, name)
	if len(at) != 1 || !strings.HasPrefix(at[0], "172.30.4.") || !slices.Equal(at, s.addrs(closed, name)) {
		t.Fatalf("with the endpoint %s is %q", name, at)
	}
	s.logged(public, "Post https://"+name+"/: dial tcp "+at[0]+":443: i/o timeout")
	s.logged(public, "INFO [ssm-agent-worker] [HealthCheck] increasing error count by 1")
	s.Eventually("the public node is lost", func() bool { return s.ping(public) == "ConnectionLost" })
	s.agree(public, name, "443", "sg-in")
	if got := s.ping(closed); got != "Online" {
		t.Errorf("the closed node is %s", got)
	}

	s.allow(group, "443", "172.30.0.0/24")
	s.Eventually("the public node is back", func() bool { return s.ping(public) == "Online" })
	s.agree(public, name, "443", "")

	s.AWS("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", ids["ssm"], "--remove-subnet-ids", s.v.subnets[1])
	s.Eventually("the name has no answer", func() bool {
		return len(s.addrs(public, name)) == 0 && len(s.addrs(closed, name)) == 0
	})
	if got := s.Inside(public.id, "sh", "-c", "nslookup "+name+" || true"); !strings.Contains(got, "Can't find "+name+": No answer") {
		t.Errorf("nslookup says %s", got)
	}
	s.Eventually("both nodes are lost", func() bool { return s.ping(public) == "ConnectionLost" && s.ping(closed) == "ConnectionLost" })
	s.AWS("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", ids["ssm"], "--add-subnet-ids", s.v.subnets[1])
	s.Eventually("both nodes are back", func() bool { return s.ping(public) == "Online" && s.ping(closed) == "Online" })

	zone := s.Pick("Subnets[0].AvailabilityZone", "ec2", "describe-subnets", "--subnet-ids", s.v.subnets[1])
	twin := s.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", s.v.id, "--cidr-block", "172.30.5.0/24", "--availability-zone", zone)
	if got := s.Refused("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", ids["ssm"], "--add-subnet-ids", twin); !strings.Contains(got, "DuplicateSubnetsInSameZone") {
		t.Errorf("a second subnet of a zone: %s", got)
	}
}
