package iam

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/world"
)

// user tells of a user; lists leave tags and boundary out.
func user(u world.User, whole bool) *iamapi.User {
	out := &iamapi.User{Path: new(u.Path), UserName: new(u.Name), UserId: new(u.ID), Arn: new(u.ARN()), CreateDate: new(u.Created)}
	if whole {
		out.Tags, out.PermissionsBoundary = tagsOf(u.Tags), boundary(u.Identity)
	}
	return out
}

func userKey(u world.User) string { return u.RowID() }

// CreateUser makes a user.
func (s *Service) CreateUser(ctx context.Context, c world.Caller, in *iamapi.CreateUserInput) (*iamapi.CreateUserOutput, error) {
	var u world.User
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		u.Identity, err = s.make(tx, c, users(), wish{"AIDA", in.UserName, in.Path, in.PermissionsBoundary, in.Tags})
		if err == nil {
			tx.Users.Put(u)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateUserOutput{User: user(u, true)}, nil
}

// findUser is the caller's user of a name.
func findUser(w *world.World, c world.Caller, name *string) (world.User, error) {
	i, err := users().find(w, c, name)
	u, _ := w.Users.Get(i.RowID())
	return u, err
}

// GetUser tells of a user, or of the caller.
func (s *Service) GetUser(_ context.Context, c world.Caller, in *iamapi.GetUserInput) (*iamapi.GetUserOutput, error) {
	w := s.store.World()
	if in.UserName == nil {
		if u, ok := guard.UserOf(&w, c); ok {
			return &iamapi.GetUserOutput{User: user(u, true)}, nil
		}
		if !strings.HasSuffix(c.ARN, ":root") {
			return nil, awserr.IAMValidation("Must specify userName when calling with non-User credentials")
		}
		a, _ := w.Accounts.Get(c.Account)
		return &iamapi.GetUserOutput{User: &iamapi.User{Path: new("/"), UserName: new(a.Name), UserId: new(string(a.ID)), Arn: new(c.ARN), CreateDate: new(a.Created)}}, nil
	}
	u, err := findUser(&w, c, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetUserOutput{User: user(u, true)}, nil
}

// UpdateUser gives a user another name or path.
func (s *Service) UpdateUser(ctx context.Context, c world.Caller, in *iamapi.UpdateUserInput) (*iamapi.UpdateUserOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		u, err := findUser(&tx.World, c, in.UserName)
		if err != nil {
			return err
		}
		old := u.RowID()
		if in.NewPath != nil {
			u.Path = *in.NewPath
		}
		if in.NewUserName != nil {
			u.Name = *in.NewUserName
		}
		if u.RowID() != old {
			if tx.Users.Has(u.RowID()) {
				return awserr.IAMExists("User with name %s already exists.", u.Name)
			}
			tx.Users.Delete(old)
		}
		tx.Users.Put(u)
		return nil
	})
	return nil, err
}

// DeleteUser deletes a user that has nothing left.
func (s *Service) DeleteUser(ctx context.Context, c world.Caller, in *iamapi.DeleteUserInput) (*iamapi.DeleteUserOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		u, err := findUser(&tx.World, c, in.UserName)
		switch {
		case err != nil:
			return err
		case len(keysOf(&tx.World, u)) > 0:
			return awserr.IAMDeleteConflict("Cannot delete entity, must delete access keys first.")
		case len(u.Groups) > 0:
			return awserr.IAMDeleteConflict("Cannot delete entity, must remove users from group first.")
		}
		if err := deletable(u.Identity); err != nil {
			return err
		}
		tx.Users.Delete(u.RowID())
		return nil
	})
	return nil, err
}

// ListUsers lists the account's users.
func (s *Service) ListUsers(_ context.Context, c world.Caller, in *iamapi.ListUsersInput) (*iamapi.ListUsersOutput, error) {
	w := s.store.World()
	all := below(rows(&w.Users, c), in.PathPrefix, func(u world.User) string { return u.Path })
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, all, userKey)
	return &iamapi.ListUsersOutput{Users: each(page, func(u world.User) iamapi.User { return *user(u, false) }), IsTruncated: more, Marker: next}, err
}

// ListGroupsForUser lists the groups a user is in.
func (s *Service) ListGroupsForUser(_ context.Context, c world.Caller, in *iamapi.ListGroupsForUserInput) (*iamapi.ListGroupsForUserOutput, error) {
	w := s.store.World()
	u, err := findUser(&w, c, in.UserName)
	if err != nil {
		return nil, err
	}
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, w.GroupsOf(u), groupKey)
	return &iamapi.ListGroupsForUserOutput{Groups: each(page, group), IsTruncated: more, Marker: next}, err
}

// AddUserToGroup puts a user into a group.
func (s *Service) AddUserToGroup(ctx context.Context, c world.Caller, in *iamapi.AddUserToGroupInput) (*iamapi.AddUserToGroupOutput, error) {
	return nil, s.member(ctx, c, in.UserName, in.GroupName, true)
}

// RemoveUserFromGroup takes a user out of a group.
func (s *Service) RemoveUserFromGroup(ctx context.Context, c world.Caller, in *iamapi.RemoveUserFromGroupInput) (*iamapi.RemoveUserFromGroupOutput, error) {
	return nil, s.member(ctx, c, in.UserName, in.GroupName, false)
}

func (s *Service) member(ctx context.Context, c world.Caller, name, of *string, is bool) error {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		g, err := groups().find(&tx.World, c, of)
		if err != nil {
			return err
		}
		u, err := findUser(&tx.World, c, name)
		if err != nil {
			return err
		}
		u.Groups = slices.DeleteFunc(slices.Clone(u.Groups), func(id string) bool { return id == g.ID })
		if is {
			u.Groups = append(u.Groups, g.ID)
		}
		tx.Users.Put(u)
		return nil
	})
	return err
}
