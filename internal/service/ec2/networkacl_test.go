package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
)

// An ACL, its entries in the order of their numbers, and the subnets that use it.
func TestNetworkACL(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.0.0/24")
	acl := must(b.CreateNetworkAcl(ctx, b.c, &ec2api.CreateNetworkAclInput{VpcId: vpc})).NetworkAcl
	if len(acl.Entries) != 2 || *acl.IsDefault {
		t.Fatalf("a new ACL has %d entries", len(acl.Entries))
	}
	entry := func(n int32, change func(*ec2api.CreateNetworkAclEntryInput)) error {
		in := &ec2api.CreateNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: &n, Protocol: new("6"), RuleAction: new("allow"), Egress: new(false),
			CidrBlock: new("100.68.0.18/18"), PortRange: &ec2api.PortRange{From: new(int32(1)), To: new(int32(2))}}
		if change != nil {
			change(in)
		}
		_, err := b.CreateNetworkAclEntry(ctx, b.c, in)
		return err
	}
	for _, x := range []struct {
		n      int32
		change func(*ec2api.CreateNetworkAclEntryInput)
		code   string
	}{
		{200, nil, ""},
		{100, func(in *ec2api.CreateNetworkAclEntryInput) {
			in.Protocol, in.IcmpTypeCode = new("1"), &ec2api.IcmpTypeCode{Type: new(int32(8)), Code: new(int32(-1))}
		}, ""},
		{101, func(in *ec2api.CreateNetworkAclEntryInput) {
			in.CidrBlock, in.Ipv6CidrBlock, in.Protocol = nil, new("::/0"), new("-1")
		}, ""},
		{100, func(in *ec2api.CreateNetworkAclEntryInput) { in.Egress = new(true) }, ""},
		{200, nil, "NetworkAclEntryAlreadyExists"},
		{32767, nil, "InvalidParameterValue"},
		{0, nil, "InvalidParameterValue"},
		{1, func(in *ec2api.CreateNetworkAclEntryInput) { in.PortRange = nil }, "MissingParameter"},
		{1, func(in *ec2api.CreateNetworkAclEntryInput) { in.RuleAction = new("x") }, "InvalidParameterValue"},
		{1, func(in *ec2api.CreateNetworkAclEntryInput) { in.CidrBlock = nil }, "MissingParameter"},
		{1, func(in *ec2api.CreateNetworkAclEntryInput) { in.Protocol = new("300") }, "InvalidParameterValue"},
		{1, func(in *ec2api.CreateNetworkAclEntryInput) { in.Protocol = new("1") }, "MissingParameter"},
	} {
		if err := entry(x.n, x.change); x.code != "" {
			b.refused(err, x.code, "")
		} else if err != nil {
			t.Error(err)
		}
	}
	describe := func() ec2api.NetworkAcl {
		return must(b.DescribeNetworkAcls(ctx, b.c, &ec2api.DescribeNetworkAclsInput{NetworkAclIds: []string{*acl.NetworkAclId}})).NetworkAcls[0]
	}
	var numbers []int32
	for _, e := range describe().Entries {
		numbers = append(numbers, *e.RuleNumber)
	}
	want := []int32{100, 32767, 100, 101, 200, 32767}
	for i, n := range want {
		if len(numbers) != len(want) || numbers[i] != n {
			t.Fatalf("entries %v, want %v", numbers, want)
		}
	}
	if e := describe().Entries[4]; *e.CidrBlock != "100.68.0.0/18" || *e.PortRange.To != 2 {
		t.Errorf("the entry says %s", *e.CidrBlock)
	}
	b.associateACL(vpc, subnet, acl.NetworkAclId)
	remove := func(n int32) error {
		_, err := b.DeleteNetworkAclEntry(ctx, b.c, &ec2api.DeleteNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: &n, Egress: new(false)})
		return err
	}
	if err := remove(200); err != nil {
		t.Error(err)
	}
	b.refused(remove(200), "InvalidNetworkAclEntry.NotFound", "")
}

func (b *bench) associateACL(vpc, subnet, acl *string) {
	ctx := b.Context()
	used := must(b.DescribeNetworkAcls(ctx, b.c, &ec2api.DescribeNetworkAclsInput{Filters: filter("association.subnet-id", *subnet)})).NetworkAcls[0]
	remove := func(id *string) error {
		_, err := b.DeleteNetworkAcl(ctx, b.c, &ec2api.DeleteNetworkAclInput{NetworkAclId: id})
		return err
	}
	b.refused(remove(used.NetworkAclId), "InvalidParameterValue", "cannot delete default network ACL "+*used.NetworkAclId)
	replace := func(association, acl *string) (*ec2api.ReplaceNetworkAclAssociationOutput, error) {
		return b.ReplaceNetworkAclAssociation(ctx, b.c, &ec2api.ReplaceNetworkAclAssociationInput{AssociationId: association, NetworkAclId: acl})
	}
	far := must(b.CreateNetworkAcl(ctx, b.c, &ec2api.CreateNetworkAclInput{VpcId: b.vpc("10.0.0.0/16")})).NetworkAcl
	_, err := replace(used.Associations[0].NetworkAclAssociationId, far.NetworkAclId)
	b.refused(err, "InvalidParameterValue", "")
	fresh := must(replace(used.Associations[0].NetworkAclAssociationId, acl)).NewAssociationId
	_, err = replace(used.Associations[0].NetworkAclAssociationId, acl)
	b.refused(err, "InvalidAssociationID.NotFound", "")
	b.refused(remove(acl), "DependencyViolation", "The networkAcl '"+*acl+"' has dependencies and cannot be deleted.")
	_, err = b.DeleteVpc(ctx, b.c, &ec2api.DeleteVpcInput{VpcId: vpc})
	b.refused(err, "DependencyViolation", "")
	must(replace(fresh, used.NetworkAclId))
}
