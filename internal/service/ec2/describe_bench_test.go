package ec2

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// BenchmarkDescribe describes a page of 1,000 among 10,000 of a noun in ten VPCs: all, those of one VPC, and those with a tag that one in
// ten has.
func BenchmarkDescribe(b *testing.B) {
	const many = 10_000
	c := world.Caller{Account: "000000000000", Region: "us-east-1"}
	tx := world.Begin(world.World{}, time.Now(), rand.Reader)
	populate(tx, c, many)
	w, _, err := tx.Seal()
	if err != nil {
		b.Fatal(err)
	}
	st := store.OpenCopy(w)
	b.Cleanup(func() { _ = st.Close() })
	s := New(Config{Store: st})
	for name, describe := range describes(s, c) {
		for kind, f := range map[string][]ec2api.Filter{"all": nil, "vpc": filter("vpc-id", "vpc-00000000000000001"), "tag": filter("tag:tenth", "yes")} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					if err := describe(b.Context(), f); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// describes are the Describe operations, by noun. Filters by VPC become what comes nearest where there are none.
func describes(s *Service, c world.Caller) map[string]func(context.Context, []ec2api.Filter) error {
	page := new(int32(1000))
	return map[string]func(context.Context, []ec2api.Filter) error{
		"interfaces": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeNetworkInterfaces(ctx, c, &ec2api.DescribeNetworkInterfacesInput{Filters: f, MaxResults: page})
			return err
		},
		"instances": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeInstances(ctx, c, &ec2api.DescribeInstancesInput{Filters: f, MaxResults: page})
			return err
		},
		"status": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeInstanceStatus(ctx, c, &ec2api.DescribeInstanceStatusInput{MaxResults: page})
			return err
		},
		"volumes": func(ctx context.Context, f []ec2api.Filter) error {
			f = instead(f, "volume-type", "gp3")
			_, err := s.DescribeVolumes(ctx, c, &ec2api.DescribeVolumesInput{Filters: f, MaxResults: page})
			return err
		},
		"rules": func(ctx context.Context, f []ec2api.Filter) error {
			f = instead(f, "group-id", "sg-00000000000000001")
			_, err := s.DescribeSecurityGroupRules(ctx, c, &ec2api.DescribeSecurityGroupRulesInput{Filters: f, MaxResults: page})
			return err
		},
		"groups": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeSecurityGroups(ctx, c, &ec2api.DescribeSecurityGroupsInput{Filters: f, MaxResults: page})
			return err
		},
		"addresses": func(ctx context.Context, f []ec2api.Filter) error {
			f = instead(f, "network-interface-id", "eni-00000000000000001")
			_, err := s.DescribeAddresses(ctx, c, &ec2api.DescribeAddressesInput{Filters: f})
			return err
		},
		"subnets": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeSubnets(ctx, c, &ec2api.DescribeSubnetsInput{Filters: f, MaxResults: page})
			return err
		},
		"tables": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeRouteTables(ctx, c, &ec2api.DescribeRouteTablesInput{Filters: f, MaxResults: new(int32(100))})
			return err
		},
		"acls": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeNetworkAcls(ctx, c, &ec2api.DescribeNetworkAclsInput{Filters: f, MaxResults: page})
			return err
		},
		"vpcs": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeVpcs(ctx, c, &ec2api.DescribeVpcsInput{Filters: f, MaxResults: page})
			return err
		},
		"endpoints": func(ctx context.Context, f []ec2api.Filter) error {
			_, err := s.DescribeVpcEndpoints(ctx, c, &ec2api.DescribeVpcEndpointsInput{Filters: f, MaxResults: page})
			return err
		},
		"peerings": func(ctx context.Context, f []ec2api.Filter) error {
			f = instead(f, "requester-vpc-info.vpc-id", "vpc-00000000000000001")
			_, err := s.DescribeVpcPeeringConnections(ctx, c, &ec2api.DescribeVpcPeeringConnectionsInput{Filters: f, MaxResults: page})
			return err
		},
		"tags": func(ctx context.Context, f []ec2api.Filter) error {
			if f = instead(f, "resource-type", "network-interface"); f != nil && *f[0].Name == "tag:tenth" {
				f = filter("key", "tenth")
			}
			_, err := s.DescribeTags(ctx, c, &ec2api.DescribeTagsInput{Filters: f, MaxResults: page})
			return err
		},
	}
}

