package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"regexp"

	"kumiko/internal/api"
	"kumiko/internal/api/sealed"
	"kumiko/internal/cli/admin"
	"kumiko/internal/guard"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// accounts keeps the accounts and their access keys.
type accounts struct {
	store *store.Store
	box   *sealed.Box // of temporary credentials
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ensureDefault makes the default account on the first start.
func (a accounts) ensureDefault(ctx context.Context) error {
	_, err := a.store.Update(ctx, func(tx *world.Tx) error {
		if tx.Accounts.Has(world.DefaultAccount) {
			return nil
		}
		return addAccount(tx, world.DefaultAccount, "default")
	})
	return err
}

// CreateAccount makes an account with a fresh 12-digit id and an access key.
func (a accounts) CreateAccount(ctx context.Context, name string) (admin.Account, error) {
	if !accountName.MatchString(name) {
		return admin.Account{}, fmt.Errorf("%w: an account's name is made of 1 to 64 letters, digits, dots, hyphens and underscores", admin.ErrUnusable)
	}
	var id world.AccountID
	w, err := a.store.Update(ctx, func(tx *world.Tx) error {
		if tx.Accounts.Any(func(o world.Account) bool { return o.Name == name || string(o.ID) == name }) {
			return fmt.Errorf("%w: there is an account called %s already", admin.ErrUnusable, name)
		}
		for id == "" || tx.Accounts.Has(id) {
			n, err := rand.Int(tx.Rand, big.NewInt(900_000_000_000))
			if err != nil {
				return err
			}
			id = world.AccountID(fmt.Sprint(n.Int64() + 100_000_000_000))
		}
		return addAccount(tx, id, name)
	})
	if err != nil {
		return admin.Account{}, err
	}
	row, _ := w.Accounts.Get(id)
	return describe(&w, row), nil
}

// Accounts are all accounts with their keys.
func (a accounts) Accounts(context.Context) ([]admin.Account, error) {
	w := a.store.World()
	var out []admin.Account
	for row := range w.Accounts.All() {
		out = append(out, describe(&w, row))
	}
	return out, nil
}

func describe(w *world.World, a world.Account) admin.Account {
	out := admin.Account{ID: string(a.ID), Name: a.Name, Created: a.Created}
	for k := range w.AccessKeys.All() {
		if k.Account == a.ID && k.User == "" && out.AccessKeyID == "" {
			out.AccessKeyID, out.SecretAccessKey = string(k.ID), k.Secret
		}
	}
	return out
}

func addAccount(tx *world.Tx, id world.AccountID, name string) error {
	key, secret, err := sealed.NewKey(tx.Rand, "AKIA")
	if err != nil {
		return err
	}
	tx.Accounts.Put(world.Account{ID: id, Name: name, Created: tx.Now})
	tx.AccessKeys.Put(world.AccessKey{ID: key, Secret: secret, Account: id, Created: tx.Now})
	return nil
}

// Lookup finds the credentials behind an access key id and, if they are temporary, a session token.
func (a accounts) Lookup(id world.AccessKeyID, token string) (api.Credential, bool) {
	w := a.store.World()
	if token != "" {
		c, secret, ok := a.box.Redeem(id, token)
		if !ok || !guard.Exists(&w, c) {
			return api.Credential{}, false
		}
		return api.Credential{Secret: secret, SessionToken: token, Expires: c.Session.Expires, Caller: c}, true
	}
	k, ok := w.AccessKeys.Get(id)
	if !ok || k.Inactive {
		return api.Credential{}, false
	}
	c, ok := guard.CallerOf(&w, k)
	return api.Credential{Secret: k.Secret, Caller: c}, ok
}
