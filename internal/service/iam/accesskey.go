package iam

import (
	"context"
	"crypto/rand"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/api/sealed"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/world"
)

// maxKeys is how many access keys a user has at most. (IAM User Guide, "IAM and AWS STS quotas".)
const maxKeys = 2

// keysOf are a user's access keys; those of the account itself if the user has no id.
func keysOf(w *world.World, u world.User) []world.AccessKey {
	return w.AccessKeys.Where(func(k world.AccessKey) bool { return k.Account == u.Account && k.User == u.ID })
}

// keyOwner is the user a request about keys is for: the one it names, or the caller. The account itself has no id.
func keyOwner(w *world.World, c world.Caller, name *string) (world.User, error) {
	if name != nil {
		return findUser(w, c, name)
	}
	if u, ok := guard.UserOf(w, c); ok {
		return u, nil
	}
	if guard.IsRoot(c) {
		return world.User{Identity: world.Identity{Account: c.Account}}, nil
	}
	return world.User{}, awserr.IAMValidation("Must specify userName when calling with non-User credentials")
}

func status(k world.AccessKey) *string {
	if k.Inactive {
		return new("Inactive")
	}
	return new("Active")
}

// CreateAccessKey makes an access key, whose secret is told this once.
func (s *Service) CreateAccessKey(ctx context.Context, c world.Caller, in *iamapi.CreateAccessKeyInput) (*iamapi.CreateAccessKeyOutput, error) {
	id, secret, err := sealed.NewKey(rand.Reader, "AKIA")
	if err != nil {
		return nil, err
	}
	k := world.AccessKey{ID: id, Secret: secret, Account: c.Account}
	var u world.User
	_, err = s.update(ctx, func(tx *world.Tx) (err error) {
		if u, err = keyOwner(&tx.World, c, in.UserName); err != nil {
			return err
		}
		if len(keysOf(&tx.World, u)) >= maxKeys {
			return awserr.IAMLimit("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
		}
		k.User, k.Created = u.ID, tx.Now
		tx.AccessKeys.Put(k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateAccessKeyOutput{AccessKey: &iamapi.AccessKey{
		UserName: new(u.Name), AccessKeyId: new(string(k.ID)), SecretAccessKey: new(k.Secret), Status: status(k), CreateDate: new(k.Created),
	}}, nil
}

// editKey changes a user's access key.
func (s *Service) editKey(ctx context.Context, c world.Caller, name, id *string, f func(*world.Tx, world.AccessKey) error) error {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		u, err := keyOwner(&tx.World, c, name)
		if err != nil {
			return err
		}
		k, ok := tx.AccessKeys.Get(world.AccessKeyID(val(id)))
		if !ok || k.Account != c.Account || k.User != u.ID {
			return awserr.IAMNoSuch("The Access Key with id %s cannot be found.", val(id))
		}
		return f(tx, k)
	})
	return err
}

// UpdateAccessKey switches an access key on or off.
func (s *Service) UpdateAccessKey(ctx context.Context, c world.Caller, in *iamapi.UpdateAccessKeyInput) (*iamapi.UpdateAccessKeyOutput, error) {
	return nil, s.editKey(ctx, c, in.UserName, in.AccessKeyId, func(tx *world.Tx, k world.AccessKey) error {
		k.Inactive = val(in.Status) != "Active"
		tx.AccessKeys.Put(k)
		return nil
	})
}

// DeleteAccessKey deletes an access key.
func (s *Service) DeleteAccessKey(ctx context.Context, c world.Caller, in *iamapi.DeleteAccessKeyInput) (*iamapi.DeleteAccessKeyOutput, error) {
	return nil, s.editKey(ctx, c, in.UserName, in.AccessKeyId, func(tx *world.Tx, k world.AccessKey) error {
		if k.User == "" && len(keysOf(&tx.World, world.User{Identity: world.Identity{Account: c.Account}})) == 1 {
			return awserr.IAMDeleteConflict("The last access key of an account itself cannot be deleted: nothing else could enter the account.")
		}
		tx.AccessKeys.Delete(k.ID)
		return nil
	})
}

// ListAccessKeys lists a user's access keys.
func (s *Service) ListAccessKeys(_ context.Context, c world.Caller, in *iamapi.ListAccessKeysInput) (*iamapi.ListAccessKeysOutput, error) {
	w := s.store.World()
	u, err := keyOwner(&w, c, in.UserName)
	if err != nil {
		return nil, err
	}
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, keysOf(&w, u), func(k world.AccessKey) string { return string(k.ID) })
	return &iamapi.ListAccessKeysOutput{IsTruncated: more, Marker: next, AccessKeyMetadata: each(page, func(k world.AccessKey) iamapi.AccessKeyMetadata {
		return iamapi.AccessKeyMetadata{UserName: some(u.Name), AccessKeyId: new(string(k.ID)), Status: status(k), CreateDate: new(k.Created)}
	})}, err
}

// GetAccessKeyLastUsed tells what an access key was used for last, as far as it is known: since the start of the daemon.
func (s *Service) GetAccessKeyLastUsed(_ context.Context, c world.Caller, in *iamapi.GetAccessKeyLastUsedInput) (*iamapi.GetAccessKeyLastUsedOutput, error) {
	w := s.store.World()
	k, ok := w.AccessKeys.Get(world.AccessKeyID(val(in.AccessKeyId)))
	if !ok || k.Account != c.Account {
		return nil, awserr.IAMNoSuch("The Access Key with id %s cannot be found.", val(in.AccessKeyId))
	}
	out := &iamapi.GetAccessKeyLastUsedOutput{AccessKeyLastUsed: &iamapi.AccessKeyLastUsed{Region: new("N/A"), ServiceName: new("N/A")}}
	for _, u := range rows(&w.Users, c) {
		if u.ID == k.User {
			out.UserName = new(u.Name)
		}
	}
	if use, ok := s.guard.LastUse(k.ID); ok {
		out.AccessKeyLastUsed = &iamapi.AccessKeyLastUsed{LastUsedDate: new(use.At), Region: new(use.Region), ServiceName: new(use.Service)}
	}
	return out, nil
}