// instead is another filter in the place of one by VPC.
func instead(f []ec2api.Filter, name, value string) []ec2api.Filter {
	if f != nil && *f[0].Name == "vpc-id" {
		return filter(name, value)
	}
	return f
}

// populate puts that many rows of each noun that there may be many of.
func populate(tx *world.Tx, c world.Caller, many int) {
	id := func(kind string, n int) string { return fmt.Sprintf("%s-%017x", kind, n) }
	for n := range many {
		meta := tx.NewMeta(c, []world.Tag{{Key: "Name", Value: fmt.Sprint(n)}})
		if n%10 == 0 {
			meta.Tags = append(meta.Tags, world.Tag{Key: "tenth", Value: "yes"})
		}
		vpc := world.VPCID(id("vpc", n%10))
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n % 10), 0, 0}), 16)
		addr := netip.AddrFrom4([4]byte{10, byte(n % 10), byte(1 + n/10/250), byte(4 + n/10%250)})
		tx.VPCs.Put(world.VPC{ID: world.VPCID(id("vpc", n)), Meta: meta, CIDRs: []world.CIDRAssociation{{ID: id("vpc-cidr-assoc", n), CIDR: cidr}}, NextPort: 10_000, NextTable: 10_000})
		s := world.Subnet{ID: world.SubnetID(id("subnet", n)), Meta: meta, VPC: vpc, CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n % 10), byte(n / 10 / 16), byte(n / 10 % 16 << 4)}), 28), Zone: "us-east-1a"}
		tx.Subnets.Put(s)
		g := world.SecurityGroup{ID: world.SecurityGroupID(id("sg", n)), Meta: meta, VPC: vpc, Name: id("sg", n)}
		tx.SecurityGroups.Put(g)
		tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: world.SecurityGroupRuleID(id("sgr", n)), Meta: meta, Group: world.SecurityGroupID(id("sg", n%10)), Protocol: world.TCP, Ports: world.PortRange{From: uint16(n), To: uint16(n)}, CIDR: cidr})
		i := world.Instance{ID: world.InstanceID(id("i", n)), Meta: meta, Reservation: id("r", n), VPC: vpc, Subnet: world.SubnetID(id("subnet", n%10)), Power: world.Stopped, Launched: tx.Now, Boot: 1}
		i.Volume.ID = id("vol", n)
		tx.Instances.Put(i)
		e := world.ENI{ID: world.ENIID(id("eni", n)), Meta: meta, VPC: vpc, Subnet: i.Subnet, Index: uint32(n + 1), Addrs: []netip.Addr{addr}, Groups: []world.SecurityGroupID{g.ID}, InterfaceType: "interface"}
		e.Attachment = world.Attachment{ID: id("eni-attach", n), Instance: i.ID, Time: tx.Now}
		tx.ENIs.Put(e)
		public := world.Offset(world.PublicAddresses, 256+n)
		tx.Addresses.Put(world.Address{ID: world.AllocationID(id("eipalloc", n)), Meta: meta, Public: public, Association: id("eipassoc", n), ENI: e.ID, Private: addr, VPC: vpc})
		tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID(id("rtb", n)), Meta: meta, VPC: vpc, Index: uint32(n + 1), Main: n < 10})
		tx.NetworkACLs.Put(world.NetworkACL{ID: world.NetworkACLID(id("acl", n)), Meta: meta, VPC: vpc, Default: n < 10})
		tx.Endpoints.Put(world.Endpoint{ID: world.EndpointID(id("vpce", n)), Meta: meta, VPC: vpc, Type: world.EndpointGateway, Service: "com.amazonaws.us-east-1.s3"})
		tx.Peerings.Put(world.Peering{ID: world.PeeringID(id("pcx", n)), Meta: meta, Requester: world.PeeringSide{VPC: vpc, Account: c.Account, Region: c.Region}, Accepter: world.PeeringSide{VPC: world.VPCID(id("vpc", n)), Account: c.Account, Region: c.Region}, Status: "deleted", Ended: tx.Now})
	}
}
