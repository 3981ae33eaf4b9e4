package route53

import (
	"context"
	"strings"
	"time"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Checker asks what health checks are about.
type Checker interface {
	// Last is what was found when the check was last made, by place it was made from.
	Last(id world.HealthCheckID) []Finding
}

// Finding is what a checker found.
type Finding struct {
	Region  string
	Address string // it asked from
	Status  string // for people
	Failed  bool
	Time    time.Time
}

// Config is what the service needs.
type Config struct {
	Store   *store.Store
	Checker Checker // nil: nothing was ever found
}

// Service does the operations of Route 53.
type Service struct {
	store   *store.Store
	checker Checker
}

var _ route53api.Handlers = (*Service)(nil)

// New makes the service.
func New(c Config) *Service { return &Service{store: c.Store, checker: c.Checker} }

// homeRegion is where Route 53, which has no regions, lives.
const homeRegion = "us-east-1"

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// unless is p, or nil for the zero value.
func unless[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// bare is an id without the path that may stand before it.
func bare(id *string) string {
	text := value(id)
	return text[strings.LastIndexByte(text, '/')+1:]
}

// update runs f in a transaction and tells of the change it is.
func (s *Service) update(ctx context.Context, c world.Caller, comment *string, f func(tx *world.Tx) error) (*route53api.ChangeInfo, world.World, error) {
	var ch change
	w, err := s.store.Update(ctx, func(tx *world.Tx) error {
		ch = change{rev: tx.Rev, at: tx.Now, account: c.Account}
		return f(tx)
	})
	if err != nil {
		return nil, w, err
	}
	info := s.changeInfo(ch)
	info.Comment = comment
	return info, w, nil
}

// own is a zone of the caller's.
func own(w *world.World, c world.Caller, id *string) (world.HostedZone, error) {
	z, ok := w.HostedZones.Get(world.HostedZoneID(bare(id)))
	if !ok || z.Account != c.Account {
		return z, awserr.Route53NoZone(bare(id))
	}
	return z, nil
}
