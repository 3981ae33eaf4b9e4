package lattice

import (
	"context"
	"time"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what the service needs.
type Config struct {
	Store *store.Store
	// Patience is how long making or changing a gateway or a configuration may wait for the kernel before it answers
	// that it is in progress. AWS answers ACTIVE at once; so does this service, when that is true by then.
	Patience time.Duration
	// Wellness is what the health checks of a target, named by [fabric.TargetKey], have found; nil: nobody asks.
	Wellness func(g world.LatticeTargetGroupID, target string) Wellness
}

// Service does the operations of VPC Lattice.
type Service struct {
	store    *store.Store
	patience time.Duration
	wellness func(world.LatticeTargetGroupID, string) Wellness
}

var _ latticeapi.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, patience: c.Patience, wellness: c.Wellness}
}

// look is what the service answers from when it only reads.
func (s *Service) look() view { return view{w: s.store.World(), seen: s.store.Seen()} }

// update runs f in a transaction, after which endpoints lead to what there is then, and returns what is to be answered from: the World it led to, with what was seen of
// the kernel before.
func (s *Service) update(ctx context.Context, f func(tx *world.Tx) error) (view, error) {
	seen := s.store.Seen()
	w, err := s.store.Update(ctx, func(tx *world.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		tx.SettleEndpoints()
		return nil
	})
	return view{w: w, seen: seen}, err
}

// settle waits, for as long as the service has patience, until the kernel was brought to the revision, and returns v
// with what was seen then. Whether that went well is for the states to tell.
func (s *Service) settle(ctx context.Context, v view, rev uint64) view {
	if s.patience > 0 {
		ctx, cancel := context.WithTimeout(ctx, s.patience)
		defer cancel()
		// The error can only be the end of the patience: then the answer is that it is in progress.
		_ = s.store.Wait(ctx, func(_ world.World, seen store.Seen) bool { return seen.Rev >= rev })
	}
	v.seen = s.store.Seen()
	return v
}

// tagsOf turns the tags of a request into those of a row.
func tagsOf(m map[string]string) ([]world.Tag, error) {
	if len(m) == 0 {
		return nil, nil
	}
	tags := make([]world.Tag, 0, len(m))
	for k, v := range m {
		tags = append(tags, world.Tag{Key: k, Value: v})
	}
	return world.SortTags(tags), checkTags(tags)
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// given is nil for an empty string, which answers leave out.
func given[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	return new(string(s))
}

// plain turns typed ids into strings.
func plain[S ~string](ids []S) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

func invalidField(name, message string) error {
	return awserr.LatticeFields("Invalid "+name+": "+message, awserr.Field{Name: name, Message: message})
}
