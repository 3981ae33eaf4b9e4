package policy

import (
	"slices"
	"strings"
)

// Request is what is asked for, by whom, under which circumstances.
type Request struct {
	Principal Principal
	Action    string // service:Operation
	Resource  string // ARN, or * for actions that are on none
	Owner     string // account of the resource; empty: the principal's
	Keys      map[string][]string
}

// Principal is who asks.
type Principal struct {
	Account string
	ARN     string // of the user, the session or the root of the account
	Role    string // ARN of the session's role
	ID      string // unique id, e.g. AIDA… or AROA…:session
	Service string // of an AWS service instead, e.g. ec2.amazonaws.com
}

// Root tells whether the principal is the account itself.
func (p Principal) Root() bool { return strings.HasSuffix(p.ARN, ":root") && p.Service == "" }

// Policies are the documents that apply to a request.
type Policies struct {
	Identity     []*Document // of the user, its groups, or the role
	Boundary     *Document   // nil: none is set
	Session      []*Document // what the session was narrowed to; nil: it was not
	Organization []*Document // service control policies; nil: the account is in no organization
	Endpoint     *Document   // of the VPC endpoint the request came through; nil: it came through none
	Resource     *Document   // of the resource; nil: it has none
	Explicit     bool        // the resource's document must allow the principal in any case, as a role's trust policy must
}

// Layer is a kind of policy in the words of AWS's refusals.
type Layer string

// The layers.
const (
	IdentityLayer     Layer = "identity-based policy"
	BoundaryLayer     Layer = "permissions boundary"
	SessionLayer      Layer = "session policy"
	OrganizationLayer Layer = "service control policy"
	EndpointLayer     Layer = "VPC endpoint policy"
	ResourceLayer     Layer = "resource-based policy"
)

// Decision is the answer to a request, with the layer it was made by.
type Decision struct {
	Allowed  bool
	Explicit bool // a statement denies it; else, when refused, none allows it
	Layer    Layer
}

// Because is the end of AWS's sentence for a refusal. (IAM User Guide, "Troubleshoot access denied error messages".)
func (d Decision) Because(action string) string {
	article := "a"
	if d.Layer == IdentityLayer {
		article = "an"
	}
	if d.Explicit {
		return "with an explicit deny in " + article + " " + string(d.Layer)
	}
	return "because no " + string(d.Layer) + " allows the " + action + " action"
}

// Decide decides a request by all the policies that apply to it.
func Decide(r *Request, p Policies) Decision {
	if d, ok := denied(r, p); ok {
		return d
	}
	refuse := func(l Layer) Decision { return Decision{Layer: l} }
	switch {
	case p.Organization != nil && r.Principal.Service == "" && !allows(r, p.Organization...):
		return refuse(OrganizationLayer)
	case p.Endpoint != nil && !allows(r, p.Endpoint):
		return refuse(EndpointLayer)
	}
	granted := stranger
	if p.Resource != nil {
		granted = grant(r, p.Resource)
	}
	if p.Explicit && granted == stranger {
		return refuse(ResourceLayer)
	}
	if r.Principal.Service != "" {
		return Decision{Allowed: granted != stranger, Layer: ResourceLayer}
	}
	if granted == direct && r.same() {
		return Decision{Allowed: true, Layer: ResourceLayer}
	}
	if !r.Principal.Root() && !allows(r, p.Identity...) && !(granted == byRole && r.same()) {
		return refuse(IdentityLayer)
	}
	if p.Boundary != nil && !allows(r, p.Boundary) {
		return refuse(BoundaryLayer)
	}
	if p.Session != nil && !allows(r, p.Session...) {
		return refuse(SessionLayer)
	}
	if !r.same() && granted == stranger {
		return refuse(ResourceLayer)
	}
	return Decision{Allowed: true, Layer: IdentityLayer}
}

// same tells whether the resource belongs to the principal's account.
func (r *Request) same() bool { return r.Owner == "" || r.Owner == r.Principal.Account }

