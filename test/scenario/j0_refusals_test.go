package scenario

import (
	"strings"

	"kumiko/internal/testkit"
)

// closedGroups: a closed group at any of the three places closes the path, and that path only.
func (s *story) closedGroups() {
	b := s.vpcs["b"]
	b1, c1 := s.resources[0].name, s.resources[2].name
	s.agree(s.a1, b1, "22", "")

	s.deny(s.clients, s.ports, s.cidr.String())
	s.agree(s.a1, b1, "22", "sg-association")
	s.allow(s.clients, s.ports, s.cidr.String())
	s.agree(s.a1, b1, "22", "")

	everything := []string{"--ip-permissions", "IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/0}]"}
	s.AWS(append([]string{"ec2", "revoke-security-group-egress", "--group-id", b.out}, everything...)...)
	s.agree(s.a1, b1, "22", "sg-out")
	s.agree(s.a1, c1, "22", "")
	s.AWS(append([]string{"ec2", "authorize-security-group-egress", "--group-id", b.out}, everything...)...)
	s.agree(s.a1, b1, "22", "")

	s.deny(b.group, s.ports, b.out)
	s.agree(s.a1, b1, "22", "sg-in")
	s.agree(s.a1, c1, "22", "")
	s.allow(b.group, s.ports, b.out)
	s.agree(s.a1, b1, "22", "")
}

// portsOutside: a port outside the configuration's ranges stays closed, however open the groups are.
func (s *story) portsOutside() {
	s.allow(s.clients, "9000", s.cidr.String())
	s.allow(s.vpcs["b"].group, "9000", s.vpcs["b"].out)
	s.serve(s.b1, "9000")
	s.agree(s.a1, s.resources[0].name, "9000", "listener")
}

// validation: both refusals of the transcript, in their words.
func (s *story) validation() {
	v := s.vpcs["c"]
	arn := "arn:aws:ec2:" + s.Region + ":000000000000:instance/" + s.c1.id
	got := s.Refused("vpc-lattice", "create-resource-configuration", "--name", "by-arn", "--type", "ARN",
		"--resource-configuration-definition", "arnResource={arn="+arn+"}", "--resource-gateway-identifier", v.gateway)
	if want := "An error occurred (ValidationException) when calling the CreateResourceConfiguration operation: ARN-based integration is only supported for RDS and not " + arn; !strings.Contains(got, want) {
		s.T.Errorf("got  %s\nwant %s", got, want)
	}
	id := s.Pick("Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", "10.99.0.0/24")
	small := s.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", id, "--cidr-block", "10.99.0.0/28")
	got = s.Refused("vpc-lattice", "create-resource-gateway", "--name", "too-small", "--vpc-identifier", id, "--subnet-ids", small, "--ip-address-type", "IPV4")
	if want := "An error occurred (ValidationException) when calling the CreateResourceGateway operation: Subnet " + small +
		" is not valid because it doesn't have the minimum number of IPv4 addresses. Specify a subnet with at least 16 IPv4 addresses."; !strings.Contains(got, want) {
		s.T.Errorf("got  %s\nwant %s", got, want)
	}
	s.AWS("ec2", "delete-subnet", "--subnet-id", small)
	s.AWS("ec2", "delete-vpc", "--vpc-id", id)
}

// wrongOrder: what others depend on cannot be deleted.
func (s *story) wrongOrder() {
	conflicts := map[string][]string{
		"ServiceNetwork " + s.network + " has ": {"vpc-lattice", "delete-service-network", "--service-network-identifier", s.network},
		"ConflictException":                     {"vpc-lattice", "delete-resource-gateway", "--resource-gateway-identifier", s.vpcs["b"].gateway},
		"(ConflictException)":                   {"vpc-lattice", "delete-resource-configuration", "--resource-configuration-identifier", s.resources[0].configuration},
		"DependencyViolation":                   {"ec2", "delete-subnet", "--subnet-id", s.vpcs["b"].subnets[0]},
		"(DependencyViolation)":                 {"ec2", "delete-security-group", "--group-id", s.vpcs["b"].out},
		"(DependencyViolation) when":            {"ec2", "delete-vpc", "--vpc-id", s.vpcs["c"].id},
	}
	for want, call := range conflicts {
		if got := s.Refused(call...); !strings.Contains(got, want) {
			s.T.Errorf("%s: got %s, want %s", strings.Join(call, " "), got, want)
		}
	}
	s.agree(s.a1, s.resources[0].name, strings.Split(s.ports, "-")[0], "")
}

