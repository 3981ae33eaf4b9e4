package demo

import (
	"context"
	"fmt"
	"strings"
)

// logGroup takes the access logs.
const logGroup = "/aws/resource-configuration/"

// network1 is the service network of the story and what hangs on it.
type network1 struct {
	id        string
	account   string
	resources []*resource
	vpcJoin   string // snva-
	endpoint  string // vpce-
}

// resource is a provider's instance as the service network knows it.
type resource struct {
	instance      *instance
	gateway       string
	configuration string // rcfg-
	association   string // snra-
	name          string // DNS name
	addr          string
}

func gateways(ctx context.Context, s *stage) error {
	s.title("1. A resource gateway in B and in C")
	for _, letter := range []string{"b", "c"} {
		v := s.vpcs[letter]
		args := append([]string{"vpc-lattice", "create-resource-gateway", "--name", "test-rgw-" + letter, "--vpc-identifier", v.id, "--subnet-ids"}, v.subnets...)
		out, err := s.aws(ctx, append(args, "--security-group-ids", v.outbound, "--ip-address-type", "IPV4")...)
		if err != nil {
			return err
		}
		v.gateway = member(out, "id")
	}
	return nil
}

func configurations(ctx context.Context, s *stage) error {
	s.title("2. A resource configuration for each of B1, B2, C1")
	for _, letter := range []string{"b", "c"} {
		v := s.vpcs[letter]
		for _, i := range v.instances {
			out, err := s.aws(ctx, "vpc-lattice", "create-resource-configuration", "--name", "test-rcfg-"+strings.ToLower(i.name),
				"--allow-association-to-shareable-service-network", "--port-ranges", "22", "--protocol", "TCP", "--type", "SINGLE",
				"--resource-configuration-definition", "ipResource={ipAddress="+i.addr+"}", "--resource-gateway-identifier", v.gateway)
			if err != nil {
				return err
			}
			s.network.resources = append(s.network.resources, &resource{instance: i, gateway: v.gateway, configuration: member(out, "id")})
		}
	}
	return nil
}

func network(ctx context.Context, s *stage) error {
	s.title("3. A service network, with access logs")
	out, err := s.aws(ctx, "vpc-lattice", "create-service-network", "--name", "test-service-network-a", "--auth-type", "NONE", "--sharing-config", "enabled=true")
	if err != nil {
		return err
	}
	s.network.id = member(out, "id")
	if s.network.account, err = s.pick(ctx, "Account", "sts", "get-caller-identity"); err != nil {
		return err
	}
	if _, err := s.aws(ctx, "logs", "create-log-group", "--log-group-name", logGroup); err != nil {
		return err
	}
	destination := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:*", s.region, s.network.account, logGroup)
	_, err = s.aws(ctx, "vpc-lattice", "create-access-log-subscription", "--destination-arn", destination,
		"--resource-identifier", s.network.id, "--service-network-log-type", "RESOURCE")
	if err != nil {
		return err
	}
	_, err = s.aws(ctx, "vpc-lattice", "create-access-log-subscription", "--destination-arn", destination,
		"--resource-identifier", s.network.resources[0].configuration)
	return err
}

func resourceAssociations(ctx context.Context, s *stage) error {
	s.title("4. The three resources join the network")
	for _, r := range s.network.resources {
		out, err := s.aws(ctx, "vpc-lattice", "create-service-network-resource-association",
			"--resource-configuration-identifier", r.configuration, "--service-network-identifier", s.network.id)
		if err != nil {
			return err
		}
		r.association = member(out, "id")
	}
	for _, r := range s.network.resources {
		get := []string{"vpc-lattice", "get-service-network-resource-association", "--service-network-resource-association-identifier", r.association}
		if err := s.await(ctx, "ACTIVE", "status", get...); err != nil {
			return err
		}
		var err error
		if r.name, err = s.pick(ctx, "dnsEntry.domainName", get...); err != nil {
			return err
		}
	}
	return nil
}

func vpcAssociation(ctx context.Context, s *stage) error {
	s.title("5. VPC A joins the network")
	a := s.vpcs["a"]
	group, err := s.makeGroup(ctx, a, "clients")
	if err != nil {
		return err
	}
	a.clients = group
	_, err = s.pick(ctx, "SecurityGroupRules[0].SecurityGroupRuleId", "ec2", "authorize-security-group-ingress", "--group-id", group,
		"--protocol", "tcp", "--port", "22", "--cidr", cidr)
	if err != nil {
		return err
	}
	out, err := s.aws(ctx, "vpc-lattice", "create-service-network-vpc-association", "--service-network-identifier", s.network.id,
		"--vpc-identifier", a.id, "--security-group-ids", group)
	if err != nil {
		return err
	}
	s.network.vpcJoin = member(out, "id")
	if err := s.await(ctx, "ACTIVE", "status", "vpc-lattice", "get-service-network-vpc-association",
		"--service-network-vpc-association-identifier", s.network.vpcJoin); err != nil {
		return err
	}
	_, err = s.aws(ctx, "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+a.id, "--query", "RouteTables[].Routes[]", "--output", "text")
	return err
}

// member is a string member of the first level of an answer in JSON as the aws command prints it.
func member(out, name string) string {
	for l := range strings.Lines(out) {
		key, value, ok := strings.Cut(strings.TrimSpace(l), ": ")
		if ok && key == `"`+name+`"` {
			return strings.Trim(value, `",`)
		}
	}
	return ""
}
