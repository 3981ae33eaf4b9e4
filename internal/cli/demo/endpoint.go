package demo

import (
	"context"
	"fmt"
	"strings"
)

// endpoint is the other way into the network: an endpoint with addresses of VPC A itself.
func endpoint(ctx context.Context, s *stage) error {
	s.title("9. An endpoint of the network in A, in a subnet with room for it")
	a := s.vpcs["a"]
	count := []string{"ec2", "describe-subnets", "--subnet-ids", a.subnets[1]}
	if _, err := s.pick(ctx, "Subnets[0].AvailableIpAddressCount", count...); err != nil {
		return err
	}
	arn := fmt.Sprintf("arn:aws:vpc-lattice:%s:%s:servicenetwork/%s", s.region, s.network.account, s.network.id)
	out, err := s.aws(ctx, "ec2", "create-vpc-endpoint", "--vpc-endpoint-type", "ServiceNetwork", "--service-network-arn", arn,
		"--vpc-id", a.id, "--subnet-ids", a.subnets[1], "--security-group-ids", a.clients, "--private-dns-enabled")
	if err != nil {
		return err
	}
	s.network.endpoint = memberAnywhere(out, "VpcEndpointId")
	if err := s.await(ctx, "Available", "VpcEndpoints[0].State", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", s.network.endpoint); err != nil {
		return err
	}
	_, err = s.pick(ctx, "Subnets[0].AvailableIpAddressCount", count...)
	return err
}

// endpointNames asks for the names of the resources at the endpoint.
func endpointNames(ctx context.Context, s *stage) error {
	s.title("10. The three resources are there, too")
	return s.until(ctx, func(out string) bool { return strings.Count(out, "Accessible\tvpce-") == len(s.network.resources) },
		"ec2", "describe-vpc-endpoint-associations", "--vpc-endpoint-ids", s.network.endpoint,
		"--query", "VpcEndpointAssociations[].[AssociatedResourceAccessibility, DnsEntry.DnsName]", "--output", "text")
}

// endpointLogin logs in by the endpoint.
func endpointLogin(ctx context.Context, s *stage) error {
	s.title("11. A1 logs in by an address of its own VPC")
	a1, r := s.vpcs["a"].instances[0], s.network.resources[2]
	name := s.network.endpoint + "-" + r.name
	if _, err := s.inside(ctx, a1, "dig +short "+name, "dig", "+short", name); err != nil {
		return err
	}
	ssh := "ssh -i demo.pem -o StrictHostKeyChecking=accept-new ec2-user@" + name + " 'hostname -i'"
	out, err := s.inside(ctx, a1, ssh, "sh", "-c", "cd && "+ssh+" 2>/dev/null")
	if err == nil && !strings.Contains(out, r.instance.addr) {
		err = fmt.Errorf("%s did not lead to %s", name, r.instance.name)
	}
	return err
}

// withoutAssociation ends the VPC association: the endpoint goes on.
func withoutAssociation(ctx context.Context, s *stage) error {
	s.title("12. Without the VPC association the endpoint goes on")
	if _, err := s.aws(ctx, "vpc-lattice", "delete-service-network-vpc-association", "--service-network-vpc-association-identifier", s.network.vpcJoin); err != nil {
		return err
	}
	if err := s.await(ctx, "0", "length(items)", "vpc-lattice", "list-service-network-vpc-associations", "--service-network-identifier", s.network.id); err != nil {
		return err
	}
	a1, r := s.vpcs["a"].instances[0], s.network.resources[2]
	for _, name := range []string{r.name, s.network.endpoint + "-" + r.name} {
		if _, err := s.inside(ctx, a1, "dig +short "+name, "dig", "+short", name); err != nil {
			return err
		}
	}
	return nil
}

// memberAnywhere is a string member of an answer in JSON, at whatever level it is first.
func memberAnywhere(out, name string) string {
	_, rest, _ := strings.Cut(out, `"`+name+`": "`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}
