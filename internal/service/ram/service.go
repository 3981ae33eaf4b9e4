package ram

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what the service needs.
type Config struct {
	Store *store.Store
	Now   func() time.Time // nil: time.Now; invitations expire by it
}

// Service does the operations of AWS RAM.
type Service struct {
	store *store.Store
	now   func() time.Time
}

var _ ramapi.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{store: c.Store, now: c.Now}
}

// view is what answers are made of.
type view struct {
	w   world.World
	c   world.Caller
	now time.Time
}

func (s *Service) look(c world.Caller) view { return view{s.store.World(), c, s.now()} }

// memory is how long what was ended is told of, and a client token means the same request.
const (
	memory      = 2 * time.Hour
	tokenWindow = 24 * time.Hour
)

// request is a call that changes something, once for each client token.
type request struct {
	c     world.Caller
	op    string
	token *string
	in    any
}

// update runs f in a transaction, unless the client token of the request was used: then it answers what the first call made. What
// f gives is what was made, one id or several.
func (s *Service) update(ctx context.Context, q request, f func(tx *world.Tx) ([]string, error)) (view, []string, error) {
	var made []string
	w, err := s.store.Update(ctx, func(tx *world.Tx) error {
		prefix := string(q.c.Account) + "/" + q.c.Region + "/ram/"
		prune(tx, prefix)
		key, again := prefix+q.op+"/"+value(q.token), value(q.token) != ""
		raw, err := json.Marshal(q.in)
		if err != nil {
			return err
		}
		hash := sha256.Sum256(raw)
		sum := hex.EncodeToString(hash[:])
		if t, ok := tx.IdempotencyTokens.Get(key); again && ok {
			if t.Request != sum {
				return awserr.RAMTokenMismatch(*q.token)
			}
			return json.Unmarshal([]byte(t.ID), &made)
		}
		if made, err = f(tx); err != nil || !again {
			return err
		}
		ids, err := json.Marshal(made)
		if err == nil {
			tx.IdempotencyTokens.Put(world.IdempotencyToken{Key: key, Request: sum, ID: string(ids), Created: tx.Now})
		}
		return err
	})
	return view{w, q.c, s.now()}, made, err
}

// prune forgets what was ended long ago, and client tokens whose keys begin with the prefix that are too old to count.
func prune(tx *world.Tx, prefix string) {
	for _, t := range slices.Collect(tx.IdempotencyTokens.Prefix(prefix)) {
		if tx.Now.Sub(t.Created) > tokenWindow {
			tx.IdempotencyTokens.Delete(t.Key)
		}
	}
	past := func(t time.Time) bool { return !t.IsZero() && tx.Now.Sub(t) > memory }
	for _, a := range tx.ShareAssociations.Where(func(a world.ShareAssociation) bool { return a.Status == world.ShareDisassociated && past(a.Updated) }) {
		tx.ShareAssociations.Delete(a.RowID())
	}
	for _, s := range tx.ResourceShares.Where(func(s world.ResourceShare) bool { return past(s.Ended) }) {
		for _, a := range slices.Collect(tx.ShareAssociations.In(string(s.ID))) {
			tx.ShareAssociations.Delete(a.RowID())
		}
		for _, i := range slices.Collect(tx.ShareInvitations.In(string(s.ID))) {
			tx.ShareInvitations.Delete(i.ID)
		}
		tx.ResourceShares.Delete(s.ID)
	}
}

// pager is 1 to 500 a page. (AWS RAM API Reference, maxResults.)
func pager() listing.Pager {
	return listing.Pager{
		Least: 1, Most: 500, Usual: 500,
		BadSize: func(size int32) error {
			return awserr.RAMInvalid("maxResults must be between 1 and 500, not %d.", size)
		},
		BadToken: func() error {
			return awserr.New("InvalidNextTokenException", 400, "The specified value for nextToken isn't valid.")
		},
	}
}

// paged is what lists are asked with besides what they are to find.
type paged struct {
	size  *int32
	token *string
}

// page cuts one page out of rows and describes it.
func page[R, D any](p paged, rows []R, key func(R) string, describe func(R) D) ([]D, *string, error) {
	rows, next, err := listing.Page(pager(), rows, key, p.size, p.token)
	if err != nil {
		return nil, nil, err
	}
	out := make([]D, len(rows))
	for i, r := range rows {
		out[i] = describe(r)
	}
	return out, next, nil
}

// among tells whether v is one of those asked for, or none was.
func among(v string, asked []string) bool { return len(asked) == 0 || slices.Contains(asked, v) }

// is tells whether v is what was asked for, or nothing was.
func is(v string, asked *string) bool { return cmp.Or(value(asked), v) == v }

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
