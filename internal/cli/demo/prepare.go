package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// cidr is the range of all three VPCs: the same, which is the point of the story.
const cidr = "10.10.10.0/24"

type vpc struct {
	letter, id string
	subnets    []string // one a zone
	group      string   // of its instances
	gateway    string   // its resource gateway
	outbound   string   // the gateway's group
	clients    string   // the group that guards the ways into the service network
	instances  []*instance
}

type instance struct{ name, id, addr string }

// layout is who lives where.
var layout = [...]struct {
	letter    string
	instances []instance
}{
	{"a", []instance{{name: "A1", addr: "10.10.10.36"}}},
	{"b", []instance{{name: "B1", addr: "10.10.10.53"}, {name: "B2", addr: "10.10.10.117"}}},
	{"c", []instance{{name: "C1", addr: "10.10.10.7"}}},
}

// prepare makes the three VPCs and the four instances.
func prepare(ctx context.Context, s *stage) error {
	s.title("Three VPCs with one CIDR, four instances")
	s.vpcs = map[string]*vpc{}
	key, err := s.quiet(ctx, "ec2", "create-key-pair", "--key-name", "demo", "--key-type", "ed25519", "--query", "KeyMaterial", "--output", "text")
	if err != nil {
		return err
	}
	s.say("aws ec2 create-key-pair --key-name demo --key-type ed25519 --query KeyMaterial --output text > demo.pem")
	s.key = key
	ami, err := s.ami(ctx)
	if err != nil {
		return err
	}
	for _, l := range layout {
		v, err := s.makeVPC(ctx, l.letter)
		if err != nil {
			return err
		}
		s.vpcs[l.letter] = v
		for _, i := range l.instances {
			if err := s.launch(ctx, v, ami, i); err != nil {
				return err
			}
		}
	}
	var ids []string
	for _, v := range s.vpcs {
		for _, i := range v.instances {
			ids = append(ids, i.id)
		}
	}
	if _, err := s.aws(ctx, append([]string{"ec2", "wait", "instance-running", "--instance-ids"}, ids...)...); err != nil {
		return err
	}
	return s.allow(ctx)
}

// ami is the id of an image to start.
func (s *stage) ami(ctx context.Context) (string, error) {
	id, err := s.pick(ctx, "sort_by(Images, &CreationDate)[-1].ImageId", "ec2", "describe-images", "--owners", "amazon", "--filters", "Name=name,Values=al2023-ami-2023*", "Name=architecture,Values=x86_64")
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(id, "ami-") {
		return "", errors.New("no Amazon Linux 2023 image is known")
	}
	return id, nil
}

func (s *stage) makeVPC(ctx context.Context, letter string) (*vpc, error) {
	v := &vpc{letter: letter}
	var err error
	if v.id, err = s.pick(ctx, "Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", cidr); err != nil {
		return nil, err
	}
	for i, half := range []string{"10.10.10.0/25", "10.10.10.128/25"} {
		id, err := s.pick(ctx, "Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", v.id, "--cidr-block", half,
			"--availability-zone", fmt.Sprintf("%s%c", s.region, 'a'+2*i))
		if err != nil {
			return nil, err
		}
		v.subnets = append(v.subnets, id)
	}
	v.group, err = s.makeGroup(ctx, v, "instances-"+letter)
	return v, err
}

func (s *stage) makeGroup(ctx context.Context, v *vpc, name string) (string, error) {
	return s.pick(ctx, "GroupId", "ec2", "create-security-group", "--group-name", name, "--description", name, "--vpc-id", v.id)
}

func (s *stage) launch(ctx context.Context, v *vpc, ami string, i instance) error {
	id, err := s.pick(ctx, "Instances[0].InstanceId", "ec2", "run-instances", "--image-id", ami, "--instance-type", "t3.micro", "--key-name", "demo",
		"--subnet-id", v.subnets[0], "--private-ip-address", i.addr, "--security-group-ids", v.group)
	i.id = id
	v.instances = append(v.instances, &i)
	return err
}

// allow makes the gateways' groups, and lets them alone reach the providers' instances.
func (s *stage) allow(ctx context.Context) error {
	for _, letter := range []string{"b", "c"} {
		v := s.vpcs[letter]
		var err error
		if v.outbound, err = s.makeGroup(ctx, v, "gateway-"+letter); err != nil {
			return err
		}
		_, err = s.pick(ctx, "SecurityGroupRules[0].SecurityGroupRuleId", "ec2", "authorize-security-group-ingress", "--group-id", v.group,
			"--protocol", "tcp", "--port", "22", "--source-group", v.outbound)
		if err != nil {
			return err
		}
	}
	return nil
}
