package guard

import (
	"cmp"
	"strings"

	"kumiko/internal/world"
)

// call is an operation somebody wants to do.
type call struct {
	c       world.Caller
	service string
	op      string
	in      any
}

// ask is an action with the resources it is about.
type ask struct {
	action  string
	targets []target
	keys    keys
	free    bool // needs no permission; policies of endpoints hold nevertheless
}

// target is a resource an action is about.
type target struct {
	arn     string
	owner   world.AccountID // where that decides by whose policies; empty: the caller's
	tags    []world.Tag
	prefix  string // of the service's own tag keys, e.g. ec2
	special keys   // of this resource
	trust   string // policy document of the resource that must allow the caller
}

// everything is the target of actions on no resource, or on one that cannot be told.
func everything() []target { return []target{{arn: "*"}} }

// keys are the condition keys that tell of the resource.
func (t target) keys() keys {
	k := keys{}
	for _, tag := range t.tags {
		k[strings.ToLower("aws:ResourceTag/"+tag.Key)] = []string{tag.Value}
		if t.prefix != "" {
			k[strings.ToLower(t.prefix+":ResourceTag/"+tag.Key)] = []string{tag.Value}
		}
	}
	parts := strings.SplitN(t.arn, ":", 6)
	if len(parts) == 6 {
		k.set("aws:ResourceAccount", cmp.Or(parts[4], string(t.owner)))
	}
	return k.with(t.special)
}

// prefixes are the services whose actions do not begin with the name their signatures have.
// (Service Authorization Reference.)
func prefixOf(service string) string {
	return cmp.Or(map[string]string{"monitoring": "cloudwatch", "tagging": "tag", "email": "ses"}[service], service)
}

// asks are the questions an operation raises; each target of each must be allowed.
func (g *Guard) asks(w *world.World, c call) []ask {
	a := ask{action: prefixOf(c.service) + ":" + c.op, targets: everything(), keys: keys{}}
	m := read(c.in)
	a.keys.setTags(m.tags)
	var more []ask
	switch c.service {
	case "ec2":
		a.targets, more = ec2Targets(w, c, m, a.keys)
	case "iam":
		a.targets, more = iamTargets(w, c, m, a.keys)
	case "sts":
		return stsAsks(w, c, m, a)
	case "logs":
		a.targets = logsTargets(c, m)
	case "ssm":
		a.targets = ssmTargets(w, c, m)
	case "vpc-lattice":
		a.targets = latticeTargets(w, c, m)
	case "ram":
		a.targets = ramTargets(w, c, m)
	default:
		a.targets = arnTargets(m)
	}
	if len(a.targets) == 0 {
		a.targets = everything()
	}
	return append([]ask{a}, more...)
}

// stsAsks are the questions of an operation of STS. A role's trust must allow each. (AWS Security Token Service API Reference.)
func stsAsks(w *world.World, c call, m members, a ask) []ask {
	switch c.op {
	case "GetCallerIdentity", "GetSessionToken":
		a.free = true
	case "AssumeRole":
		arn := m.first("RoleArn")
		t := target{arn: arn, trust: nobody}
		if r, ok := RoleByARN(w, arn); ok {
			t.owner, t.trust, t.tags, t.prefix = r.Account, r.Trust, r.Tags, "iam"
			if !known(w, c.c, r) {
				t.trust = nobody
			}
		}
		a.targets = []target{t}
		a.keys.set("sts:ExternalId", m.first("ExternalId"))
		a.keys.set("sts:RoleSessionName", m.first("RoleSessionName"))
		a.keys.set("sts:SourceIdentity", m.first("SourceIdentity"))
		a.keys.set("sts:TransitiveTagKeys", m.all("TransitiveTagKeys")...)
		out := []ask{a}
		for action, wanted := range map[string]bool{"sts:TagSession": len(m.tags) > 0, "sts:SetSourceIdentity": m.first("SourceIdentity") != ""} {
			if wanted {
				out = append(out, ask{action: action, targets: a.targets, keys: a.keys})
			}
		}
		return out
	}
	return []ask{a}
}

// known tells whether a caller is the one that a role's trust policy named, and not another one of the same name.
func known(w *world.World, c world.Caller, r world.Role) bool {
	if own, ok := RoleOf(w, c); ok {
		return r.Trusts(own.ARN(), own.ID)
	}
	return r.Trusts(c.ARN, c.UserID)
}

// nobody is the trust policy of roles that do not exist: the caller does not learn that.
const nobody = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"sts:AssumeRole"}}`

// RoleByARN is the role with that ARN.
func RoleByARN(w *world.World, arn string) (world.Role, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return world.Role{}, false
	}
	r, ok := w.Roles.Get(world.IAMKey(world.AccountID(parts[4]), arn[strings.LastIndex(arn, "/")+1:]))
	return r, ok && r.ARN() == arn
}

// pass is the question whether the caller may hand a role to a service.
func pass(role world.Role, service string) ask {
	k := keys{}
	k.set("iam:PassedToService", service)
	return ask{action: "iam:PassRole", targets: []target{{arn: role.ARN(), owner: role.Account, tags: role.Tags, prefix: "iam"}}, keys: k}
}
