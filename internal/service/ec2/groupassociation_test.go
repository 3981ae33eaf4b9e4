package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// TestGroupAssociation: what cannot be associated is refused, an association is told in its states, and neither the group
// nor the VPC goes before it.
func TestGroupAssociation(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc, other := b.vpc("10.0.0.0/16"), b.vpc("10.1.0.0/16")
	g := b.group(vpc, "g")
	associate := func(g, vpc *string) (string, error) {
		out, err := b.AssociateSecurityGroupVpc(ctx, b.c, &ec2api.AssociateSecurityGroupVpcInput{GroupId: g, VpcId: vpc})
		if err != nil {
			return "", err
		}
		return *out.State, nil
	}
	refused := func(g, vpc *string, code string) {
		t.Helper()
		_, err := associate(g, vpc)
		b.refused(err, code, "")
	}
	w := b.store.World()
	own, _ := w.DefaultGroup(world.VPCID(*vpc))
	base := must(b.CreateDefaultVpc(ctx, b.c, &ec2api.CreateDefaultVpcInput{})).Vpc.VpcId
	refused(new(string(own.ID)), other, "OperationNotPermitted")
	refused(g, base, "OperationNotPermitted")
	refused(g, vpc, "InvalidParameterValue")
	refused(new("sg-00000000000000000"), other, "InvalidGroup.NotFound")
	refused(g, new("vpc-00000000000000000"), "InvalidVpcID.NotFound")
	if s, err := associate(g, other); err != nil || s != "associating" {
		t.Errorf("%s, %v", s, err)
	}
	refused(g, other, "Resource.AlreadyAssociated")
	state := func() string {
		rows := must(b.DescribeSecurityGroupVpcAssociations(ctx, b.c, &ec2api.DescribeSecurityGroupVpcAssociationsInput{Filters: filter("vpc-id", *other)})).SecurityGroupVpcAssociations
		if len(rows) == 0 {
			return "none"
		}
		return *rows[0].State
	}
	if s := state(); s != "associating" {
		t.Error(s)
	}
	b.seen()
	if s := state(); s != "associated" {
		t.Error(s)
	}
	usable := must(b.GetSecurityGroupsForVpc(ctx, b.c, &ec2api.GetSecurityGroupsForVpcInput{VpcId: other, Filters: filter("primary-vpc-id", *vpc)})).SecurityGroupForVpcs
	if len(usable) != 1 || *usable[0].GroupId != *g {
		t.Errorf("groups of %s that %s can have: %v", *vpc, *other, usable)
	}
	_, err := b.DeleteVpc(ctx, b.c, &ec2api.DeleteVpcInput{VpcId: other})
	b.refused(err, "DependencyViolation", "")
	_, err = b.DeleteSecurityGroup(ctx, b.c, &ec2api.DeleteSecurityGroupInput{GroupId: g})
	b.refused(err, "DependencyViolation", "resource "+*g+" has a dependent object")
	end := &ec2api.DisassociateSecurityGroupVpcInput{GroupId: g, VpcId: other}
	if s := *must(b.DisassociateSecurityGroupVpc(ctx, b.c, end)).State; s != "disassociating" || state() != s {
		t.Error(s)
	}
	refused(g, other, "IncorrectState")
	b.seen()
	if s := state(); s != "none" {
		t.Error(s)
	}
	_, err = b.DisassociateSecurityGroupVpc(ctx, b.c, end)
	b.refused(err, "InvalidAssociationID.NotFound", "")
	must(b.DeleteVpc(ctx, b.c, &ec2api.DeleteVpcInput{VpcId: other}))
	must(b.DeleteSecurityGroup(ctx, b.c, &ec2api.DeleteSecurityGroupInput{GroupId: g}))
}

// TestInterfacePermissions: permissions are for one other account, and go when they are not made use of.
func TestInterfacePermissions(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	eni := must(b.CreateNetworkInterface(ctx, b.c, &ec2api.CreateNetworkInterfaceInput{SubnetId: b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")})).NetworkInterface.NetworkInterfaceId
	permit := func(account, kind string) (*ec2api.CreateNetworkInterfacePermissionOutput, error) {
		return b.CreateNetworkInterfacePermission(ctx, b.c, &ec2api.CreateNetworkInterfacePermissionInput{NetworkInterfaceId: eni, AwsAccountId: &account, Permission: &kind})
	}
	for _, account := range []string{"x", "12345678901", string(b.c.Account)} {
		_, err := permit(account, world.InstanceAttach)
		b.refused(err, "InvalidParameterValue", "")
	}
	first := must(permit("999999999999", world.InstanceAttach)).InterfacePermission
	if again := must(permit("999999999999", world.InstanceAttach)).InterfacePermission; *again.NetworkInterfacePermissionId != *first.NetworkInterfacePermissionId {
		t.Error("the same permission twice")
	}
	_, err := permit("888888888888", world.EIPAssociate)
	b.refused(err, "OperationNotPermitted", "")
	end := &ec2api.DeleteNetworkInterfacePermissionInput{NetworkInterfacePermissionId: first.NetworkInterfacePermissionId}
	must(b.DeleteNetworkInterfacePermission(ctx, b.c, end))
	_, err = b.DeleteNetworkInterfacePermission(ctx, b.c, end)
	b.refused(err, "InvalidPermissionID.NotFound", "")
	must(permit("888888888888", world.EIPAssociate))
	must(b.DeleteNetworkInterface(ctx, b.c, &ec2api.DeleteNetworkInterfaceInput{NetworkInterfaceId: eni}))
	if rows := must(b.DescribeNetworkInterfacePermissions(ctx, b.c, &ec2api.DescribeNetworkInterfacePermissionsInput{})).NetworkInterfacePermissions; len(rows) != 0 {
		t.Errorf("%v are left", rows)
	}
}
