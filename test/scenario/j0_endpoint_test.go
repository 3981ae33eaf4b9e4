package scenario

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
)

// vpcEndpoint is an endpoint as DescribeVpcEndpoints and CreateVpcEndpoint show it.
type vpcEndpoint struct {
	VpcEndpointID       string `json:"VpcEndpointId"`
	State               string
	IPAddressType       string   `json:"IpAddressType"`
	SubnetIDs           []string `json:"SubnetIds"`
	PrivateDNSEnabled   bool     `json:"PrivateDnsEnabled"`
	NetworkInterfaceIDs []string `json:"NetworkInterfaceIds"`
	ServiceNetworkArn   string
	FailureReason       string
}

func (l *lab) networkARN(network string) string {
	return "arn:aws:vpc-lattice:" + l.Region + ":000000000000:servicenetwork/" + network
}

// addEndpoint makes an endpoint of a service network with the transcript's command.
func (l *lab) addEndpoint(v *vpc, network, group string, subnets ...string) vpcEndpoint {
	l.T.Helper()
	args := append([]string{"ec2", "create-vpc-endpoint", "--vpc-endpoint-type", "ServiceNetwork", "--service-network-arn", l.networkARN(network),
		"--vpc-id", v.id, "--security-group-ids", group, "--private-dns-enabled", "--subnet-ids"}, subnets...)
	out := l.AWS(args...)
	var got struct{ VpcEndpoint vpcEndpoint }
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		l.T.Fatal(err)
	}
	e := got.VpcEndpoint
	if e.State != "Pending" || e.IPAddressType != "IPV4" || !e.PrivateDNSEnabled || len(e.SubnetIDs) != len(subnets) || e.ServiceNetworkArn != l.networkARN(network) ||
		strings.Contains(out, "NetworkInterfaceIds") || strings.Contains(out, "DnsEntries") || strings.Contains(out, "ServiceName") || strings.Contains(out, "PolicyDocument") {
		l.T.Errorf("the answer to create-vpc-endpoint: %s", out)
	}
	return e
}

// settled waits until an endpoint is no longer pending.
func (l *lab) settled(id string) vpcEndpoint {
	l.T.Helper()
	var e vpcEndpoint
	l.Eventually(id+" settled", func() bool {
		var got struct{ VpcEndpoints []vpcEndpoint }
		if err := json.Unmarshal([]byte(l.AWS("ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", id)), &got); err != nil {
			l.T.Fatal(err)
		}
		e = got.VpcEndpoints[0]
		return e.State != "Pending"
	})
	return e
}

