package ec2

import (
	"context"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// permittedENI is an interface that the caller may do something with: one of its own that no service manages, or one
// that its owner permits it.
func permittedENI(tx *world.Tx, c world.Caller, id *string, kind string) (world.ENI, error) {
	e, ok := tx.ENIs.Get(world.ENIID(val(id)))
	if ok && e.Account != c.Account && e.Region == c.Region && tx.Permits(e.ID, c.Account, kind) {
		return e, nil
	}
	return ownENI(tx, c, id)
}

// CreateNetworkInterfacePermission lets another account attach an interface of the caller's to its instances, or
// associate its elastic addresses with it.
func (s *Service) CreateNetworkInterfacePermission(ctx context.Context, c world.Caller, in *ec2api.CreateNetworkInterfacePermissionInput) (*ec2api.CreateNetworkInterfacePermissionOutput, error) {
	account := val(in.AwsAccountId)
	switch {
	case set(in.AwsService):
		return nil, unsupported("Permissions for services are not built.")
	case account == "":
		return nil, awserr.EC2MissingParameter("awsAccountId")
	case len(account) != 12 || strings.Trim(account, "0123456789") != "":
		return nil, awserr.EC2InvalidParameter("awsAccountId", account, "It is no account ID.")
	case account == string(c.Account):
		return nil, awserr.EC2InvalidParameter("awsAccountId", account, "It is the account of the network interface.")
	}
	if err := oneOf("permission", in.Permission, world.InstanceAttach, world.EIPAssociate); err != nil {
		return nil, err
	}
	var p world.ENIPermission
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		e, err := ownENI(tx, c, in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		p = world.ENIPermission{ID: world.ENIPermissionID(tx.NewID("eni-perm")), Meta: tx.NewMeta(c, nil), ENI: e.ID, Grantee: world.AccountID(account), Kind: val(in.Permission)}
		for had := range tx.ENIPermissions.In(string(e.ID)) {
			switch {
			case had.Grantee != p.Grantee:
				return awserr.EC2NotPermitted("The network interface '" + string(e.ID) + "' has a permission for another account.")
			case had.Kind == p.Kind:
				p = had
				return nil
			}
		}
		tx.ENIPermissions.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateNetworkInterfacePermissionOutput{InterfacePermission: new(eniPermission(p))}, nil
}

// eniPermission describes a permission, which counts from the next call on. AWS writes its state in capitals, unlike its model.
func eniPermission(p world.ENIPermission) ec2api.NetworkInterfacePermission {
	return ec2api.NetworkInterfacePermission{
		NetworkInterfacePermissionId: new(string(p.ID)), NetworkInterfaceId: new(string(p.ENI)), AwsAccountId: new(string(p.Grantee)),
		Permission: new(p.Kind), PermissionState: &ec2api.NetworkInterfacePermissionState{State: new("GRANTED")},
	}
}

// DeleteNetworkInterfacePermission takes a permission away. One that is made use of goes by force only; what was made
// by it stays.
func (s *Service) DeleteNetworkInterfacePermission(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkInterfacePermissionInput) (*ec2api.DeleteNetworkInterfacePermissionOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := find(&tx.ENIPermissions, c, "network-interface-permission", in.NetworkInterfacePermissionId)
		if err != nil {
			return err
		}
		if !val(in.Force) && exercised(&tx.World, p) {
			return awserr.EC2NotPermitted("Account " + string(p.Grantee) + " makes use of the permission '" + string(p.ID) + "'.")
		}
		tx.ENIPermissions.Delete(p.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteNetworkInterfacePermissionOutput{Return: new(true)}, nil
}

// exercised tells whether the account that was permitted something has done it.
func exercised(w *world.World, p world.ENIPermission) bool {
	if p.Kind == world.InstanceAttach {
		e, _ := w.ENIs.Get(p.ENI)
		i, _ := w.Instances.Get(e.Attachment.Instance)
		return i.Account == p.Grantee
	}
	return holdsAny(w.Addresses.In(string(p.ENI)), func(a world.Address) bool { return a.Account == p.Grantee })
}

// DescribeNetworkInterfacePermissions lists the permissions for the caller's interfaces.
func (s *Service) DescribeNetworkInterfacePermissions(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInterfacePermissionsInput) (*ec2api.DescribeNetworkInterfacePermissionsOutput, error) {
	type permission = world.ENIPermission
	const prefix = "network-interface-permission."
	filters := listing.Filters[permission]{Fields: map[string]func(permission) []string{
		prefix + "network-interface-permission-id": one(func(p permission) world.ENIPermissionID { return p.ID }),
		prefix + "network-interface-id":            one(func(p permission) world.ENIID { return p.ENI }),
		prefix + "aws-account-id":                  one(func(p permission) world.AccountID { return p.Grantee }),
		prefix + "aws-service":                     never[permission],
		prefix + "permission":                      one(func(p permission) string { return p.Kind }),
	}}
	v := s.look(c)
	page, next, err := list(query{noun: "network-interface-permission", ids: in.NetworkInterfacePermissionIds, filters: in.Filters, size: in.MaxResults, token: in.NextToken},
		mine(&v.w.ENIPermissions, c), filters, listing.EC2(5, 255))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInterfacePermissionsOutput{NetworkInterfacePermissions: each(page, eniPermission), NextToken: next}, nil
}
