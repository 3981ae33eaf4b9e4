package world

import (
	"slices"
	"strings"
	"time"
)

// Tag is a key and a value a user put on a row.
type Tag struct{ Key, Value string }

// Meta is what every noun has. It is embedded in the row types.
type Meta struct {
	Account  AccountID
	Region   string
	Created  time.Time
	Updated  time.Time
	Rev      uint64 // revision that last changed what the network must be for this row; see Tx.Touch
	Tags     []Tag  `json:",omitempty"` // sorted by key
	Deleting bool   `json:",omitempty"` // deletion was asked for; fabric no longer contains the row, which goes once that is true in the kernel
}

// Touch stamps m as created or changed by this transaction.
func (tx *Tx) Touch(m *Meta) {
	if m.Created.IsZero() {
		m.Created = tx.Now
	}
	m.Updated, m.Rev = tx.Now, tx.Rev
}

// NewMeta is the Meta of a row created by c in this transaction.
func (tx *Tx) NewMeta(c Caller, tags []Tag) Meta {
	m := Meta{Account: c.Account, Region: c.Region, Tags: SortTags(tags)}
	tx.Touch(&m)
	return m
}

// SortTags returns the tags sorted by key, in a slice of their own.
func SortTags(tags []Tag) []Tag {
	out := slices.Clone(tags)
	slices.SortFunc(out, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// MergeTags returns have with the given tags set.
func MergeTags(have, set []Tag) []Tag {
	out := slices.Clone(have)
	for _, t := range set {
		if i := slices.IndexFunc(out, func(h Tag) bool { return h.Key == t.Key }); i >= 0 {
			out[i] = t
		} else {
			out = append(out, t)
		}
	}
	return SortTags(out)
}

// WithoutTags returns have without the tags for which drop is true.
func WithoutTags(have []Tag, drop func(Tag) bool) []Tag {
	return slices.DeleteFunc(slices.Clone(have), drop)
}

// Caller is who makes a request: the account, the region it is made in and the principal.
type Caller struct {
	Account   AccountID
	Region    string
	ARN       string // principal, e.g. arn:aws:iam::000000000000:root
	UserID    string
	RequestID string
	Key       AccessKeyID // the request is signed with
	Session   *Session    // of temporary credentials; nil: they are for ever
}
