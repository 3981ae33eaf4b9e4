package world

import (
	"encoding/base32"
	"io"
	"slices"
	"strings"
	"time"
)

// Identity is what users, groups and roles have in common. It is embedded in their rows.
type Identity struct {
	Account  AccountID
	ID       string // AIDA…, AGPA… or AROA…, never given out twice
	Name     string // unique in the account, whatever its case
	Path     string // begins and ends with a slash
	Created  time.Time
	Tags     []Tag          `json:",omitempty"`
	Inline   []InlinePolicy `json:",omitempty"` // by name
	Attached []string       `json:",omitempty"` // ARNs of managed policies, in the order of attachment
	Boundary string         `json:",omitempty"` // ARN of the managed policy that is the permissions boundary
}

// InlinePolicy is a policy document that belongs to one identity.
type InlinePolicy struct{ Name, Document string }

// RowID is the account and the name, whose case does not count.
func (i Identity) RowID() string { return IAMKey(i.Account, i.Name) }

// IAMKey is the key of a row of IAM.
func IAMKey(a AccountID, name string) string { return string(a) + "/" + strings.ToLower(name) }

// IAMARN is the ARN of something of IAM, e.g. IAMARN("000000000000", "role", "/", "web").
func IAMARN(a AccountID, kind, path, name string) string {
	return "arn:aws:iam::" + string(a) + ":" + kind + path + name
}

// IAMID draws a unique id of IAM: four letters that name the noun, and 17 characters.
func (tx *Tx) IAMID(prefix string) string {
	b := make([]byte, 11)
	if _, err := io.ReadFull(tx.Rand, b); err != nil {
		panic("world: no randomness: " + err.Error())
	}
	return prefix + base32.StdEncoding.EncodeToString(b)[:17]
}

// Policy is the inline policy of that name.
func (i Identity) Policy(name string) (InlinePolicy, bool) {
	n := slices.IndexFunc(i.Inline, func(p InlinePolicy) bool { return strings.EqualFold(p.Name, name) })
	if n < 0 {
		return InlinePolicy{}, false
	}
	return i.Inline[n], true
}

// Session is what temporary credentials carry beyond whose they are.
type Session struct {
	Issued         time.Time
	Expires        time.Time
	Chained        bool            `json:",omitempty"` // made with the credentials of another session of a role
	Policies       []string        `json:",omitempty"` // documents the session is narrowed to
	PolicyARNs     []string        `json:",omitempty"` // managed policies the session is narrowed to
	Tags           []Tag           `json:",omitempty"`
	Transitive     []string        `json:",omitempty"` // keys of the tags that further sessions inherit
	SourceIdentity string          `json:",omitempty"`
	Instance       *InstanceOrigin `json:",omitempty"` // of credentials an instance got from its metadata
}

// InstanceOrigin is the instance that credentials were given to.
type InstanceOrigin struct {
	ARN      string
	VPC      VPCID
	Addr     string // its private IPv4 address
	Delivery string // 1.0 or 2.0: the version of the metadata service that was asked
}
