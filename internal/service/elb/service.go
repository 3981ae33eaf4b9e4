package elb

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what a Service works with.
type Config struct {
	Store    *store.Store
	Patience time.Duration // how long a call may wait until the kernel has what it changes
}

// Service does the operations of elbapi.Handlers. Its methods may be called from any goroutine.
type Service struct {
	store    *store.Store
	patience time.Duration
}

var _ elbapi.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service { return &Service{store: c.Store, patience: c.Patience} }

// view is what answers are made of.
type view struct {
	w    world.World
	seen store.Seen
	now  time.Time
}

func (s *Service) look() *view { return &view{s.store.World(), s.store.Seen(), time.Now()} }

// update runs f in a transaction and returns what is to be answered from: what is made is not in the kernel yet.
func (s *Service) update(ctx context.Context, f func(tx *world.Tx) error) (*view, error) {
	seen := s.store.Seen()
	w, err := s.store.Update(ctx, f)
	return &view{w, seen, time.Now()}, err
}

// settle is update for what has no state of its own: it waits, for as long as the service has patience, until the kernel has it.
func (s *Service) settle(ctx context.Context, f func(tx *world.Tx) error) (*view, error) {
	v, err := s.update(ctx, f)
	if err == nil && s.patience > 0 {
		ctx, cancel := context.WithTimeout(ctx, s.patience)
		defer cancel()
		// The error can only be the end of the patience: the loop goes on trying, and the log tells why.
		_ = s.store.Wait(ctx, func(_ world.World, seen store.Seen) bool { return seen.Rev >= v.w.Rev })
	}
	return v, err
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// or is what p points to, or something else.
func or[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}

// some is a text that is left out when it is empty.
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}

func plain[T ~string](ids []T) []string { return each(ids, func(id T) string { return string(id) }) }

// mostPage is the size of a page for which none was asked, and of the longest. (Elastic Load Balancing API Reference, PageSize.)
const mostPage = 400

// markerPrefix is what the markers of pages begin with.
const markerPrefix = "after "

// paged is the part of a list, sorted by id, that a request is for, with the marker of the next one.
func paged[R world.Row](rows []R, size *int32, marker *string) ([]R, *string, error) {
	if m := value(marker); m != "" {
		raw, err := base64.RawURLEncoding.DecodeString(m)
		after, ours := strings.CutPrefix(string(raw), markerPrefix)
		if err != nil || !ours {
			return nil, nil, awserr.ELBInvalid("The marker is not valid")
		}
		for len(rows) > 0 && rows[0].RowID() <= after {
			rows = rows[1:]
		}
	}
	n := int(or(size, mostPage))
	if len(rows) <= n {
		return rows, nil, nil
	}
	return rows[:n], new(base64.RawURLEncoding.EncodeToString([]byte(markerPrefix + rows[n-1].RowID()))), nil
}

// unbuilt refuses what was asked for and is not built.
func unbuilt(what string, asked ...bool) error {
	if slices.Contains(asked, true) {
		return awserr.ELBUnbuilt(what)
	}
	return nil
}