// rightOrder: everything can be deleted, and then nothing is left of it.
func (s *story) rightOrder() {
	lattice := func(op string, args ...string) { s.AWS(append([]string{"vpc-lattice", op}, args...)...) }
	gone := func(op string, args ...string) {
		s.Eventually(op+" not found", func() bool {
			_, errs, ok := s.Try("aws", append([]string{"vpc-lattice", op}, args...)...)
			return !ok && strings.Contains(errs, "ResourceNotFoundException")
		})
	}
	id := []string{"--service-network-vpc-association-identifier", s.vpcJoin}
	lattice("delete-service-network-vpc-association", id...)
	gone("get-service-network-vpc-association", id...)
	for _, r := range s.resources {
		id := []string{"--service-network-resource-association-identifier", r.association}
		lattice("delete-service-network-resource-association", id...)
		gone("get-service-network-resource-association", id...)
		if got := s.Inside(s.a1.id, "dig", "+short", r.name); got != "" {
			s.T.Errorf("%s still has the address %s", r.name, got)
		}
		lattice("delete-resource-configuration", "--resource-configuration-identifier", r.configuration)
	}
	lattice("delete-service-network", "--service-network-identifier", s.network)
	for _, letter := range []string{"b", "c"} {
		id := []string{"--resource-gateway-identifier", s.vpcs[letter].gateway}
		lattice("delete-resource-gateway", id...)
		gone("get-resource-gateway", id...)
	}
	ids := []string{s.a1.id, s.b1.id, s.b2.id, s.c1.id}
	s.AWS(append([]string{"ec2", "terminate-instances", "--instance-ids"}, ids...)...)
	s.Eventually("instances terminated", func() bool {
		return s.Pick("length(Reservations[].Instances[?State.Name!='terminated'][])", append([]string{"ec2", "describe-instances", "--instance-ids"}, ids...)...) == "0"
	})
	for _, v := range s.vpcs {
		s.deleteVPC(v)
	}
	for what, n := range map[string]string{
		"VPCs":               s.Pick("length(Vpcs)", "ec2", "describe-vpcs"),
		"network interfaces": s.Pick("length(NetworkInterfaces)", "ec2", "describe-network-interfaces"),
		"security groups":    s.Pick("length(SecurityGroups)", "ec2", "describe-security-groups"),
		"resource gateways":  s.Pick("length(items)", "vpc-lattice", "list-resource-gateways"),
		"service networks":   s.Pick("length(items)", "vpc-lattice", "list-service-networks"),
	} {
		if n != "0" {
			s.T.Errorf("%s %s are left", n, what)
		}
	}
	if fabric := s.debug("fabric"); strings.Contains(fabric, "vpc-") {
		s.T.Errorf("the network is not empty: %s", fabric)
	}
}

func (s *story) deleteVPC(v *vpc) {
	for range 2 { // groups that name each other need two rounds
		for _, g := range strings.Fields(s.Pick("SecurityGroups[?GroupName!='default'].GroupId", "ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+v.id)) {
			s.Try("aws", "ec2", "delete-security-group", "--group-id", g)
		}
	}
	for _, id := range v.subnets {
		s.AWS("ec2", "delete-subnet", "--subnet-id", id)
	}
	s.AWS("ec2", "delete-vpc", "--vpc-id", v.id)
}

func (l *lab) debug(view string) string {
	l.T.Helper()
	out, errs, ok := l.Try(testkit.Binary(l.T), "debug", view)
	if !ok {
		l.T.Fatal(errs)
	}
	return out
}
