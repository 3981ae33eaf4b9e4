package iam

import (
	"cmp"
	"context"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// kind is one of the nouns that policies are attached to, with the words IAM has for it.
type kind struct {
	noun     string // in errors, e.g. "role"
	quota    string // of attached policies
	inline   int    // characters of all inline policies together
	get      func(w *world.World, key string) (world.Identity, bool)
	put      func(tx *world.Tx, i world.Identity)
	modifies func(w *world.World, i world.Identity) error // refuses changes; nil: all may be made
}

// Quotas. (IAM User Guide, "IAM and AWS STS quotas".)
const (
	maxAttached = 10
	maxTags     = 50
)

func users() kind {
	return kind{noun: "user", quota: "PoliciesPerUser", inline: 2048,
		get: func(w *world.World, key string) (world.Identity, bool) {
			u, ok := w.Users.Get(key)
			return u.Identity, ok
		},
		put: func(tx *world.Tx, i world.Identity) {
			u, _ := tx.Users.Get(i.RowID())
			u.Identity = i
			tx.Users.Put(u)
		}}
}

func groups() kind {
	return kind{noun: "group", quota: "PoliciesPerGroup", inline: 5120,
		get: func(w *world.World, key string) (world.Identity, bool) {
			g, ok := w.Groups.Get(key)
			return g.Identity, ok
		},
		put: func(tx *world.Tx, i world.Identity) { tx.Groups.Put(world.Group{Identity: i}) }}
}

func roles() kind {
	return kind{noun: "role", quota: "PoliciesPerRole", inline: 10240,
		get: func(w *world.World, key string) (world.Identity, bool) {
			r, ok := w.Roles.Get(key)
			return r.Identity, ok
		},
		put: func(tx *world.Tx, i world.Identity) {
			r, _ := tx.Roles.Get(i.RowID())
			r.Identity = i
			tx.Roles.Put(r)
		},
		modifies: func(w *world.World, i world.Identity) error {
			if r, _ := w.Roles.Get(i.RowID()); r.Service != "" {
				return protected(r.Name)
			}
			return nil
		}}
}

// protected says that a role belongs to a service.
func protected(name string) error {
	return awserr.IAMUnmodifiable("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", name)
}

// find is the caller's identity of a kind and name.
func (k kind) find(w *world.World, c world.Caller, name *string) (world.Identity, error) {
	i, ok := k.get(w, world.IAMKey(c.Account, val(name)))
	if !ok {
		return i, awserr.IAMNoSuch("The %s with name %s cannot be found.", k.noun, val(name))
	}
	return i, nil
}

// edit changes an identity.
func (s *Service) edit(ctx context.Context, c world.Caller, k kind, name *string, f func(*world.Tx, *world.Identity) error) error {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		i, err := k.find(&tx.World, c, name)
		if err != nil {
			return err
		}
		if k.modifies != nil {
			if err := k.modifies(&tx.World, i); err != nil {
				return err
			}
		}
		if err := f(tx, &i); err != nil {
			return err
		}
		k.put(tx, i)
		return nil
	})
	return err
}

// seen is a kind's identity as the World has it now.
func (s *Service) seen(c world.Caller, k kind, name *string) (world.Identity, error) {
	w := s.store.World()
	return k.find(&w, c, name)
}

// wish is what a new identity is to be.
type wish struct {
	prefix   string // of its unique id
	name     *string
	path     *string
	boundary *string
	tags     []iamapi.Tag
}

// make makes the identity of a wish.
func (s *Service) make(tx *world.Tx, c world.Caller, k kind, q wish) (world.Identity, error) {
	i := world.Identity{Account: c.Account, ID: tx.IAMID(q.prefix), Name: val(q.name), Path: cmp.Or(val(q.path), "/"), Created: tx.Now}
	if _, ok := k.get(&tx.World, i.RowID()); ok {
		title := map[string]string{"user": "User", "group": "Group", "role": "Role"}[k.noun]
		return i, awserr.IAMExists("%s with name %s already exists.", title, i.Name)
	}
	var err error
	if i.Tags, err = mergeTags(nil, q.tags); err != nil {
		return i, err
	}
	if q.boundary != nil {
		if err := s.attachable(&tx.World, c, *q.boundary); err != nil {
			return i, err
		}
		i.Boundary = *q.boundary
	}
	return i, nil
}

// deletable refuses to delete an identity that has policies.
func deletable(i world.Identity) error {
	switch {
	case len(i.Attached) > 0:
		return awserr.IAMDeleteConflict("Cannot delete entity, must detach all policies first.")
	case len(i.Inline) > 0:
		return awserr.IAMDeleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

func (s *Service) bound(ctx context.Context, c world.Caller, k kind, name, arn *string) error {
	return s.edit(ctx, c, k, name, func(tx *world.Tx, i *world.Identity) error {
		i.Boundary = val(arn)
		if arn == nil {
			return nil
		}
		return s.attachable(&tx.World, c, *arn)
	})
}

// PutUserPermissionsBoundary sets what a user's policies can allow at most.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, c world.Caller, in *iamapi.PutUserPermissionsBoundaryInput) (*iamapi.PutUserPermissionsBoundaryOutput, error) {
	return nil, s.bound(ctx, c, users(), in.UserName, in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary takes a user's boundary away.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, c world.Caller, in *iamapi.DeleteUserPermissionsBoundaryInput) (*iamapi.DeleteUserPermissionsBoundaryOutput, error) {
	return nil, s.bound(ctx, c, users(), in.UserName, nil)
}

// PutRolePermissionsBoundary sets what a role's policies can allow at most.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, c world.Caller, in *iamapi.PutRolePermissionsBoundaryInput) (*iamapi.PutRolePermissionsBoundaryOutput, error) {
	return nil, s.bound(ctx, c, roles(), in.RoleName, in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary takes a role's boundary away.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, c world.Caller, in *iamapi.DeleteRolePermissionsBoundaryInput) (*iamapi.DeleteRolePermissionsBoundaryOutput, error) {
	return nil, s.bound(ctx, c, roles(), in.RoleName, nil)
}

// boundary is an identity's boundary as IAM tells it.
func boundary(i world.Identity) *iamapi.AttachedPermissionsBoundary {
	if i.Boundary == "" {
		return nil
	}
	return &iamapi.AttachedPermissionsBoundary{PermissionsBoundaryType: new("Policy"), PermissionsBoundaryArn: new(i.Boundary)}
}
