package ec2

import (
	"cmp"
	"context"
	"iter"
	"net/netip"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateVpc makes a VPC with its main route table, default network ACL and default security group.
func (s *Service) CreateVpc(ctx context.Context, c world.Caller, in *ec2api.CreateVpcInput) (*ec2api.CreateVpcOutput, error) {
	if err := checkCreateVpc(in); err != nil {
		return nil, err
	}
	cidr, err := sizedCIDR(*in.CidrBlock, "InvalidVpc.Range")
	if err != nil {
		return nil, err
	}
	given, err := oneSpec(in.TagSpecifications, "vpc")
	if err != nil {
		return nil, err
	}
	var id world.VPCID
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		if atLimit(&tx.VPCs, c, maxVPCs) {
			return awserr.EC2Limit("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
		}
		r := makeVPC(tx, c, cidr)
		r.Tags, id = world.SortTags(given), r.ID
		tx.VPCs.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	r, _ := v.w.VPCs.Get(id)
	out := v.vpc(r)
	out.State, out.Tags = new("pending"), allTags(r.Meta)
	return &ec2api.CreateVpcOutput{Vpc: &out}, nil
}

// makeVPC makes a VPC with what every VPC is made with.
func makeVPC(tx *world.Tx, c world.Caller, cidr netip.Prefix) world.VPC {
	r := world.VPC{
		ID: world.VPCID(tx.NewID("vpc")), Meta: tx.NewMeta(c, nil), DNSSupport: true, DHCPOptions: defaultDHCP(tx, c).ID,
		CIDRs: []world.CIDRAssociation{{ID: tx.NewID("vpc-cidr-assoc"), CIDR: cidr, Rev: tx.Rev}}, NextTable: 1,
	}
	tx.VPCs.Put(r)
	tx.RouteTables.Put(world.RouteTable{
		ID: world.RouteTableID(tx.NewID("rtb")), Meta: tx.NewMeta(c, nil), VPC: r.ID, Index: 1, Main: true,
		Associations: []world.RouteTableAssociation{{ID: tx.NewID("rtbassoc")}},
	})
	tx.NetworkACLs.Put(defaultACL(tx, c, r.ID))
	putDefaultGroup(tx, c, r.ID)
	return r
}

func checkCreateVpc(in *ec2api.CreateVpcInput) error {
	switch {
	case val(in.AmazonProvidedIpv6CidrBlock), set(in.Ipv6CidrBlock), set(in.Ipv6IpamPoolId), set(in.Ipv6Pool), in.Ipv6NetmaskLength != nil,
		set(in.Ipv6CidrBlockNetworkBorderGroup):
		return unsupported("IPv6 is not built: a VPC has IPv4 ranges only.")
	case set(in.Ipv4IpamPoolId), in.Ipv4NetmaskLength != nil:
		return unsupported("IPAM pools are not built: give the VPC a cidrBlock.")
	case in.VpcEncryptionControl != nil:
		return unsupported("VPC encryption controls are not built.")
	case val(in.CidrBlock) == "":
		return awserr.EC2Code("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
	}
	switch val(in.InstanceTenancy) {
	case "", "default":
		return nil
	case "dedicated", "host":
		return unsupported("Dedicated tenancy is not built: instances of all accounts share this machine.")
	}
	return awserr.EC2InvalidParameter("instanceTenancy", *in.InstanceTenancy, "Expecting default or dedicated.")
}

// vpc describes a VPC. It is available once its router runs in the kernel.
func (v *view) vpc(r world.VPC) ec2api.Vpc {
	return ec2api.Vpc{
		VpcId: new(string(r.ID)), OwnerId: new(string(r.Account)), State: new(v.vpcState(r)), CidrBlock: new(r.CIDR().String()),
		DhcpOptionsId: new(string(r.DHCPOptions)), InstanceTenancy: new("default"), IsDefault: new(r.Default), Tags: tags(r.Meta),
		CidrBlockAssociationSet: each(r.CIDRs, func(a world.CIDRAssociation) ec2api.VpcCidrBlockAssociation {
			return cidrAssociation(a, v.cidrState(r, a))
		}),
		BlockPublicAccessStates: &ec2api.BlockPublicAccessStates{InternetGatewayBlockMode: new("off")},
	}
}

func (v *view) vpcState(r world.VPC) string {
	if v.seen.Ready(r.Rev, string(r.ID)) {
		return "available"
	}
	return "pending"
}

func (v *view) cidrState(r world.VPC, a world.CIDRAssociation) string {
	if v.seen.Ready(a.Rev, string(r.ID)) {
		return "associated"
	}
	return "associating"
}

func cidrAssociation(a world.CIDRAssociation, state string) ec2api.VpcCidrBlockAssociation {
	return ec2api.VpcCidrBlockAssociation{
		AssociationId: new(a.ID), CidrBlock: new(a.CIDR.String()), CidrBlockState: &ec2api.VpcCidrBlockState{State: new(state)},
	}
}

func (v *view) vpcFilters() listing.Filters[world.VPC] {
	cidrs := func(f func(world.VPC, world.CIDRAssociation) string) func(world.VPC) []string {
		return func(r world.VPC) []string {
			return each(r.CIDRs, func(a world.CIDRAssociation) string { return f(r, a) })
		}
	}
	primary := one(func(r world.VPC) string { return r.CIDR().String() })
	isDefault := flag(func(r world.VPC) bool { return r.Default })
	return listing.Filters[world.VPC]{
		Tags: ownTags(func(r world.VPC) world.Meta { return r.Meta }),
		Fields: map[string]func(world.VPC) []string{
			"vpc-id":   one(func(r world.VPC) world.VPCID { return r.ID }),
			"owner-id": one(func(r world.VPC) world.AccountID { return r.Account }),
			"state":    one(v.vpcState),
			"cidr":     primary, "cidr-block": primary, "cidrBlock": primary,
			"is-default": isDefault, "isDefault": isDefault,
			"dhcp-options-id":                             one(func(r world.VPC) world.DHCPOptionsID { return r.DHCPOptions }),
			"cidr-block-association.cidr-block":           cidrs(func(_ world.VPC, a world.CIDRAssociation) string { return a.CIDR.String() }),
			"cidr-block-association.association-id":       cidrs(func(_ world.VPC, a world.CIDRAssociation) string { return a.ID }),
			"cidr-block-association.state":                cidrs(v.cidrState),
			"ipv6-cidr-block-association.ipv6-cidr-block": never[world.VPC],
			"ipv6-cidr-block-association.association-id":  never[world.VPC],
			"ipv6-cidr-block-association.state":           never[world.VPC],
			"ipv6-cidr-block-association.ipv6-pool":       never[world.VPC],
		},
	}
}

// DescribeVpcs lists the caller's VPCs.
func (s *Service) DescribeVpcs(_ context.Context, c world.Caller, in *ec2api.DescribeVpcsInput) (*ec2api.DescribeVpcsOutput, error) {
	v := s.look(c)
	page, next, err := listFrom(query{"vpc", in.VpcIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.VPCs, c), v.vpcFilters(), listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcsOutput{Vpcs: each(page, v.vpc), NextToken: next}, nil
}

// DeleteVpc removes a VPC nothing depends on, with what was made along with it.
func (s *Service) DeleteVpc(ctx context.Context, c world.Caller, in *ec2api.DeleteVpcInput) (*ec2api.DeleteVpcOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		r, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		if vpcInUse(tx, r.ID) {
			return awserr.EC2Dependency("vpc", string(r.ID))
		}
		for _, t := range slices.Collect(tx.RouteTables.In(string(r.ID))) {
			tx.RouteTables.Delete(t.ID)
		}
		for _, a := range slices.Collect(tx.NetworkACLs.In(string(r.ID))) {
			tx.NetworkACLs.Delete(a.ID)
		}
		for _, g := range slices.Collect(tx.SecurityGroups.In(string(r.ID))) {
			deleteGroup(tx, g.ID)
		}
		tx.VPCs.Delete(r.ID)
		return nil
	})
	return &ec2api.DeleteVpcOutput{}, err
}

func vpcInUse(tx *world.Tx, id world.VPCID) bool {
	return holds(tx.Subnets.In(string(id))) || holds(tx.ENIs.In(string(id))) || holds(tx.VPCAssociations.In(string(id))) ||
		holdsAny(tx.RouteTables.In(string(id)), func(r world.RouteTable) bool { return !r.Main }) ||
		holdsAny(tx.NetworkACLs.In(string(id)), func(r world.NetworkACL) bool { return !r.Default }) ||
		holdsAny(tx.SecurityGroups.In(string(id)), func(r world.SecurityGroup) bool { return !r.Default }) ||
		holds(tx.GroupAssociations.In(string(id))) || tx.ResourceGateways.Some(string(id)) || holds(tx.InternetGateways.In(string(id))) ||
		holdsAny(tx.Peerings.In(string(id)), func(p world.Peering) bool {
			p = aged(p, tx.Now)
			return p.Active() || p.Status == peeringPending
		})
}

// holdsAny tells whether an element of a sequence is one of those meant.
func holdsAny[V any](seq iter.Seq[V], is func(V) bool) bool {
	for v := range seq {
		if is(v) {
			return true
		}
	}
	return false
}

// holds tells whether a sequence has an element.
func holds[V any](seq iter.Seq[V]) bool {
	for range seq {
		return true
	}
	return false
}

// ModifyVpcAttribute changes one attribute of a VPC.
func (s *Service) ModifyVpcAttribute(ctx context.Context, c world.Caller, in *ec2api.ModifyVpcAttributeInput) (*ec2api.ModifyVpcAttributeOutput, error) {
	_, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		r, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		set := []struct {
			name string
			in   *ec2api.AttributeBooleanValue
			to   *bool
		}{
			{"enableDnsHostnames", in.EnableDnsHostnames, &r.DNSHostnames},
			{"enableDnsSupport", in.EnableDnsSupport, &r.DNSSupport},
			{"enableNetworkAddressUsageMetrics", in.EnableNetworkAddressUsageMetrics, &r.UsageMetrics},
		}
		var given []string
		for _, a := range set {
			if a.in != nil {
				given = append(given, a.name)
				*a.to = val(a.in.Value)
			}
		}
		if err := oneAttribute(given); err != nil {
			return err
		}
		r.Updated = tx.Now
		tx.VPCs.Put(r)
		return nil
	})
	return &ec2api.ModifyVpcAttributeOutput{}, err
}

