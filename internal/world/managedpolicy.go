package world

import (
	"slices"
	"strings"
	"time"
)

// ManagedPolicy is a policy of an account that can be attached to many identities.
type ManagedPolicy struct {
	Account     AccountID
	ID          string // ANPA…
	Name        string
	Path        string
	Description string
	Created     time.Time
	Updated     time.Time
	Tags        []Tag `json:",omitempty"`
	Default     int   // number of the version in force
	Next        int   // number of the next version
	Versions    []PolicyVersion
}

// PolicyVersion is one of a policy's documents.
type PolicyVersion struct {
	Number   int // 1 is shown as v1
	Document string
	Created  time.Time
}

// RowID is the account and the name, whose case does not count.
func (p ManagedPolicy) RowID() string { return IAMKey(p.Account, p.Name) }

// ARN is the policy's ARN.
func (p ManagedPolicy) ARN() string { return IAMARN(p.Account, "policy", p.Path, p.Name) }

// Version is the policy's version of that number.
func (p ManagedPolicy) Version(n int) (PolicyVersion, bool) {
	i := slices.IndexFunc(p.Versions, func(v PolicyVersion) bool { return v.Number == n })
	if i < 0 {
		return PolicyVersion{}, false
	}
	return p.Versions[i], true
}

// PolicyByARN is the account's own policy with that ARN. Policies of AWS are no rows.
func (w *World) PolicyByARN(arn string) (ManagedPolicy, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ManagedPolicy{}, false
	}
	p, ok := w.ManagedPolicies.Get(IAMKey(AccountID(parts[4]), arn[strings.LastIndex(arn, "/")+1:]))
	return p, ok && p.ARN() == arn
}

// Identities are all users, groups and roles of an account.
func (w *World) Identities(a AccountID) []Identity {
	var out []Identity
	for u := range w.Users.Prefix(string(a) + "/") {
		out = append(out, u.Identity)
	}
	for g := range w.Groups.Prefix(string(a) + "/") {
		out = append(out, g.Identity)
	}
	for r := range w.Roles.Prefix(string(a) + "/") {
		out = append(out, r.Identity)
	}
	return out
}
