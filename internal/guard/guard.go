package guard

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/sealed"
	"kumiko/internal/policy"
	"kumiko/internal/policy/managed"
	"kumiko/internal/world"
)

// Config is what a Guard needs.
type Config struct {
	World func() world.World
	Box   *sealed.Box      // of encoded messages; nil: there are none
	Warn  bool             // tell the log what is refused, and let it pass
	Log   *slog.Logger     // nil: slog.Default()
	Now   func() time.Time // nil: time.Now
}

// Guard decides requests. It is safe for concurrent use.
type Guard struct {
	config  Config
	managed managed.Policies

	mu     sync.Mutex
	parsed map[string]*policy.Document // by text
	used   map[world.AccessKeyID]Use
}

// Use is when and for what an access key was used last.
type Use struct {
	At      time.Time
	Region  string
	Service string
}

// New makes a Guard.
func New(c Config) *Guard {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Guard{config: c, managed: managed.Load(), parsed: map[string]*policy.Document{}, used: map[world.AccessKeyID]Use{}}
}

// Authorize decides whether a caller may do an operation of a service with an input. A refusal is an *api.Denied.
func (g *Guard) Authorize(ctx context.Context, c world.Caller, service, op string, in any) error {
	g.note(c, service)
	w, way := g.config.World(), api.WayOf(ctx)
	if way.Endpoint == "" && IsRoot(c) && !assumes(service, op) {
		return nil
	}
	s := g.standing(&w, c)
	keys := g.circumstances(&w, c, way)
	s.addKeys(keys)
	s.Endpoint = g.endpoint(&w, way)
	for _, a := range g.asks(&w, call{c, service, op, in}) {
		for _, t := range a.targets {
			if d, r := g.decide(s, keys, a, t); !d.Allowed {
				return g.refuse(refusal{service, r, d})
			}
		}
	}
	return nil
}

// assumes tells whether an operation is decided by a policy of what it is about in any case.
func assumes(service, op string) bool { return service == "sts" && op == "AssumeRole" }

// IsRoot tells whether a caller is an account itself.
func IsRoot(c world.Caller) bool { return strings.HasSuffix(c.ARN, ":root") }

// decide asks about one action on one resource.
func (g *Guard) decide(s *standing, keys keys, a ask, t target) (policy.Decision, *policy.Request) {
	r := &policy.Request{Principal: s.who, Action: a.action, Resource: t.arn, Owner: string(t.owner), Keys: keys.with(a.keys).with(t.keys())}
	p := s.Policies
	if a.free {
		p.Identity, p.Boundary, p.Session = []*policy.Document{g.document(allowAll, policy.Identity)}, nil, nil
	}
	if t.trust != "" {
		p.Resource, p.Explicit = g.document(t.trust, policy.Trust), true
	}
	return policy.Decide(r, p), r
}

const (
	allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	denyAll  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}`
)

// maxParsed bounds how many documents are kept parsed.
const maxParsed = 4096

// document reads a document, or remembers it. One that cannot be read, which nobody could have stored, denies everything.
func (g *Guard) document(text string, kind policy.Kind) *policy.Document {
	g.mu.Lock()
	defer g.mu.Unlock()
	if d, ok := g.parsed[text]; ok {
		return d
	}
	d, err := policy.Parse(text, kind)
	if err != nil {
		g.config.Log.Error("a policy that is in force cannot be read and denies everything", "err", err)
		if d, err = policy.Parse(denyAll, policy.Resource); err != nil {
			panic(err) // it is a constant
		}
	}
	if len(g.parsed) >= maxParsed {
		g.parsed = map[string]*policy.Document{}
	}
	g.parsed[text] = d
	return d
}

// endpoint is the policy of the VPC endpoint a request came through, or nil.
func (g *Guard) endpoint(w *world.World, way api.Way) *policy.Document {
	if way.Endpoint == "" {
		return nil
	}
	e, ok := w.Endpoints.Get(way.Endpoint)
	switch {
	case !ok: // it was deleted under the request
		return g.document(denyAll, policy.Endpoint)
	case e.Policy == "":
		return g.document(policy.AllowAll, policy.Endpoint)
	}
	return g.document(e.Policy, policy.Endpoint)
}

// note remembers that a long-lived key was used. After a start nothing is known of what was before.
func (g *Guard) note(c world.Caller, service string) {
	if c.Key == "" || c.Session != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used[c.Key] = Use{At: g.config.Now().UTC(), Region: c.Region, Service: service}
}

// LastUse is the last use of an access key since the start.
func (g *Guard) LastUse(key world.AccessKeyID) (Use, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	u, ok := g.used[key]
	return u, ok
}

// MayAssume tells whether a role's trust policy lets an AWS service assume it.
func (g *Guard) MayAssume(role world.Role, service string) bool {
	r := &policy.Request{
		Principal: policy.Principal{Service: service}, Action: "sts:AssumeRole", Resource: role.ARN(), Owner: string(role.Account),
		Keys: map[string][]string{"aws:principalisawsservice": {"true"}},
	}
	return policy.Decide(r, policy.Policies{Resource: g.document(role.Trust, policy.Trust), Explicit: true}).Allowed
}

// refusal is a decision against a request to a service.
type refusal struct {
	service string
	request *policy.Request
	policy.Decision
}

// refuse answers a refusal, or lets it pass with a warning.
func (g *Guard) refuse(r refusal) error {
	q := r.request
	text := "User: " + q.Principal.ARN + " is not authorized to perform: " + q.Action
	if q.Resource != "*" || r.service != "ec2" {
		text += " on resource: " + q.Resource
	}
	text += " " + r.Because(q.Action)
	if g.config.Warn {
		g.config.Log.Warn("iam would refuse", "why", text)
		return nil
	}
	if r.service == "ec2" && g.config.Box != nil {
		sealed, err := g.config.Box.Seal(rand.Reader, MessagePurpose, message(r))
		if err != nil {
			return err
		}
		text += ". Encoded authorization failure message: " + sealed
	}
	return &api.Denied{Text: text}
}