// ModifyVpcTenancy makes the tenancy of a VPC the default one, which it is already: nobody has dedicated hardware here.
func (s *Service) ModifyVpcTenancy(ctx context.Context, c world.Caller, in *ec2api.ModifyVpcTenancyInput) (*ec2api.ModifyVpcTenancyOutput, error) {
	if err := cmp.Or(need("instanceTenancy", in.InstanceTenancy), oneOf("instanceTenancy", in.InstanceTenancy, "default")); err != nil {
		return nil, err
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		_, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyVpcTenancyOutput{ReturnValue: new(true)}, nil
}

// DescribeVpcAttribute tells one attribute of a VPC.
func (s *Service) DescribeVpcAttribute(_ context.Context, c world.Caller, in *ec2api.DescribeVpcAttributeInput) (*ec2api.DescribeVpcAttributeOutput, error) {
	v := s.look(c)
	r, err := find(&v.w.VPCs, c, "vpc", in.VpcId)
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeVpcAttributeOutput{VpcId: in.VpcId}
	switch val(in.Attribute) {
	case "enableDnsSupport":
		out.EnableDnsSupport = &ec2api.AttributeBooleanValue{Value: new(r.DNSSupport)}
	case "enableDnsHostnames":
		out.EnableDnsHostnames = &ec2api.AttributeBooleanValue{Value: new(r.DNSHostnames)}
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = &ec2api.AttributeBooleanValue{Value: new(r.UsageMetrics)}
	default:
		return nil, awserr.EC2InvalidParameter("attribute", val(in.Attribute), "Unknown attribute.")
	}
	return out, dryRun(in.DryRun)
}

// AssociateVpcCidrBlock gives a VPC a further address range.
func (s *Service) AssociateVpcCidrBlock(ctx context.Context, c world.Caller, in *ec2api.AssociateVpcCidrBlockInput) (*ec2api.AssociateVpcCidrBlockOutput, error) {
	if err := notBuilt("IPv6 and IPAM pools are", val(in.AmazonProvidedIpv6CidrBlock), set(in.Ipv6CidrBlock), set(in.Ipv4IpamPoolId),
		set(in.Ipv6IpamPoolId), set(in.Ipv6Pool), set(in.Ipv6CidrBlockNetworkBorderGroup), in.Ipv4NetmaskLength != nil, in.Ipv6NetmaskLength != nil); err != nil {
		return nil, err
	}
	if err := need("cidrBlock", in.CidrBlock); err != nil {
		return nil, err
	}
	cidr, err := sizedCIDR(*in.CidrBlock, "InvalidVpc.Range")
	if err != nil {
		return nil, err
	}
	var a world.CIDRAssociation
	_, err = s.update(ctx, c, nil, func(tx *world.Tx) error {
		r, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		a = world.CIDRAssociation{ID: tx.NewID("vpc-cidr-assoc"), CIDR: cidr, Rev: tx.Rev}
		if err := checkAddedCIDR(tx, r, a); err != nil {
			return err
		}
		r.CIDRs = append(slices.Clone(r.CIDRs), a)
		r.Updated = tx.Now
		tx.VPCs.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AssociateVpcCidrBlockOutput{VpcId: in.VpcId, CidrBlockAssociation: new(cidrAssociation(a, "associating"))}, nil
}

func checkAddedCIDR(tx *world.Tx, r world.VPC, a world.CIDRAssociation) error {
	if len(r.CIDRs) >= maxCIDRs {
		return awserr.EC2Code("CidrLimitExceeded", "This network '%s' has met its maximum number of allowed CIDRs: %d", r.ID, maxCIDRs)
	}
	for _, have := range r.CIDRs {
		if have.CIDR.Overlaps(a.CIDR) {
			return awserr.EC2Code("InvalidVpc.Range", "The CIDR '%s' conflicts with another CIDR of the VPC: %s", a.CIDR, have.CIDR)
		}
	}
	if restricted(r.CIDR(), a.CIDR) {
		return awserr.EC2Code("InvalidVpc.Range", "The CIDR '%s' is restricted. Use a CIDR from the same private address range as "+
			"the current VPC CIDR, or use a publicly-routable CIDR.", a.CIDR)
	}
	if err := checkPeeredCIDR(tx, r, a); err != nil {
		return err
	}
	for t := range tx.RouteTables.In(string(r.ID)) {
		for _, route := range t.Routes {
			if covers(a.CIDR, route.Destination) {
				return awserr.EC2Code("InvalidVpc.Range", "The CIDR '%s' covers the destination %s of a route in %s", a.CIDR, route.Destination, t.ID)
			}
		}
	}
	return nil
}

// DisassociateVpcCidrBlock takes a range without subnets from a VPC.
func (s *Service) DisassociateVpcCidrBlock(ctx context.Context, c world.Caller, in *ec2api.DisassociateVpcCidrBlockInput) (*ec2api.DisassociateVpcCidrBlockOutput, error) {
	id := val(in.AssociationId)
	if err := awserr.EC2CheckID("vpc-cidr-association", id); err != nil {
		return nil, err
	}
	out := &ec2api.DisassociateVpcCidrBlockOutput{}
	_, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		for _, r := range mine(&tx.VPCs, c) {
			i := slices.IndexFunc(r.CIDRs, func(a world.CIDRAssociation) bool { return a.ID == id })
			if i < 0 {
				continue
			}
			a := r.CIDRs[i]
			if i == 0 {
				return awserr.EC2NotPermitted("The vpc CIDR block with association ID " + id +
					" may not be disassociated. It is the primary IPv4 CIDR block of the VPC")
			}
			if holdsAny(tx.Subnets.In(string(r.ID)), func(n world.Subnet) bool { return a.CIDR.Overlaps(n.CIDR) }) {
				return awserr.EC2Code("InvalidCidrBlock.InUse", "The vpc CIDR block %s is currently in use.", a.CIDR)
			}
			r.CIDRs = slices.Delete(slices.Clone(r.CIDRs), i, i+1)
			r.Updated = tx.Now
			tx.VPCs.Put(r)
			out.VpcId, out.CidrBlockAssociation = new(string(r.ID)), new(cidrAssociation(a, "disassociating"))
			return nil
		}
		return awserr.EC2NotFound("vpc-cidr-association", id)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// oneAttribute says whether exactly one attribute was given, as the Modify operations want it.
func oneAttribute(given []string) error {
	switch len(given) {
	case 1:
		return nil
	case 0:
		return awserr.EC2Code("MissingParameter", "The request must contain an attribute to modify")
	}
	text := given[0]
	for _, g := range given[1:] {
		text += ", " + g
	}
	return awserr.EC2Combination("Fields for multiple attribute types specified: " + text)
}
