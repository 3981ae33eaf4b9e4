package fabric

import (
	"net/netip"
	"slices"
)

// Resolver is the DNS resolver of a VPC.
type Resolver struct {
	Enabled bool         // enableDnsSupport
	Addrs   []netip.Addr // base+2 and 169.254.169.253
}

// Outcome is what kind of answer a resolver gives.
type Outcome int

// The outcomes of a query.
const (
	Answered  Outcome = iota // records
	NoData                   // the name exists, not with this type
	NXDomain                 // the name does not exist
	Refused                  // the resolver is off: it does not answer at all
	Forwarded                // the targets of Reply.Rule are to be asked for Reply.Name
	Failed                   // the name is an alias of too many others, or of itself
)

// Reply is the resolver's answer to a question, with its reason.
type Reply struct {
	Outcome Outcome
	Aliases []Alias  // what was followed on the way from the name that was asked for
	Name    string   // that Records belong to, or that has none: where the aliases lead
	Records []Record // of Name
	Zone    *Zone    // the zone that decided; nil when none matched
	Varies  bool     // a routing policy drew: the next client may get another answer
	Rule    *Forward // the rule that decided: where it is asked, or that it is not asked elsewhere
}

// Alias is a CNAME record with the name it is of.
type Alias struct {
	Name   string
	Record Record
}

// DNS type numbers that Answer treats specially. (RFC 1035, RFC 3596.)
const (
	TypeA     uint16 = 1
	TypeNS    uint16 = 2
	TypeCNAME uint16 = 5
	TypeSOA   uint16 = 6
	TypePTR   uint16 = 12
	TypeAAAA  uint16 = 28
	TypeANY   uint16 = 255
)

// maxAliases is how many aliases in a row are followed before a name is taken to lead nowhere, maxLookups how many names
// are looked up for one answer.
const maxAliases, maxLookups = 8, 64

// Query is a question to a resolver.
type Query struct {
	Name string
	Type uint16
	Draw uint64 // random: what routing policies that spread clients choose by
}

// Answer is what the resolver of VPC v says when an instance of it asks for name and type; see [Ask].
func Answer(v *VPC, name string, qtype uint16) Reply { return Ask(v, Query{Name: name, Type: qtype}) }

// Ask is what the resolver of VPC v says when an instance of it asks q. The most specific source
// that covers the name decides alone: a name it lacks does not exist, even if a less specific one has it. Aliases are
// followed, each by the same rule.
func Ask(v *VPC, q Query) Reply {
	if !v.Resolver.Enabled {
		return Reply{Outcome: Refused}
	}
	s := search{view: &v.View, region: v.Region, draw: q.Draw, left: maxLookups}
	r := s.answer(Canonical(q.Name), q.Type, 0)
	r.Varies = s.varies
	return r
}

// search is the search for one answer.
type search struct {
	view   *View
	region string // of the VPC
	draw   uint64 // random
	varies bool   // the draw mattered
	left   int    // how many names may still be looked up
}

// answer answers for a name that has been come to by some aliases.
func (s *search) answer(name string, qtype uint16, followed int) Reply {
	var r Reply
	for ; followed <= maxAliases && s.left > 0; followed++ {
		s.left--
		r.Name = name
		r.Zone, r.Rule = s.view.source(name)
		switch {
		case r.Zone == nil && r.Rule != nil && !r.Rule.System:
			r.Outcome = Forwarded
			return r
		case r.Zone == nil:
			r.Outcome = NXDomain
			return r
		}
		records, sets, exists := r.Zone.find(name)
		if sets != nil {
			records = append(slices.Clone(records), s.chosen(r.Zone, sets, qtype)...)
		}
		next, ok := cname(records, qtype)
		if !ok {
			s.take(&r, records, exists, qtype, followed)
			return r
		}
		r.Aliases = append(r.Aliases, Alias{Name: name, Record: next})
		name = Canonical(next.Target)
	}
	return Reply{Outcome: Failed, Name: name}
}

// cname is the record that says where to go on, for a question that is not about it.
func cname(records []Record, qtype uint16) (Record, bool) {
	if qtype == TypeCNAME || qtype == TypeANY {
		return Record{}, false
	}
	for _, r := range records {
		if r.Type == TypeCNAME && !r.Alias {
			return r, true
		}
	}
	return Record{}, false
}

// take takes the records of the type that was asked for.
func (s *search) take(r *Reply, records []Record, exists bool, qtype uint16, followed int) {
	wants := func(t uint16) bool { return t == qtype || qtype == TypeANY }
	soa := r.Name == r.Zone.Name && r.Name != ""
	for _, rec := range records {
		switch {
		case !wants(rec.Type):
		case rec.Alias:
			r.Records = append(r.Records, s.answer(Canonical(rec.Target), rec.Type, followed+1).Records...)
		default:
			r.Records = append(r.Records, rec)
			soa = soa && rec.Type != TypeSOA
		}
	}
	if soa && wants(TypeSOA) {
		r.Records = append(r.Records, r.Zone.SOA.record())
	}
	switch {
	case len(r.Records) > 0:
		r.Outcome = Answered
	case exists:
		r.Outcome = NoData
	default:
		r.Outcome = NXDomain
	}
}

// Resolve is the first address the VPC's resolver gives for the name.
func Resolve(v *VPC, name string) (netip.Addr, Reply) {
	r := Answer(v, name, TypeA)
	if len(r.Records) == 0 {
		return netip.Addr{}, r
	}
	return r.Records[0].Addr, r
}

// Instance metadata of a port is served at this address. (EC2 User Guide, "Instance metadata and user data".)
var MetadataAddr = netip.MustParseAddr("169.254.169.254")

// ResolverLinkLocal is the resolver's second address in every VPC. (VPC User Guide, "Amazon DNS server".)
var ResolverLinkLocal = netip.MustParseAddr("169.254.169.253")
