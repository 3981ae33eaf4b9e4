package guard

import (
	"slices"
	"strings"
	"time"

	"kumiko/internal/policy"
	"kumiko/internal/world"
)

// standing is who a caller is to the policies, and those of them that are the caller's own.
type standing struct {
	who  policy.Principal
	user string // name, of users
	role string // name, of sessions of roles
	tags []world.Tag
	policy.Policies
}

// RoleOf is the role a caller is a session of, as long as it exists.
func RoleOf(w *world.World, c world.Caller) (world.Role, bool) {
	_, rest, ok := strings.Cut(c.ARN, ":assumed-role/")
	name, _, _ := strings.Cut(rest, "/")
	r, found := w.Roles.Get(world.IAMKey(c.Account, name))
	id, _, _ := strings.Cut(c.UserID, ":")
	return r, ok && found && r.ID == id
}

// UserOf is the user a caller is, as long as it exists.
func UserOf(w *world.World, c world.Caller) (world.User, bool) {
	if !strings.Contains(c.ARN, ":user/") {
		return world.User{}, false
	}
	u, ok := w.Users.Get(world.IAMKey(c.Account, c.ARN[strings.LastIndex(c.ARN, "/")+1:]))
	return u, ok && u.ID == c.UserID
}

// Exists tells whether whom temporary credentials were issued to is still there.
func Exists(w *world.World, c world.Caller) bool {
	if IsRoot(c) {
		return w.Accounts.Has(c.Account)
	}
	_, isUser := UserOf(w, c)
	_, isRole := RoleOf(w, c)
	return isUser || isRole
}

// CallerOf is whom an access key belongs to.
func CallerOf(w *world.World, k world.AccessKey) (world.Caller, bool) {
	if k.User == "" {
		return Root(k.Account), true
	}
	for u := range w.Users.Prefix(string(k.Account) + "/") {
		if u.ID == k.User {
			return world.Caller{Account: u.Account, ARN: u.ARN(), UserID: u.ID}, true
		}
	}
	return world.Caller{}, false
}

// Root is an account itself as a caller.
func Root(a world.AccountID) world.Caller {
	return world.Caller{Account: a, ARN: "arn:aws:iam::" + string(a) + ":root", UserID: string(a)}
}

// Assumed is a session of a role as a caller.
func Assumed(r world.Role, name string, s *world.Session) world.Caller {
	return world.Caller{
		Account: r.Account, ARN: "arn:aws:sts::" + string(r.Account) + ":assumed-role/" + r.Name + "/" + name, UserID: r.ID + ":" + name, Session: s,
	}
}

// standing gathers a caller's policies. Whoever is no longer there has none.
func (g *Guard) standing(w *world.World, c world.Caller) *standing {
	s := &standing{who: policy.Principal{Account: string(c.Account), ARN: c.ARN, ID: c.UserID}}
	switch {
	case IsRoot(c):
	default:
		if r, ok := RoleOf(w, c); ok {
			s.who.Role, s.role, s.tags = r.ARN(), r.Name, r.Tags
			g.add(w, s, r.Identity)
		} else if u, ok := UserOf(w, c); ok {
			s.user, s.tags = u.Name, u.Tags
			g.add(w, s, u.Identity)
			for _, group := range w.GroupsOf(u) {
				s.Identity = append(s.Identity, g.own(w, group.Identity)...)
			}
		}
	}
	if c.Session != nil {
		s.tags = world.MergeTags(s.tags, c.Session.Tags)
		for _, text := range c.Session.Policies {
			s.Session = append(s.Session, g.document(text, policy.Identity))
		}
		for _, arn := range c.Session.PolicyARNs {
			s.Session = append(s.Session, g.ManagedDocument(w, arn))
		}
	}
	return s
}

func (g *Guard) add(w *world.World, s *standing, i world.Identity) {
	s.Identity = append(s.Identity, g.own(w, i)...)
	if i.Boundary != "" {
		s.Boundary = g.ManagedDocument(w, i.Boundary)
	}
}

// Named is a document of an identity with its name.
type Named struct {
	Name     string
	Document *policy.Document
}

// Named are the documents of one identity, inline and attached.
func (g *Guard) Named(w *world.World, i world.Identity) []Named {
	var out []Named
	for _, p := range i.Inline {
		out = append(out, Named{p.Name, g.document(p.Document, policy.Identity)})
	}
	for _, arn := range i.Attached {
		out = append(out, Named{arn[strings.LastIndex(arn, "/")+1:], g.ManagedDocument(w, arn)})
	}
	return out
}

func (g *Guard) own(w *world.World, i world.Identity) []*policy.Document {
	var out []*policy.Document
	for _, n := range g.Named(w, i) {
		out = append(out, n.Document)
	}
	return out
}

// ManagedText is the text in force of a managed policy, of the account or of AWS.
func (g *Guard) ManagedText(w *world.World, arn string) (string, bool) {
	if p, ok := g.managed.Get(arn); ok {
		return p.Document, true
	}
	p, ok := w.PolicyByARN(arn)
	v, _ := p.Version(p.Default)
	return v.Document, ok
}

// ManagedDocument is the document in force of a managed policy; one that is gone denies everything.
func (g *Guard) ManagedDocument(w *world.World, arn string) *policy.Document {
	text, ok := g.ManagedText(w, arn)
	if !ok {
		text = denyAll
	}
	return g.document(text, policy.Identity)
}

// addKeys adds the condition keys that tell of the principal. (IAM User Guide, "AWS global condition context keys".)
func (s *standing) addKeys(k keys) {
	kind, arn := "User", s.who.ARN
	switch {
	case s.who.Root():
		kind = "Account"
	case s.who.Role != "":
		kind, arn = "AssumedRole", s.who.Role
	default:
		k.set("aws:username", s.user)
	}
	k.set("aws:PrincipalType", kind)
	k.set("aws:PrincipalArn", arn)
	k.set("aws:PrincipalAccount", s.who.Account)
	k.set("aws:userid", s.who.ID)
	for _, t := range s.tags {
		k[strings.ToLower("aws:PrincipalTag/"+t.Key)] = []string{t.Value}
	}
}

// keys are condition keys with their values; names are in lower case.
type keys map[string][]string

func (k keys) set(name string, values ...string) {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return
	}
	k[strings.ToLower(name)] = values
}

// with is k and more, in a map of its own.
func (k keys) with(more keys) keys {
	if len(more) == 0 {
		return k
	}
	out := make(keys, len(k)+len(more))
	for name, v := range k {
		out[name] = v
	}
	for name, v := range more {
		out[name] = v
	}
	return out
}

// stamp is a time as condition keys have it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// setTags sets the keys that tell of tags a request wants to set.
func (k keys) setTags(tags []world.Tag) {
	var names []string
	for _, t := range tags {
		k[strings.ToLower("aws:RequestTag/"+t.Key)] = []string{t.Value}
		if !slices.Contains(names, t.Key) {
			names = append(names, t.Key)
		}
	}
	k.set("aws:TagKeys", names...)
}
