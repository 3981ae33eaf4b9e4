package resolver

import (
	"context"
	"time"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what the service needs.
type Config struct{ Store *store.Store }

// Service does the operations of Route 53 Resolver.
type Service struct{ store *store.Store }

var _ resolverapi.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service { return &Service{store: c.Store} }

// view is what answers are made of.
type view struct {
	w    world.World
	seen store.Seen
}

func (s *Service) look() view { return view{s.store.World(), s.store.Seen()} }

// update runs f in a transaction and returns what is to be answered from.
func (s *Service) update(ctx context.Context, f func(tx *world.Tx) error) (view, error) {
	seen := s.store.Seen()
	w, err := s.store.Update(ctx, f)
	return view{w, seen}, err
}

// ready tells whether what a row asks for is in the kernel, and the resolver of its VPC knows it.
func (v view) ready(m world.Meta, vpc world.VPCID) bool {
	return v.seen.Ready(m.Rev, string(vpc), "names")
}

// The kinds of resource, in the words of errors.
const (
	kindEndpoint    = "Resolver endpoint"
	kindRule        = "Resolver rule"
	kindAssociation = "Resolver rule association"
	kindConfig      = "Resolver query logging configuration"
	kindLogged      = "Resolver query logging configuration association"
)

// mine is a row of the caller's.
type mine interface {
	world.Row
	OwnedBy(world.Caller) bool
}

// find finds a row of the caller's.
func find[K ~string, R mine](t *world.Table[K, R], c world.Caller, kind string, id *string) (R, error) {
	r, ok := t.Get(K(value(id)))
	if !ok || !r.OwnedBy(c) {
		return r, awserr.ResolverNotFound(kind, value(id))
	}
	return r, nil
}

// once refuses a request id that made a row already. (Route 53 Resolver API Reference, CreatorRequestId.)
func once[K ~string, R mine](t *world.Table[K, R], c world.Caller, kind, given string, of func(R) string) error {
	for r := range t.All() {
		if r.OwnedBy(c) && of(r) == given {
			return awserr.ResolverExists(kind, "A %s with the creator request ID %q exists: %s", kind, given, r.RowID())
		}
	}
	return nil
}

// findVPC finds a VPC of the caller's.
func findVPC(w *world.World, c world.Caller, field string, id *string) (world.VPC, error) {
	v, ok := w.VPCs.Get(world.VPCID(value(id)))
	if !ok || !v.OwnedBy(c) || v.Deleting {
		return v, awserr.ResolverInvalid(field, "The VPC %q doesn't exist in %s.", value(id), c.Region)
	}
	return v, nil
}

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

func plain[S ~string](ids []S) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// at is a time as this API has it.
func at(t time.Time) *string { return new(t.UTC().Format("2006-01-02T15:04:05.000Z")) }

func arn(m world.Meta, kind, id string) *string {
	return new(world.ARN("route53resolver", m.Region, m.Account, kind+"/"+id))
}
