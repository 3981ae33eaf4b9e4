package iam

import (
	"context"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// usualSession is how long sessions of a role may last at most if nothing else is said, in seconds.
const usualSession = 3600

// role tells of a role; lists leave tags and boundary out.
func role(r world.Role, whole bool) *iamapi.Role {
	out := &iamapi.Role{
		Path: new(r.Path), RoleName: new(r.Name), RoleId: new(r.ID), Arn: new(r.ARN()), CreateDate: new(r.Created),
		AssumeRolePolicyDocument: new(encoded(r.Trust)), MaxSessionDuration: new(int32(r.MaxSession)), Description: some(r.Description),
	}
	if whole {
		out.Tags, out.PermissionsBoundary, out.RoleLastUsed = tagsOf(r.Tags), boundary(r.Identity), &iamapi.RoleLastUsed{}
	}
	return out
}

func findRole(w *world.World, c world.Caller, name *string) (world.Role, error) {
	i, err := roles().find(w, c, name)
	r, _ := w.Roles.Get(i.RowID())
	return r, err
}

// CreateRole makes a role.
func (s *Service) CreateRole(ctx context.Context, c world.Caller, in *iamapi.CreateRoleInput) (*iamapi.CreateRoleOutput, error) {
	r := world.Role{Description: val(in.Description), Trust: val(in.AssumeRolePolicyDocument), MaxSession: usualSession}
	if in.MaxSessionDuration != nil {
		r.MaxSession = int(*in.MaxSessionDuration)
	}
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if r.Pins, err = trust(&tx.World, r.Trust); err != nil {
			return err
		}
		r.Identity, err = s.make(tx, c, roles(), wish{"AROA", in.RoleName, in.Path, in.PermissionsBoundary, in.Tags})
		if err == nil {
			tx.Roles.Put(r)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateRoleOutput{Role: role(r, true)}, nil
}

// GetRole tells of a role.
func (s *Service) GetRole(_ context.Context, c world.Caller, in *iamapi.GetRoleInput) (*iamapi.GetRoleOutput, error) {
	w := s.store.World()
	r, err := findRole(&w, c, in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetRoleOutput{Role: role(r, true)}, nil
}

// ListRoles lists the account's roles.
func (s *Service) ListRoles(_ context.Context, c world.Caller, in *iamapi.ListRolesInput) (*iamapi.ListRolesOutput, error) {
	w := s.store.World()
	all := below(rows(&w.Roles, c), in.PathPrefix, func(r world.Role) string { return r.Path })
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, all, func(r world.Role) string { return r.RowID() })
	return &iamapi.ListRolesOutput{Roles: each(page, func(r world.Role) iamapi.Role { return *role(r, false) }), IsTruncated: more, Marker: next}, err
}

// editRole changes a role.
func (s *Service) editRole(ctx context.Context, c world.Caller, name *string, f func(*world.Tx, *world.Role) error) (world.Role, error) {
	var r world.Role
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if r, err = findRole(&tx.World, c, name); err != nil {
			return err
		}
		if err := f(tx, &r); err != nil {
			return err
		}
		tx.Roles.Put(r)
		return nil
	})
	return r, err
}

// UpdateRole changes a role's description and the longest life of its sessions.
func (s *Service) UpdateRole(ctx context.Context, c world.Caller, in *iamapi.UpdateRoleInput) (*iamapi.UpdateRoleOutput, error) {
	_, err := s.editRole(ctx, c, in.RoleName, func(_ *world.Tx, r *world.Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			if r.Service != "" {
				return protected(r.Name)
			}
			r.MaxSession = int(*in.MaxSessionDuration)
		}
		return nil
	})
	return nil, err
}

// UpdateRoleDescription changes a role's description.
func (s *Service) UpdateRoleDescription(ctx context.Context, c world.Caller, in *iamapi.UpdateRoleDescriptionInput) (*iamapi.UpdateRoleDescriptionOutput, error) {
	r, err := s.editRole(ctx, c, in.RoleName, func(_ *world.Tx, r *world.Role) error {
		r.Description = val(in.Description)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.UpdateRoleDescriptionOutput{Role: role(r, true)}, nil
}

// UpdateAssumeRolePolicy changes who may assume a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, c world.Caller, in *iamapi.UpdateAssumeRolePolicyInput) (*iamapi.UpdateAssumeRolePolicyOutput, error) {
	_, err := s.editRole(ctx, c, in.RoleName, func(tx *world.Tx, r *world.Role) (err error) {
		if r.Service != "" {
			return protected(r.Name)
		}
		r.Trust = val(in.PolicyDocument)
		r.Pins, err = trust(&tx.World, r.Trust)
		return err
	})
	return nil, err
}

// DeleteRole deletes a role that has nothing left.
func (s *Service) DeleteRole(ctx context.Context, c world.Caller, in *iamapi.DeleteRoleInput) (*iamapi.DeleteRoleOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		r, err := findRole(&tx.World, c, in.RoleName)
		switch {
		case err != nil:
			return err
		case r.Service != "":
			return protected(r.Name)
		case len(profilesOf(&tx.World, r)) > 0:
			return awserr.IAMDeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		if err := deletable(r.Identity); err != nil {
			return err
		}
		tx.Roles.Delete(r.RowID())
		return nil
	})
	return nil, err
}