// denied looks for a statement that denies, in all layers.
func denied(r *Request, p Policies) (Decision, bool) {
	for _, l := range []struct {
		layer Layer
		docs  []*Document
	}{
		{OrganizationLayer, p.Organization}, {EndpointLayer, one(p.Endpoint)}, {ResourceLayer, one(p.Resource)},
		{IdentityLayer, p.Identity}, {BoundaryLayer, one(p.Boundary)}, {SessionLayer, p.Session},
	} {
		for _, d := range l.docs {
			for _, s := range d.Statements {
				if s.Deny && s.applies(r) {
					return Decision{Explicit: true, Layer: l.layer}, true
				}
			}
		}
	}
	return Decision{}, false
}

func one(d *Document) []*Document {
	if d == nil {
		return nil
	}
	return []*Document{d}
}

// allows tells whether a statement of one of the documents allows the request.
func allows(r *Request, docs ...*Document) bool {
	for _, d := range docs {
		if slices.ContainsFunc(d.Statements, func(s Statement) bool { return !s.Deny && s.applies(r) }) {
			return true
		}
	}
	return false
}

// applies tells whether a statement is about the request.
func (s *Statement) applies(r *Request) bool {
	return s.about(r) && s.principal(r) != stranger
}

// about compares everything but the principal.
func (s *Statement) about(r *Request) bool {
	if slices.ContainsFunc(s.Actions, func(a string) bool { return matchAction(a, r.Action) }) == s.NotAction {
		return false
	}
	if len(s.Resources) > 0 {
		found := slices.ContainsFunc(s.Resources, func(p string) bool {
			w, ok := r.expand(p, s.variables, true)
			return ok && matches(w, r.Resource)
		})
		if found == s.NotResource {
			return false
		}
	}
	return !slices.ContainsFunc(s.Conditions, func(c Condition) bool { return !c.holds(r, s.variables) })
}

// closeness is how directly a document names the principal.
type closeness int

const (
	stranger  closeness = iota // not at all
	byAccount                  // as one of an account, which may delegate
	byRole                     // as a session of a role
	direct                     // itself, or as everyone
)

// grant is how closely the statements that allow the request name the principal.
func grant(r *Request, d *Document) closeness {
	best := stranger
	for _, s := range d.Statements {
		if !s.Deny && s.about(r) {
			best = max(best, s.principal(r))
		}
	}
	return best
}

// principal is how closely a statement names who asks. A statement without the element is about who has the document.
func (s *Statement) principal(r *Request) closeness {
	p := s.Principals
	if !p.Any && len(p.AWS)+len(p.Service)+len(p.Federated)+len(p.Canonical) == 0 {
		return direct
	}
	c := p.names(r.Principal)
	if !s.NotPrincipal {
		return c
	}
	if c == stranger {
		return direct
	}
	return stranger
}

func (p *Principals) names(who Principal) closeness {
	if p.Any {
		return direct
	}
	if who.Service != "" {
		if slices.Contains(p.Service, who.Service) {
			return direct
		}
		return stranger
	}
	best := stranger
	id, _, _ := strings.Cut(who.ID, ":")
	for _, a := range p.AWS {
		switch {
		case a == who.ARN, a == who.ID && a != "":
			best = max(best, direct)
			if who.Root() {
				best = direct
			}
		case who.Role != "" && (a == who.Role || a == id):
			best = max(best, byRole)
		case who.Account != "" && (a == who.Account || isRootOf(a, who.Account)):
			c := byAccount
			if who.Root() {
				c = direct
			}
			best = max(best, c)
		}
	}
	return best
}

// isRootOf tells whether a is the ARN of the account's root.
func isRootOf(a, account string) bool {
	rest, ok := strings.CutPrefix(a, "arn:")
	_, rest, found := strings.Cut(rest, ":")
	return ok && found && rest == "iam::"+account+":root"
}

// Matches tells whether a statement of the document that denies, or else one that allows, is about the request.
func (d *Document) Matches(r *Request, deny bool) bool {
	return slices.ContainsFunc(d.Statements, func(s Statement) bool { return s.Deny == deny && s.applies(r) })
}

// Keys are the condition keys that the document's conditions look at.
func (d *Document) Keys() []string {
	var out []string
	for _, s := range d.Statements {
		for _, c := range s.Conditions {
			if !slices.Contains(out, c.Key) {
				out = append(out, c.Key)
			}
		}
	}
	return out
}
