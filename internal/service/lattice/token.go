package lattice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// tokenWindow is how long a client token means the same request.
const tokenWindow = 24 * time.Hour

// request is a call that makes a resource, at most once for each client token.
type request struct {
	caller world.Caller
	op     string
	token  *string
	in     any
}

// create makes a row of table t, unless the request's client token made one already: then that one is returned.
func create[K ~string, R row](ctx context.Context, s *Service, q request, t func(*world.Tx) *world.Table[K, R], make func(*world.Tx) (R, error)) (R, view, error) {
	var out R
	v, err := s.update(ctx, func(tx *world.Tx) error {
		id, err := q.earlier(tx)
		if err != nil {
			return err
		}
		if r, ok := t(tx).Get(K(id)); ok {
			out = r
			return nil
		}
		if out, err = make(tx); err != nil {
			return err
		}
		t(tx).Put(out)
		return q.remember(tx, out.RowID())
	})
	return out, v, err
}

func (q request) key() string {
	return string(q.caller.Account) + "/" + q.caller.Region + "/vpc-lattice/" + q.op + "/" + value(q.token)
}

// sum stands for the parameters of the request.
func (q request) sum() (string, error) {
	raw, err := json.Marshal(q.in)
	if err != nil {
		return "", fmt.Errorf("lattice: digest of %s: %w", q.op, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// earlier is the id of the resource that the token made, or empty.
func (q request) earlier(tx *world.Tx) (string, error) {
	if q.token == nil {
		return "", nil
	}
	t, ok := tx.IdempotencyTokens.Get(q.key())
	if !ok || tx.Now.Sub(t.Created) > tokenWindow {
		return "", nil
	}
	sum, err := q.sum()
	if err != nil {
		return "", err
	}
	if sum != t.Request {
		return "", awserr.LatticeConflict("CLIENT_TOKEN", *q.token, "The client token %s was used before with other parameters.", *q.token)
	}
	return t.ID, nil
}

// remember keeps the token and forgets the caller's tokens that are too old to count.
func (q request) remember(tx *world.Tx, id string) error {
	if q.token == nil {
		return nil
	}
	sum, err := q.sum()
	if err != nil {
		return err
	}
	var old []string
	for t := range tx.IdempotencyTokens.Prefix(string(q.caller.Account) + "/" + q.caller.Region + "/vpc-lattice/") {
		if tx.Now.Sub(t.Created) > tokenWindow {
			old = append(old, t.Key)
		}
	}
	for _, key := range old {
		tx.IdempotencyTokens.Delete(key)
	}
	tx.IdempotencyTokens.Put(world.IdempotencyToken{Key: q.key(), Request: sum, ID: id, Created: tx.Now})
	return nil
}