// deleteEndpoint deletes an endpoint and waits until it is gone.
func (l *lab) deleteEndpoint(id string) {
	l.T.Helper()
	if got := l.Pick("length(Unsuccessful)", "ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", id); got != "0" {
		l.T.Errorf("delete %s: %s unsuccessful", id, got)
	}
	l.Eventually(id+" gone", func() bool {
		_, errs, ok := l.Try("aws", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", id)
		return !ok && strings.Contains(errs, "InvalidVpcEndpointId.NotFound")
	})
}

func (l *lab) free(subnet string) string {
	l.T.Helper()
	return l.Pick("Subnets[0].AvailableIpAddressCount", "ec2", "describe-subnets", "--subnet-ids", subnet)
}

// atEndpoint gives the names of the resources at an endpoint, by configuration, once all are accessible.
func (l *lab) atEndpoint(id string, n int) map[string]string {
	l.T.Helper()
	names := map[string]string{}
	l.Eventually("resources accessible at "+id, func() bool {
		rows := l.Pick("VpcEndpointAssociations[?AssociatedResourceAccessibility=='Accessible'].[AssociatedResourceArn, DnsEntry.DnsName]",
			"ec2", "describe-vpc-endpoint-associations", "--vpc-endpoint-ids", id)
		f := strings.Fields(rows)
		for i := 0; i+1 < len(f); i += 2 {
			_, cfg, _ := strings.Cut(f[i], "/")
			names[cfg] = f[i+1]
		}
		return len(names) == n
	})
	return names
}

// endpointsWithoutRoom: an endpoint that does not fit fails, and says why; its names have no address.
func (s *story) endpointsWithoutRoom() {
	v := &vpc{id: s.Pick("Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", s.cidr.String())}
	for i, cidr := range []string{s.addr(0) + "/28", s.addr(16) + "/28", s.addr(64) + "/26", s.addr(128) + "/26"} {
		zone := s.Pick("AvailabilityZones["+string(rune('0'+i%2))+"].ZoneName", "ec2", "describe-availability-zones")
		v.subnets = append(v.subnets, s.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", v.id, "--cidr-block", cidr, "--availability-zone", zone))
	}
	group := s.addGroup(v, "endpoint")
	e := s.settled(s.addEndpoint(v, s.network, group, v.subnets[:2]...).VpcEndpointID)
	if e.State != "Failed" || len(e.NetworkInterfaceIDs) != 0 {
		s.T.Errorf("an endpoint without room is %+v", e)
	}
	failed := strings.Fields(s.Pick("VpcEndpointAssociations[].[FailureCode, DnsEntry.DnsName]", "ec2", "describe-vpc-endpoint-associations", "--vpc-endpoint-ids", e.VpcEndpointID))
	if len(failed) != 6 || failed[0] != "InsufficientFreeAddressesInSubnet" || !strings.HasPrefix(failed[1], e.VpcEndpointID+"-snra-") {
		s.T.Fatalf("its associations: %v", failed)
	}
	if out := s.Inside(s.a1.id, "dig", failed[1]); !strings.Contains(out, "status: NOERROR") || !strings.Contains(out, "ANSWER: 0") || !strings.Contains(out, "SOA ns-336.awsdns-42.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400") {
		s.T.Errorf("its names answer\n%s", out)
	}
	s.deleteEndpoint(e.VpcEndpointID)
	before := s.free(v.subnets[2])
	e = s.settled(s.addEndpoint(v, s.network, group, v.subnets[2:]...).VpcEndpointID)
	if after := s.free(v.subnets[2]); e.State != "Available" || len(e.NetworkInterfaceIDs) != 2 || before != "59" || after != "42" {
		s.T.Errorf("in two subnets of 64 addresses it is %+v; free addresses fall from %s to %s", e, before, after)
	}
	s.deleteEndpoint(e.VpcEndpointID)
	if got := s.free(v.subnets[2]); got != "59" {
		s.T.Errorf("after it is deleted %s addresses are free", got)
	}
	s.deleteVPC(v)
}

// endpoint: in a subnet of 128 addresses it becomes available, takes 34 of them, and leads to the resources.
func (s *story) endpoint() {
	a := s.vpcs["a"]
	if got := s.free(a.subnets[1]); got != "123" {
		s.T.Fatalf("%s addresses are free", got)
	}
	e := s.settled(s.addEndpoint(a, s.network, s.clients, a.subnets[1]).VpcEndpointID)
	if e.State != "Available" || len(e.NetworkInterfaceIDs) != 2 || s.free(a.subnets[1]) != "89" {
		s.T.Fatalf("the endpoint is %+v; %s addresses are free", e, s.free(a.subnets[1]))
	}
	enis := s.AWS("ec2", "describe-network-interfaces", "--filters", "Name=subnet-id,Values="+a.subnets[1])
	for _, want := range []string{`"Description": "VPC Endpoint Interface ` + e.VpcEndpointID + `"`, `"RequesterManaged": true`, `"Ipv4Prefix": "`, `"Key": "VpcLatticeManaged"`,
		`"InstanceOwnerId": "amazon-aws"`, `"RequesterId": "396074869647"`, `"DenyAllIgwTraffic": true`} {
		if strings.Count(enis, want) != 2 {
			s.T.Errorf("not twice %s in\n%s", want, enis)
		}
	}
	var prefixes []netip.Prefix
	for _, p := range strings.Fields(s.Pick("NetworkInterfaces[].Ipv4Prefixes[].Ipv4Prefix", "ec2", "describe-network-interfaces", "--filters", "Name=subnet-id,Values="+a.subnets[1])) {
		prefixes = append(prefixes, netip.MustParsePrefix(p))
	}
	names := s.atEndpoint(e.VpcEndpointID, 3)
	for _, r := range s.resources {
		name := names[r.configuration]
		if name != e.VpcEndpointID+"-"+r.name {
			s.T.Errorf("the name of %s at the endpoint is %s", r.configuration, name)
		}
		addr, err := netip.ParseAddr(s.Inside(s.a1.id, "dig", "+short", name))
		if err != nil || !prefixes[0].Contains(addr) && !prefixes[1].Contains(addr) {
			s.T.Errorf("%s has the address %s, which is in none of %v", name, addr, prefixes)
		}
		if got := s.Inside(s.b1.id, "dig", "+short", name); got != addr.String() {
			s.T.Errorf("in another VPC %s has the address %q", name, got)
		}
		s.login(name, r)
	}
	s.endpointRecord(e.VpcEndpointID)
	s.endpointChanges(e.VpcEndpointID, names[s.resources[0].configuration])
	s.withoutAssociation(names)
	s.deleteEndpoint(e.VpcEndpointID)
	if got := s.free(a.subnets[1]); got != "123" {
		s.T.Errorf("after the endpoint is deleted %s addresses are free", got)
	}
}

// login: a name leads to its machine.
func (s *story) login(name string, r *resource) {
	s.T.Helper()
	got := strings.Fields(s.Inside(s.a1.id, "ssh", "-i", "/home/ec2-user/lab.pem", "-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=10", "ec2-user@"+name, visit))
	if len(got) != 3 || got[0] != r.addr || got[1] != r.id {
		s.T.Errorf("behind %s is %v, want %s %s", name, got, r.addr, r.id)
	}
}

// endpointRecord: the access log tells by which endpoint a connection came.
func (s *story) endpointRecord(id string) {
	s.Eventually("a record of the endpoint", func() bool {
		messages := s.Pick("events[].message", "logs", "get-log-events", "--log-group-name", logGroup, "--log-stream-name",
			"/aws/vpc-lattice/resource-access-logs/"+s.network, "--start-from-head")
		return strings.Contains(messages, `"vpcEndpointId":"`+id+`","sourceVpcArn":"arn:aws:ec2:`+s.Region+`:000000000000:vpc/`+s.vpcs["a"].id+`"`)
	})
}

// endpointChanges: groups can be changed and decide; subnets cannot.
func (s *story) endpointChanges(id, name string) {
	a := s.vpcs["a"]
	if got := s.Refused("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id, "--add-subnet-ids", a.subnets[0]); !strings.Contains(got, "(InvalidParameter)") {
		s.T.Errorf("adding a subnet: %s", got)
	}
	s.agree(s.a1, name, "22", "")
	s.agree(s.a1, name, "23", "sg-in")
	s.allow(s.clients, "23", s.cidr.String())
	s.agree(s.a1, name, "23", "listener")
	s.deny(s.clients, "23", s.cidr.String())
	closed := s.addGroup(a, "closed")
	s.AWS("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id, "--add-security-group-ids", closed, "--remove-security-group-ids", s.clients)
	s.settled(id)
	s.agree(s.a1, name, "22", "sg-in")
	s.AWS("ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", id, "--add-security-group-ids", s.clients, "--remove-security-group-ids", closed)
	s.settled(id)
	s.agree(s.a1, name, "22", "")
}

// withoutAssociation: without the VPC association its names stop, and the endpoint's go on; with a new one both work.
func (s *story) withoutAssociation(names map[string]string) {
	id := []string{"--service-network-vpc-association-identifier", s.vpcJoin}
	if got := s.Pick("status", append([]string{"vpc-lattice", "delete-service-network-vpc-association"}, id...)...); got != "DELETE_IN_PROGRESS" {
		s.T.Errorf("the association is %s", got)
	}
	s.Eventually("no association", func() bool {
		return s.Pick("length(items)", "vpc-lattice", "list-service-network-vpc-associations", "--service-network-identifier", s.network) == "0"
	})
	r := s.resources[2]
	if got := s.Inside(s.a1.id, "dig", "+short", r.name); got != "" {
		s.T.Errorf("without the association %s has the address %s", r.name, got)
	}
	s.login(names[r.configuration], r)
	if got := s.Refused("vpc-lattice", "delete-service-network-resource-association", "--service-network-resource-association-identifier", "snra-00000000000000000"); got == "" {
		s.T.Error("an association nobody has was deleted")
	}
	if got := s.Pick("items[0].[vpcId, state]", "vpc-lattice", "list-service-network-vpc-endpoint-associations", "--service-network-identifier", s.network); got != s.vpcs["a"].id+"\tACTIVE" {
		s.T.Errorf("the network's endpoints: %q", got)
	}
	s.vpcJoin = s.associate(s.vpcs["a"], s.network, s.clients)
	s.login(r.name, r)
	s.login(names[r.configuration], r)
}

// Endpoints of two VPCs with the same range have the same address for different resources of one gateway; clients with
// the same address and port reach each its own, at once. A new daemon takes them over as they are; with the endpoint ends
// what goes through it, and nothing is left.
func TestTwinEndpoints(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	a, d, b := l.addVPC("a"), l.addVPC("d"), l.addVPC("b")
	b1, b2 := l.start(b, 53), l.start(b, 117)
	l.addGateway(b, "shared")
	l.allow(b.group, "5432", b.out)
	type side struct {
		*vpc
		client   instance
		resource *resource
		endpoint string
		name     string
		talk     *conversation
	}
	sides := []*side{{vpc: a, client: l.start(a, 36)}, {vpc: d, client: l.start(d, 36)}}
	for i, s := range sides {
		network := l.Pick("id", "vpc-lattice", "create-service-network", "--name", "twin-"+string(rune('a'+i)))
		s.resource = l.addResource(b, []instance{b1, b2}[i], "5432", network, "twin-"+string(rune('a'+i)))
		group := l.addGroup(s.vpc, "endpoint")
		l.allow(group, "5432", l.cidr.String())
		s.endpoint = l.addEndpoint(s.vpc, network, group, s.subnets[1]).VpcEndpointID
	}
	l.running(sides[0].client, sides[1].client, b1, b2)
	l.serve(b1, "5432")
	l.serve(b2, "5432")
	var addrs []string
	for _, s := range sides {
		l.settled(s.endpoint)
		s.name = l.atEndpoint(s.endpoint, 1)[s.resource.configuration]
		addrs = append(addrs, l.Inside(s.client.id, "dig", "+short", s.name))
		s.talk = l.talk(s.client, s.name, "5432", "40000")
		if !strings.HasPrefix(s.talk.greeting, s.resource.id+" sees ") {
			t.Errorf("%s → %s: %q", s.client.id, s.resource.id, s.talk.greeting)
		}
	}
	if addrs[0] != addrs[1] {
		t.Errorf("the endpoints' addresses are %v", addrs)
	}
	alive := func(when string) {
		for _, s := range sides {
			if !s.talk.alive() {
				t.Errorf("%s the conversation of %s is cut off", when, s.client.id)
			}
		}
	}
	alive("at once")
	l.Kill()
	l.Up()
	alive("after another daemon took over")
	l.agree(sides[0].client, sides[0].name, "5432", "")
	l.deleteEndpoint(sides[0].endpoint)
	if got := l.Pick("length(NetworkInterfaces[?starts_with(Description, 'VPC Endpoint')])", "ec2", "describe-network-interfaces"); got != "2" {
		t.Errorf("%s interfaces of endpoints are left", got)
	}
	if l.opens(sides[0].client, addrs[0], "5432") || !sides[1].talk.alive() {
		t.Error("the wrong endpoint was deleted")
	}
	for _, s := range sides {
		if err := s.talk.cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = s.talk.cmd.Wait() // killed
	}
}
