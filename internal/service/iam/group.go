package iam

import (
	"context"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

func group(g world.Group) iamapi.Group {
	return iamapi.Group{Path: new(g.Path), GroupName: new(g.Name), GroupId: new(g.ID), Arn: new(g.ARN()), CreateDate: new(g.Created)}
}

func groupKey(g world.Group) string { return g.RowID() }

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, c world.Caller, in *iamapi.CreateGroupInput) (*iamapi.CreateGroupOutput, error) {
	var g world.Group
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		g.Identity, err = s.make(tx, c, groups(), wish{prefix: "AGPA", name: in.GroupName, path: in.Path})
		if err == nil {
			tx.Groups.Put(g)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateGroupOutput{Group: new(group(g))}, nil
}

// GetGroup tells of a group and its users.
func (s *Service) GetGroup(_ context.Context, c world.Caller, in *iamapi.GetGroupInput) (*iamapi.GetGroupOutput, error) {
	w := s.store.World()
	i, err := groups().find(&w, c, in.GroupName)
	if err != nil {
		return nil, err
	}
	g := world.Group{Identity: i}
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, w.Members(g), userKey)
	return &iamapi.GetGroupOutput{
		Group: new(group(g)), Users: each(page, func(u world.User) iamapi.User { return *user(u, false) }), IsTruncated: more, Marker: next,
	}, err
}

// UpdateGroup gives a group another name or path.
func (s *Service) UpdateGroup(ctx context.Context, c world.Caller, in *iamapi.UpdateGroupInput) (*iamapi.UpdateGroupOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		i, err := groups().find(&tx.World, c, in.GroupName)
		if err != nil {
			return err
		}
		old := i.RowID()
		if in.NewPath != nil {
			i.Path = *in.NewPath
		}
		if in.NewGroupName != nil {
			i.Name = *in.NewGroupName
		}
		if i.RowID() != old {
			if tx.Groups.Has(i.RowID()) {
				return awserr.IAMExists("Group with name %s already exists.", i.Name)
			}
			tx.Groups.Delete(old)
		}
		tx.Groups.Put(world.Group{Identity: i})
		return nil
	})
	return nil, err
}

// DeleteGroup deletes a group without users and policies.
func (s *Service) DeleteGroup(ctx context.Context, c world.Caller, in *iamapi.DeleteGroupInput) (*iamapi.DeleteGroupOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		i, err := groups().find(&tx.World, c, in.GroupName)
		if err != nil {
			return err
		}
		if len(tx.Members(world.Group{Identity: i})) > 0 {
			return awserr.IAMDeleteConflict("Cannot delete entity, must remove users from group first.")
		}
		if err := deletable(i); err != nil {
			return err
		}
		tx.Groups.Delete(i.RowID())
		return nil
	})
	return nil, err
}

// ListGroups lists the account's groups.
func (s *Service) ListGroups(_ context.Context, c world.Caller, in *iamapi.ListGroupsInput) (*iamapi.ListGroupsOutput, error) {
	w := s.store.World()
	all := below(rows(&w.Groups, c), in.PathPrefix, func(g world.Group) string { return g.Path })
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, all, groupKey)
	return &iamapi.ListGroupsOutput{Groups: each(page, group), IsTruncated: more, Marker: next}, err
}
