package fabric

import (
	"net/netip"
	"strings"
)

// Resolver is the DNS resolver of a VPC.
type Resolver struct {
	Enabled bool         // enableDnsSupport
	Addrs   []netip.Addr // base+2 and 169.254.169.253
}

// Zone is a set of names the resolver of a VPC answers from.
type Zone struct {
	Name    string // lower case, no trailing dot
	SOA     SOA
	Records map[string][]Record // by lower-case name without trailing dot; a present name with no record of a type is NODATA
	Public  bool                // names made of public addresses answer these, where there is no record; see world.PublicName
	Exists  map[string]bool     // further names that exist without any record: elsewhere they have some, or names below them have (RFC 8020)
}

// SOA is what a negative answer carries.
type SOA struct {
	NS, Mailbox                             string
	Serial, Refresh, Retry, Expire, Minimum uint32
	TTL                                     uint32 // of the SOA record itself, seconds
}

// Record is one resource record.
type Record struct {
	Type   uint16     // DNS type number: 1 A, 28 AAAA, 5 CNAME, 12 PTR, … (RFC 1035)
	TTL    uint32     // seconds
	Addr   netip.Addr // of A and AAAA
	Target string     // of CNAME and PTR, without trailing dot
}

// Outcome is what kind of answer a resolver gives.
type Outcome int

// The outcomes of a query.
const (
	Answered Outcome = iota // records
	NoData                  // the name exists, not with this type
	NXDomain                // the name does not exist
	Refused                 // the resolver is off: it does not answer at all
)

// Reply is the resolver's answer to a question, with its reason.
type Reply struct {
	Outcome Outcome
	Records []Record
	Zone    *Zone // the zone that decided; nil when none matched
}

// DNS type numbers that Answer treats specially. (RFC 1035, RFC 3596.)
const (
	TypeA     uint16 = 1
	TypeCNAME uint16 = 5
	TypePTR   uint16 = 12
	TypeAAAA  uint16 = 28
)

// Answer is what the resolver of VPC v says when an instance of it asks for name and type. The most specific zone
// that covers the name decides alone: a name it lacks does not exist, even if a less specific zone has it.
func Answer(v *VPC, name string, qtype uint16) Reply {
	if !v.Resolver.Enabled {
		return Reply{Outcome: Refused}
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	z := zoneOf(v, name)
	if z == nil {
		return Reply{Outcome: NXDomain}
	}
	recs, ok := z.Records[name]
	if !ok {
		recs, ok = z.public(name)
	}
	if !ok {
		return Reply{Outcome: absent(z, name), Zone: z}
	}
	r := Reply{Zone: z}
	for _, rec := range recs {
		if rec.Type == qtype || rec.Type == TypeCNAME {
			r.Records = append(r.Records, rec)
		}
	}
	if len(r.Records) == 0 {
		r.Outcome = NoData
	}
	return r
}

func zoneOf(v *VPC, name string) *Zone {
	var best *Zone
	for i := range v.Zones {
		z := &v.Zones[i]
		if (z.Name == "" || name == z.Name || strings.HasSuffix(name, "."+z.Name)) && (best == nil || len(z.Name) > len(best.Name)) {
			best = z
		}
	}
	return best
}

// absent decides between NODATA and NXDOMAIN for a name without records.
func absent(z *Zone, name string) Outcome {
	if name == z.Name || z.Exists[name] {
		return NoData
	}
	return NXDomain
}

// Resolve is the first address the VPC's resolver gives for the name, following no more than eight aliases.
func Resolve(v *VPC, name string) (netip.Addr, Reply) {
	var last Reply
	for range 8 {
		last = Answer(v, name, TypeA)
		next := ""
		for _, r := range last.Records {
			switch r.Type {
			case TypeA:
				return r.Addr, last
			case TypeCNAME:
				next = r.Target
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	return netip.Addr{}, last
}

// Instance metadata of a port is served at this address. (EC2 User Guide, "Instance metadata and user data".)
var MetadataAddr = netip.MustParseAddr("169.254.169.254")

// ResolverLinkLocal is the resolver's second address in every VPC. (VPC User Guide, "Amazon DNS server".)
var ResolverLinkLocal = netip.MustParseAddr("169.254.169.253")
