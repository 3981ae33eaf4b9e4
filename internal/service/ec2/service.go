package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what a Service works with.
type Config struct {
	Store *store.Store
	// Console is what an instance has written to its console; nil: nothing.
	Console func(world.InstanceID) ([]byte, error)
	// StrictAMI refuses AMI ids that no image has; otherwise they start the default image.
	StrictAMI bool
	// Now tells the time; nil: time.Now.
	Now func() time.Time
}

// Service does the operations of ec2api.Handlers. Its methods may be called from any goroutine.
type Service struct {
	store   *store.Store
	console func(world.InstanceID) ([]byte, error)
	strict  bool
	now     func() time.Time
}

var _ ec2api.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service {
	s := &Service{store: c.Store, console: c.Console, strict: c.StrictAMI, now: c.Now}
	if s.console == nil {
		s.console = func(world.InstanceID) ([]byte, error) { return nil, nil }
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// view is what one request looks at: the World and what was seen of it, through the eyes of the caller.
type view struct {
	w    world.World
	seen store.Seen
	c    world.Caller
	now  time.Time

	// Made when first asked for:
	images []image // of the region, by id
}

// look takes Seen before the World, so that a row is never older than what was seen of it.
func (s *Service) look(c world.Caller) *view {
	seen := s.store.Seen()
	return &view{w: s.store.World(), seen: seen, c: c, now: s.now()}
}

// update runs f in a transaction, and answers from the World it led to with what was seen of the kernel before: what was just made
// is pending, however quick the kernel is. With dry set, a request that would succeed changes nothing and is answered as AWS answers
// dry runs.
func (s *Service) update(ctx context.Context, c world.Caller, dry *bool, f func(*world.Tx) error) (*view, error) {
	seen := s.store.Seen()
	w, err := s.store.Update(ctx, func(tx *world.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return dryRun(dry)
	})
	if err != nil {
		return nil, err
	}
	return &view{w: w, seen: seen, c: c, now: s.now()}, nil
}

func dryRun(dry *bool) error {
	if val(dry) {
		return awserr.EC2DryRun()
	}
	return nil
}

// val is the value of a member of a request, or the zero value when it was not given.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// row is a row that belongs to an account and a region.
type row interface {
	world.Row
	OwnedBy(world.Caller) bool
}

// mine are the caller's rows of a table, in the order of their ids.
func mine[K ~string, V row](t *world.Table[K, V], c world.Caller) []V {
	return t.Where(func(v V) bool { return v.OwnedBy(c) })
}

// full tells whether a table has more than most rows that count. As long as it has no more rows at all, none is looked at.
func full[K ~string, V row](t *world.Table[K, V], most int, counts func(V) bool) bool {
	if t.Len() <= most {
		return false
	}
	n := 0
	for v := range t.All() {
		if counts(v) {
			n++
		}
	}
	return n > most
}

// atLimit tells whether the caller has as many rows of a table as it may have.
func atLimit[K ~string, V row](t *world.Table[K, V], c world.Caller, most int) bool {
	return full(t, most-1, func(v V) bool { return v.OwnedBy(c) })
}

// find is the caller's row with the given id. What belongs to another account or region does not exist.
func find[K ~string, V row](t *world.Table[K, V], c world.Caller, noun string, id *string) (V, error) {
	var zero V
	if err := awserr.EC2CheckID(noun, val(id)); err != nil {
		return zero, err
	}
	v, ok := t.Get(K(val(id)))
	if !ok || !v.OwnedBy(c) {
		return zero, awserr.EC2NotFound(noun, val(id))
	}
	return v, nil
}

// need says that a required parameter is missing.
func need(parameter string, p *string) error {
	if val(p) == "" {
		return awserr.EC2MissingParameter(parameter)
	}
	return nil
}

// tokenLife is how long a client token is remembered at least. (Amazon EC2 Developer Guide, "Ensuring idempotency".)
const tokenLife = 24 * time.Hour

// tokenCall is a call with a client token.
type tokenCall struct {
	c     world.Caller
	op    string
	token *string
	in    any
}

// once runs make, which returns the id of what it made, unless the client token was used before: then the id is that
// of the first time. The same token with another request is an error. Without a token make always runs.
func (q tokenCall) once(tx *world.Tx, make func() (string, error)) (string, error) {
	token := val(q.token)
	if token == "" {
		return make()
	}
	if len(token) > 64 || !isASCII(token) {
		return "", awserr.EC2InvalidParameter("clientToken", token, "Tokens have at most 64 ASCII characters.")
	}
	raw, err := json.Marshal(q.in)
	if err != nil {
		return "", fmt.Errorf("ec2: hash request: %w", err)
	}
	sum := sha256.Sum256(raw)
	prefix := string(q.c.Account) + "/" + q.c.Region + "/ec2/" + q.op + "/"
	t := world.IdempotencyToken{Key: prefix + token, Request: hex.EncodeToString(sum[:]), Created: tx.Now}
	if used, ok := tx.IdempotencyTokens.Get(t.Key); ok && tx.Now.Sub(used.Created) < tokenLife {
		if used.Request != t.Request {
			return "", awserr.EC2IdempotentMismatch(token)
		}
		return used.ID, nil
	}
	for _, old := range slices.Collect(tx.IdempotencyTokens.Prefix(prefix)) {
		if tx.Now.Sub(old.Created) >= tokenLife {
			tx.IdempotencyTokens.Delete(old.Key)
		}
	}
	if t.ID, err = make(); err != nil {
		return "", err
	}
	tx.IdempotencyTokens.Put(t)
	return t.ID, nil
}

// unsupported says that a part of a request is not built; nothing of the request is done.
func unsupported(what string) error { return awserr.EC2Unsupported(what) }
