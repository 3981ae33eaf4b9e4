package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// AssociateSecurityGroupVpc lets interfaces of another VPC of the caller's carry a group.
func (s *Service) AssociateSecurityGroupVpc(ctx context.Context, c world.Caller, in *ec2api.AssociateSecurityGroupVpcInput) (*ec2api.AssociateSecurityGroupVpcOutput, error) {
	var a world.GroupAssociation
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, err := find(&tx.SecurityGroups, c, "security-group", in.GroupId)
		if err != nil {
			return err
		}
		p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		a = world.GroupAssociation{Meta: tx.NewMeta(c, nil), Group: g.ID, VPC: p.ID}
		had, there := tx.GroupAssociations.Get(a.RowID())
		switch {
		case g.Default:
			return awserr.EC2NotPermitted("The default security group '" + string(g.ID) + "' cannot be associated with another VPC.")
		case p.Default:
			return awserr.EC2NotPermitted("A security group cannot be associated with the default VPC '" + string(p.ID) + "'.")
		case g.VPC == p.ID:
			return awserr.EC2InvalidParameter("VpcId", string(p.ID), "The security group was created in this VPC.")
		case there && had.Deleting:
			return awserr.EC2Code("IncorrectState", "The security group %s is being disassociated from VPC %s.", g.ID, p.ID)
		case there:
			return awserr.EC2Code("Resource.AlreadyAssociated", "The security group %s is already associated with VPC %s.", g.ID, p.ID)
		}
		tx.GroupAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AssociateSecurityGroupVpcOutput{State: new(associationState(a, v.seen))}, nil
}

// DisassociateSecurityGroupVpc ends an association that no interface needs. It goes once the kernel is without it; see
// Finish.
func (s *Service) DisassociateSecurityGroupVpc(ctx context.Context, c world.Caller, in *ec2api.DisassociateSecurityGroupVpcInput) (*ec2api.DisassociateSecurityGroupVpcOutput, error) {
	var a world.GroupAssociation
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, err := find(&tx.SecurityGroups, c, "security-group", in.GroupId)
		if err != nil {
			return err
		}
		p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		var ok bool
		a, ok = tx.GroupAssociations.Get(world.GroupAssociationKey(g.ID, p.ID))
		switch {
		case !ok:
			return awserr.EC2Code("InvalidAssociationID.NotFound", "The security group %s is not associated with VPC %s.", g.ID, p.ID)
		case tx.Carried(g.ID, p.ID):
			return awserr.EC2Dependency("security-group", string(g.ID))
		case a.Deleting:
			return nil
		}
		a.Deleting = true
		tx.Touch(&a.Meta)
		tx.GroupAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DisassociateSecurityGroupVpcOutput{State: new(associationState(a, v.seen))}, nil
}

// associationState is how far the association of a group is: it is associated when interfaces would be judged by it.
func associationState(a world.GroupAssociation, seen store.Seen) string {
	switch {
	case a.Deleting:
		return "disassociating"
	case seen.Ready(a.Rev, string(a.VPC)):
		return "associated"
	}
	return "associating"
}

// disassociated are the associations of groups that were asked to end, and have.
func disassociated(w *world.World, seen store.Seen) (out []world.GroupAssociation) {
	for _, a := range w.Disassociating() {
		if seen.Ready(a.Rev, string(a.VPC)) {
			out = append(out, a)
		}
	}
	return out
}

// DescribeSecurityGroupVpcAssociations lists the associations of the caller's groups with further VPCs.
func (s *Service) DescribeSecurityGroupVpcAssociations(_ context.Context, c world.Caller, in *ec2api.DescribeSecurityGroupVpcAssociationsInput) (*ec2api.DescribeSecurityGroupVpcAssociationsOutput, error) {
	v := s.look(c)
	type association = world.GroupAssociation
	owner := one(func(a association) world.AccountID { return a.Account })
	filters := listing.Filters[association]{Fields: map[string]func(association) []string{
		"group-id":       one(func(a association) world.SecurityGroupID { return a.Group }),
		"group-owner-id": owner,
		"state":          one(func(a association) string { return associationState(a, v.seen) }),
		"vpc-id":         one(func(a association) world.VPCID { return a.VPC }),
		"vpc-owner-id":   owner,
	}}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, mine(&v.w.GroupAssociations, c), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeSecurityGroupVpcAssociationsOutput{NextToken: next, SecurityGroupVpcAssociations: each(page, func(a association) ec2api.SecurityGroupVpcAssociation {
		return ec2api.SecurityGroupVpcAssociation{
			GroupId: new(string(a.Group)), GroupOwnerId: new(string(a.Account)), VpcId: new(string(a.VPC)), VpcOwnerId: new(string(a.Account)),
			State: new(associationState(a, v.seen)),
		}
	})}, nil
}
