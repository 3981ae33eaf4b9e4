package iam

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/policy/managed"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what a Service works with.
type Config struct {
	Store *store.Store
	Guard *guard.Guard     // answers simulations, and knows what keys were used for
	Now   func() time.Time // nil: time.Now
}

// Service does the operations of iamapi.Handlers. Its methods may be called from any goroutine.
type Service struct {
	store   *store.Store
	guard   *guard.Guard
	managed managed.Policies
	now     func() time.Time
}

var _ iamapi.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{store: c.Store, guard: c.Guard, managed: managed.Load(), now: c.Now}
}

// update runs f in a transaction.
func (s *Service) update(ctx context.Context, f func(*world.Tx) error) (world.World, error) {
	return s.store.Update(ctx, f)
}

// val is the value of a member of a request, or the zero value when it was not given.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
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

// usualPage is the size of a page for which none was asked. (IAM API Reference, MaxItems.)
const usualPage = 100

// listing is the request for a page of a list.
type listing struct {
	marker *string
	size   *int32
}

// paged is the part of a list, sorted by key, that a request is for, with what tells that there is more.
func paged[T any](l listing, rows []T, key func(T) string) (page []T, truncated *bool, next *string, err error) {
	last, err := l.after()
	if err != nil {
		return nil, nil, nil, err
	}
	for len(rows) > 0 && last != "" && key(rows[0]) <= last {
		rows = rows[1:]
	}
	size := usualPage
	if l.size != nil {
		size = int(*l.size)
	}
	if len(rows) <= size {
		return rows, new(false), nil, nil
	}
	return rows[:size], new(true), new(base64.RawURLEncoding.EncodeToString([]byte(markerSign + key(rows[size-1])))), nil
}

// markerSign begins every marker that a page ends with.
const markerSign = "after "

// after is the key of the last row of the page before; nothing for the first page.
func (l listing) after() (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(val(l.marker))
	last, ok := strings.CutPrefix(string(raw), markerSign)
	if set := val(l.marker) != ""; set && (err != nil || !ok) {
		return "", awserr.IAMValidation("Invalid Marker.")
	}
	return last, nil
}

// check checks the marker of a list that is never longer than a page.
func (l listing) check() error {
	_, err := l.after()
	return err
}

// below keeps the rows whose path begins with prefix.
func below[T any](rows []T, prefix *string, path func(T) string) []T {
	var out []T
	for _, r := range rows {
		if strings.HasPrefix(path(r), val(prefix)) {
			out = append(out, r)
		}
	}
	return out
}

// rows are the rows of an account in a table of IAM, by name.
func rows[V world.Row](t *world.Table[string, V], c world.Caller) []V {
	var out []V
	for v := range t.Prefix(string(c.Account) + "/") {
		out = append(out, v)
	}
	return out
}
