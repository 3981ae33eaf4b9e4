package world

import (
	"net/netip"
	"slices"
)

// SecurityGroup is a stateful filter carried by ENIs. Its rules are rows of their own, see [SecurityGroupRule].
type SecurityGroup struct {
	ID SecurityGroupID
	Meta
	VPC         VPCID
	Name        string
	Description string
	Default     bool // the VPC's default group
}

// RowID is the group's id.
func (g SecurityGroup) RowID() string { return string(g.ID) }

// Owner is the id of its VPC.
func (g SecurityGroup) Owner() string { return string(g.VPC) }

// Protocol is an IP protocol number, or AnyProtocol.
type Protocol int

// The protocols AWS calls by name, and the wildcard it writes -1. (IANA "Assigned Internet Protocol Numbers".)
const (
	AnyProtocol Protocol = -1
	ICMP        Protocol = 1
	TCP         Protocol = 6
	UDP         Protocol = 17
	ICMPv6      Protocol = 58
)

// HasPorts tells whether rules of the protocol name port ranges.
func (p Protocol) HasPorts() bool { return p == TCP || p == UDP }

// PortRange is an inclusive range of ports.
type PortRange struct{ From, To uint16 }

// AllPorts is the range that leaves no port out.
var AllPorts = PortRange{0, 65535}

// Contains tells whether the port lies in the range.
func (r PortRange) Contains(p uint16) bool { return r.From <= p && p <= r.To }

// ICMPMatch is a type and a code; -1 is any.
type ICMPMatch struct{ Type, Code int }

// SecurityGroupRule allows traffic in one direction with one peer. Exactly one of CIDR, PeerGroup and PeerList is set.
type SecurityGroupRule struct {
	ID SecurityGroupRuleID
	Meta
	Group       SecurityGroupID
	Egress      bool
	Protocol    Protocol
	Ports       PortRange // of tcp and udp
	ICMP        ICMPMatch // of icmp and icmpv6
	CIDR        netip.Prefix
	PeerGroup   SecurityGroupID
	PeerAccount AccountID // owner of PeerGroup
	PeerVPC     VPCID     // of PeerGroup, when it is another one
	Peering     PeeringID // that joined the two VPCs when the rule was made; none: PeerGroup was associated with the rule's VPC
	PeerList    PrefixListID
	Description string
}

// RowID is the rule's id.
func (r SecurityGroupRule) RowID() string { return string(r.ID) }

// Owner is the id of its group.
func (r SecurityGroupRule) Owner() string { return string(r.Group) }

// SameMatch tells whether two rules of one group allow the same thing; ids and descriptions do not count.
func (r SecurityGroupRule) SameMatch(o SecurityGroupRule) bool {
	return r.Group == o.Group && r.Egress == o.Egress && r.Protocol == o.Protocol && r.Ports == o.Ports &&
		r.ICMP == o.ICMP && r.CIDR == o.CIDR && r.PeerGroup == o.PeerGroup && r.PeerList == o.PeerList
}

// RulesOf are the rules of a group, in the order of their ids.
func (w *World) RulesOf(g SecurityGroupID) []SecurityGroupRule {
	return slices.Collect(w.SecurityGroupRules.In(string(g)))
}

// DefaultGroup is the default security group of the VPC.
func (w *World) DefaultGroup(v VPCID) (SecurityGroup, bool) {
	for g := range w.SecurityGroups.In(string(v)) {
		if g.Default {
			return g, true
		}
	}
	return SecurityGroup{}, false
}

// ManagedPrefixList is a customer's named set of address ranges. The lists AWS owns are not rows; see [AWSPrefixLists].
type ManagedPrefixList struct {
	ID PrefixListID
	Meta
	Name       string
	Family     string // IPv4 or IPv6
	MaxEntries int
	Version    int64
	Entries    []PrefixListEntry
	Past       []PrefixListVersion `json:",omitempty"` // earlier versions, the oldest first
}

// PrefixListVersion is what a prefix list was.
type PrefixListVersion struct {
	Version int64
	Entries []PrefixListEntry
}

// At are the entries of a version of the list.
func (l ManagedPrefixList) At(version int64) ([]PrefixListEntry, bool) {
	if version == l.Version {
		return l.Entries, true
	}
	for _, p := range l.Past {
		if p.Version == version {
			return p.Entries, true
		}
	}
	return nil, false
}

// Change gives the list other entries, as its next version. Of the earlier ones, only the given number is kept.
func (l *ManagedPrefixList) Change(entries []PrefixListEntry, kept int) {
	past := append(l.Past[:len(l.Past):len(l.Past)], PrefixListVersion{l.Version, l.Entries})
	l.Past, l.Entries = past[max(0, len(past)-kept):], entries
	l.Version++
}

// PrefixListEntry is one range of a prefix list.
type PrefixListEntry struct {
	CIDR        netip.Prefix
	Description string
}

// RowID is the list's id.
func (l ManagedPrefixList) RowID() string { return string(l.ID) }
