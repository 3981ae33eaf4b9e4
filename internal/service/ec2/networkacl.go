package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// lastACLRule is the number of the rule that ends every ACL: deny all. (Amazon VPC User Guide, "Network ACLs".)
const lastACLRule = 32767

// defaultACL is a new VPC's default network ACL: it allows everything.
func defaultACL(tx *world.Tx, c world.Caller, id world.VPCID) world.NetworkACL {
	all := world.NetworkACLEntry{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: anywhere()}
	out := all
	out.Egress = true
	return world.NetworkACL{
		ID: world.NetworkACLID(tx.NewID("acl")), Meta: tx.NewMeta(c, nil), VPC: id, Default: true,
		Entries: []world.NetworkACLEntry{out, all},
	}
}

func anywhere() netip.Prefix { return netip.PrefixFrom(netip.IPv4Unspecified(), 0) }

// DescribeNetworkAcls lists the caller's network ACLs.
func (s *Service) DescribeNetworkAcls(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkAclsInput) (*ec2api.DescribeNetworkAclsOutput, error) {
	v := s.look(c)
	page, next, err := listFrom(query{"network-acl", in.NetworkAclIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.NetworkACLs, c), v.aclFilters(), listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkAclsOutput{NetworkAcls: each(page, v.networkACL), NextToken: next}, nil
}

func (v *view) networkACL(r world.NetworkACL) ec2api.NetworkAcl {
	return ec2api.NetworkAcl{
		NetworkAclId: new(string(r.ID)), VpcId: new(string(r.VPC)), OwnerId: new(string(r.Account)), IsDefault: new(r.Default),
		Tags: allTags(r.Meta), Entries: each(aclEntries(r), aclEntry),
		Associations: each(v.aclSubnets(r), func(n world.Subnet) ec2api.NetworkAclAssociation {
			return ec2api.NetworkAclAssociation{
				NetworkAclAssociationId: new(n.ACLAssociation), NetworkAclId: new(string(r.ID)), SubnetId: new(string(n.ID)),
			}
		}),
	}
}

func (v *view) aclSubnets(r world.NetworkACL) []world.Subnet {
	return slices.Collect(v.w.Subnets.In(string(r.ID)))
}

// aclEntries are the entries of an ACL with those that end it, egress first as AWS lists them.
func aclEntries(r world.NetworkACL) []world.NetworkACLEntry {
	var out []world.NetworkACLEntry
	for _, egress := range []bool{true, false} {
		for _, e := range r.Entries {
			if e.Egress == egress {
				out = append(out, e)
			}
		}
		out = append(out, world.NetworkACLEntry{Number: lastACLRule, Egress: egress, Protocol: world.AnyProtocol, CIDR: anywhere()})
	}
	return out
}

func aclEntry(e world.NetworkACLEntry) ec2api.NetworkAclEntry {
	out := ec2api.NetworkAclEntry{
		Egress: new(e.Egress), Protocol: new(strconv.Itoa(int(e.Protocol))), RuleAction: new(ruleAction(e)), RuleNumber: new(int32(e.Number)),
	}
	if e.CIDR.Addr().Is6() {
		out.Ipv6CidrBlock = new(e.CIDR.String())
	} else {
		out.CidrBlock = new(e.CIDR.String())
	}
	switch {
	case e.Protocol.HasPorts():
		out.PortRange = &ec2api.PortRange{From: new(int32(e.Ports.From)), To: new(int32(e.Ports.To))}
	case isICMP(e.Protocol):
		out.IcmpTypeCode = &ec2api.IcmpTypeCode{Type: new(int32(e.ICMP.Type)), Code: new(int32(e.ICMP.Code))}
	}
	return out
}

func ruleAction(e world.NetworkACLEntry) string {
	if e.Allow {
		return "allow"
	}
	return "deny"
}

func (v *view) aclFilters() listing.Filters[world.NetworkACL] {
	entries := func(f func(world.NetworkACLEntry) string) func(world.NetworkACL) []string {
		return func(r world.NetworkACL) []string { return each(aclEntries(r), f) }
	}
	those := func(which func(world.NetworkACLEntry) bool, f func(world.NetworkACLEntry) string) func(world.NetworkACL) []string {
		return func(r world.NetworkACL) []string {
			return each(slices.DeleteFunc(aclEntries(r), func(e world.NetworkACLEntry) bool { return !which(e) }), f)
		}
	}
	cidr := func(e world.NetworkACLEntry) string { return e.CIDR.String() }
	six := func(e world.NetworkACLEntry) bool { return e.CIDR.Addr().Is6() }
	icmp := func(e world.NetworkACLEntry) bool { return isICMP(e.Protocol) }
	ports := func(e world.NetworkACLEntry) bool { return e.Protocol.HasPorts() }
	subnets := func(f func(world.Subnet) string) func(world.NetworkACL) []string {
		return func(r world.NetworkACL) []string { return each(v.aclSubnets(r), f) }
	}
	return listing.Filters[world.NetworkACL]{
		Tags: ownTags(func(r world.NetworkACL) world.Meta { return r.Meta }),
		Fields: map[string]func(world.NetworkACL) []string{
			"network-acl-id":             one(func(r world.NetworkACL) world.NetworkACLID { return r.ID }),
			"vpc-id":                     one(func(r world.NetworkACL) world.VPCID { return r.VPC }),
			"owner-id":                   one(func(r world.NetworkACL) world.AccountID { return r.Account }),
			"default":                    flag(func(r world.NetworkACL) bool { return r.Default }),
			"association.association-id": subnets(func(n world.Subnet) string { return n.ACLAssociation }),
			"association.subnet-id":      subnets(func(n world.Subnet) string { return string(n.ID) }),
			"association.network-acl-id": func(r world.NetworkACL) []string {
				return each(v.aclSubnets(r), func(world.Subnet) string { return string(r.ID) })
			},
			"entry.cidr":            those(func(e world.NetworkACLEntry) bool { return !six(e) }, cidr),
			"entry.egress":          entries(func(e world.NetworkACLEntry) string { return strconv.FormatBool(e.Egress) }),
			"entry.protocol":        entries(func(e world.NetworkACLEntry) string { return strconv.Itoa(int(e.Protocol)) }),
			"entry.rule-action":     entries(ruleAction),
			"entry.rule-number":     entries(func(e world.NetworkACLEntry) string { return strconv.Itoa(e.Number) }),
			"entry.ipv6-cidr":       those(six, cidr),
			"entry.icmp.code":       those(icmp, func(e world.NetworkACLEntry) string { return strconv.Itoa(e.ICMP.Code) }),
			"entry.icmp.type":       those(icmp, func(e world.NetworkACLEntry) string { return strconv.Itoa(e.ICMP.Type) }),
			"entry.port-range.from": those(ports, func(e world.NetworkACLEntry) string { return strconv.Itoa(int(e.Ports.From)) }),
			"entry.port-range.to":   those(ports, func(e world.NetworkACLEntry) string { return strconv.Itoa(int(e.Ports.To)) }),
		},
	}
}
