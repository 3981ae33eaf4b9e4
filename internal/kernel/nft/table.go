package nft

import (
	"slices"
	"strings"
)

// Table is an nftables table of the inet family. Sets and chains have unique names.
type Table struct {
	Name   string
	Sets   []Set
	Chains []Chain
}

// Set is a set, a map or a verdict map.
//
// Keys of several types are concatenations. An interval set must hold elements that do not overlap: the kernel
// refuses them. A meter has no elements of ours: the kernel keeps in it what [Over] and [Count] count.
type Set struct {
	Name     string
	Key      []Type
	Value    Type // None for a set
	Interval bool
	Meter    bool
	Elements []Element // sorted by Key, see SortElements
}

// Element is a key, or a box of keys, with a value if the set is a map. Byte strings are made by [Concat].
type Element struct {
	Key     string
	End     string // last key of a box of an interval set, inclusive in every field; empty: Key alone
	Value   string // of a map
	Verdict Verdict
}

// SortElements brings elements into the order a Set holds them in.
func SortElements(e []Element) {
	slices.SortFunc(e, CompareElements)
}

// CompareElements tells which of two elements comes first.
func CompareElements(a, b Element) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return strings.Compare(a.End, b.End)
}

// Verdict ends the evaluation of a rule.
type Verdict struct {
	Kind  VerdictKind
	Chain string // of Jump and Goto
}

// VerdictKind is what a verdict does.
type VerdictKind uint8

// The verdicts; the zero value is none.
const (
	NoVerdict VerdictKind = iota
	Accept
	Drop
	Return
	Jump
	Goto
)

// Hook is the place in a packet's way where a base chain runs.
type Hook uint32

// The hooks of the inet family. (linux/netfilter.h enum nf_inet_hooks.)
const (
	Prerouting Hook = iota
	Input
	Forward
	Output
	Postrouting
)

// Priorities of base chains relative to the kernel's own hooks. (linux/netfilter_ipv4.h enum nf_ip_hook_priorities.)
const (
	PriorityRaw    int32 = -300
	PriorityMangle int32 = -150
	PriorityDstNAT int32 = -100
	PriorityFilter int32 = 0
	PrioritySrcNAT int32 = 100
)

// Base attaches a chain to a hook.
type Base struct {
	Type     string // filter or nat
	Hook     Hook
	Priority int32
	Policy   VerdictKind // Accept or Drop
}

// Chain is a list of rules; Base is the zero value for a chain that is only jumped to.
type Chain struct {
	Name  string
	Base  Base
	Rules []Rule
}

// Rule is a list of clauses, each of which must hold for the next to be looked at.
type Rule struct {
	Clauses []Clause
	Comment string
}

// Equal tells whether two rules do and say the same.
func (r Rule) Equal(o Rule) bool {
	return r.Comment == o.Comment && (same(r.Clauses, o.Clauses) || slices.EqualFunc(r.Clauses, o.Clauses, Clause.equal))
}

func (c Chain) equal(o Chain) bool {
	return c.Base == o.Base && (same(c.Rules, o.Rules) || slices.EqualFunc(c.Rules, o.Rules, Rule.Equal))
}
