package iam

import (
	"cmp"
	"context"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

func profile(w *world.World, p world.InstanceProfile) iamapi.InstanceProfile {
	out := iamapi.InstanceProfile{
		Path: new(p.Path), InstanceProfileName: new(p.Name), InstanceProfileId: new(p.ID), Arn: new(p.ARN()), CreateDate: new(p.Created),
		Roles: []iamapi.Role{}, Tags: tagsOf(p.Tags),
	}
	if r, ok := w.Roles.Get(world.IAMKey(p.Account, p.Role)); ok && p.Role != "" {
		out.Roles = append(out.Roles, *role(r, false))
	}
	return out
}

// profilesOf are the instance profiles that hand a role to instances.
func profilesOf(w *world.World, r world.Role) []world.InstanceProfile {
	var out []world.InstanceProfile
	for p := range w.InstanceProfiles.Prefix(string(r.Account) + "/") {
		if p.Role != "" && strings.EqualFold(p.Role, r.Name) {
			out = append(out, p)
		}
	}
	return out
}

func findProfile(w *world.World, c world.Caller, name *string) (world.InstanceProfile, error) {
	p, ok := w.InstanceProfiles.Get(world.IAMKey(c.Account, val(name)))
	if !ok {
		return p, awserr.IAMNoSuch("Instance Profile %s cannot be found.", val(name))
	}
	return p, nil
}

// editProfile changes an instance profile.
func (s *Service) editProfile(ctx context.Context, c world.Caller, name *string, f func(*world.Tx, *world.InstanceProfile) error) error {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		p, err := findProfile(&tx.World, c, name)
		if err != nil {
			return err
		}
		if err := f(tx, &p); err != nil {
			return err
		}
		tx.InstanceProfiles.Put(p)
		return nil
	})
	return err
}

// CreateInstanceProfile makes an instance profile without a role.
func (s *Service) CreateInstanceProfile(ctx context.Context, c world.Caller, in *iamapi.CreateInstanceProfileInput) (*iamapi.CreateInstanceProfileOutput, error) {
	var p world.InstanceProfile
	w, err := s.update(ctx, func(tx *world.Tx) (err error) {
		p = world.InstanceProfile{Account: c.Account, ID: tx.IAMID("AIPA"), Name: val(in.InstanceProfileName), Path: cmp.Or(val(in.Path), "/"), Created: tx.Now}
		if p.Tags, err = mergeTags(nil, in.Tags); err != nil {
			return err
		}
		if tx.InstanceProfiles.Has(p.RowID()) {
			return awserr.IAMExists("Instance Profile %s already exists.", p.Name)
		}
		tx.InstanceProfiles.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateInstanceProfileOutput{InstanceProfile: new(profile(&w, p))}, nil
}

// GetInstanceProfile tells of an instance profile.
func (s *Service) GetInstanceProfile(_ context.Context, c world.Caller, in *iamapi.GetInstanceProfileInput) (*iamapi.GetInstanceProfileOutput, error) {
	w := s.store.World()
	p, err := findProfile(&w, c, in.InstanceProfileName)
	return &iamapi.GetInstanceProfileOutput{InstanceProfile: new(profile(&w, p))}, err
}

// DeleteInstanceProfile deletes an instance profile without a role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, c world.Caller, in *iamapi.DeleteInstanceProfileInput) (*iamapi.DeleteInstanceProfileOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		p, err := findProfile(&tx.World, c, in.InstanceProfileName)
		if err != nil {
			return err
		}
		if p.Role != "" {
			return awserr.IAMDeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		tx.InstanceProfiles.Delete(p.RowID())
		return nil
	})
	return nil, err
}

// ListInstanceProfiles lists the account's instance profiles.
func (s *Service) ListInstanceProfiles(_ context.Context, c world.Caller, in *iamapi.ListInstanceProfilesInput) (*iamapi.ListInstanceProfilesOutput, error) {
	w := s.store.World()
	all := below(rows(&w.InstanceProfiles, c), in.PathPrefix, func(p world.InstanceProfile) string { return p.Path })
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, all, func(p world.InstanceProfile) string { return p.RowID() })
	return &iamapi.ListInstanceProfilesOutput{IsTruncated: more, Marker: next,
		InstanceProfiles: each(page, func(p world.InstanceProfile) iamapi.InstanceProfile { return profile(&w, p) })}, err
}

// ListInstanceProfilesForRole lists the instance profiles a role is in.
func (s *Service) ListInstanceProfilesForRole(_ context.Context, c world.Caller, in *iamapi.ListInstanceProfilesForRoleInput) (*iamapi.ListInstanceProfilesForRoleOutput, error) {
	w := s.store.World()
	r, err := findRole(&w, c, in.RoleName)
	if err != nil {
		return nil, err
	}
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, profilesOf(&w, r), func(p world.InstanceProfile) string { return p.RowID() })
	return &iamapi.ListInstanceProfilesForRoleOutput{IsTruncated: more, Marker: next,
		InstanceProfiles: each(page, func(p world.InstanceProfile) iamapi.InstanceProfile { return profile(&w, p) })}, err
}

// AddRoleToInstanceProfile gives an instance profile its role.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, c world.Caller, in *iamapi.AddRoleToInstanceProfileInput) (*iamapi.AddRoleToInstanceProfileOutput, error) {
	return nil, s.editProfile(ctx, c, in.InstanceProfileName, func(tx *world.Tx, p *world.InstanceProfile) error {
		r, err := findRole(&tx.World, c, in.RoleName)
		switch {
		case err != nil:
			return err
		case p.Role != "":
			return awserr.IAMLimit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
		case r.Service != "":
			return protected(r.Name)
		}
		p.Role = r.Name
		return nil
	})
}

// RemoveRoleFromInstanceProfile takes the role out of an instance profile.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, c world.Caller, in *iamapi.RemoveRoleFromInstanceProfileInput) (*iamapi.RemoveRoleFromInstanceProfileOutput, error) {
	return nil, s.editProfile(ctx, c, in.InstanceProfileName, func(_ *world.Tx, p *world.InstanceProfile) error {
		if !strings.EqualFold(p.Role, val(in.RoleName)) {
			return awserr.IAMNoSuch("The role with name %s cannot be found.", val(in.RoleName))
		}
		p.Role = ""
		return nil
	})
}
