package ssm

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"kumiko/internal/api/sealed"
	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Channels are the ways to the agents of instances and to the clients of sessions.
type Channels interface {
	// Connected tells whether the instance's agent takes orders.
	Connected(world.InstanceID) bool
	// Begin asks the agent to begin a session that was written down.
	Begin(world.NodeSession) error
	// End ends a session at both ends; see [Service.Ended].
	End(session, why string)
	// Token is what a client joins a session with.
	Token(session string) string
	// Send asks the agent to run a command.
	Send(Order) error
}

// Order is a command for one instance.
type Order struct {
	Instance world.InstanceID
	ID       string // of the command
	Topic    string // what is asked for: aws.ssm.sendCommand or aws.ssm.cancelCommand
	Content  json.RawMessage
}

// Config is what a Service works with.
type Config struct {
	Store    *store.Store
	Box      *sealed.Box                           // of secret parameters
	Channels Channels                              // nil: there are no agents, as in a copy of the World
	Public   func(region string) map[string]string // parameters that AWS keeps for everyone; nil: none
	URL      string                                // of the APIs for callers on the machine, http://host:port
	Now      func() time.Time                      // nil: time.Now
	Log      *slog.Logger                          // nil: slog.Default()
}

// Service does the operations of ssmapi.Handlers and those that agents alone use. Its methods may be called from any
// goroutine.
type Service struct {
	Config
	builtin map[string]document

	mu      sync.Mutex
	closed  bool
	reports map[world.InstanceID]*report
	timers  map[string]*time.Timer // of commands that wait
}

var _ ssmapi.Handlers = (*Service)(nil)

// New makes the service. Close ends it.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Service{Config: c, builtin: builtin(), reports: map[world.InstanceID]*report{}, timers: map[string]*time.Timer{}}
	if c.Channels != nil {
		s.watchNodes()
		w := s.Store.World()
		for row := range w.Commands.All() {
			if status, _, _ := state(row); status == pending || status == inProgress {
				s.expect(row)
			}
		}
	}
	return s
}

// noChannels are those of a copy of the World: nobody is there.
type noChannels struct{}

func (noChannels) Connected(world.InstanceID) bool { return false }
func (noChannels) Begin(world.NodeSession) error   { return nil }
func (noChannels) End(string, string)              {}
func (noChannels) Token(string) string             { return "" }
func (noChannels) Send(Order) error                { return nil }

// channels are the service's own, or none.
func (s *Service) channels() Channels {
	if s.Channels == nil {
		return noChannels{}
	}
	return s.Channels
}

// write changes the World on behalf of nobody's request. A store that was closed meanwhile has nothing to be told.
func (s *Service) write(f func(*world.Tx) error) {
	if _, err := s.Store.Update(context.Background(), f); err != nil {
		s.Log.Warn("ssm: what an agent told could not be written down", "err", err)
	}
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

// when is a time that is left out when there is none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// pages is the pager of lists with at most most items a page.
func pages(least, most, usual int) listing.Pager {
	return listing.Pager{
		Least: least, Most: most, Usual: usual,
		BadSize: func(size int32) error {
			return awserr.SSMInvalid("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value between %d and %d", size, least, most)
		},
		BadToken: func() error { return awserr.SSMRefused("InvalidNextToken", "The specified token isn't valid.") },
	}
}

// own tells whether a row is one of the caller's, here.
func own(c world.Caller, m world.Meta) bool { return m.Account == c.Account && m.Region == c.Region }

// InstanceOf is the instance whose role's credentials the caller has.
func InstanceOf(c world.Caller) (world.InstanceID, bool) {
	if c.Session == nil || c.Session.Instance == nil {
		return "", false
	}
	arn := c.Session.Instance.ARN
	return world.InstanceID(arn[strings.LastIndex(arn, "/")+1:]), true
}
