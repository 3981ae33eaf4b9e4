package fabric

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
)

// ZoneKind says where the names of a zone come from.
type ZoneKind string

// The kinds of zone. Of two for one domain, that of the kind named first answers.
const (
	HostedZone    ZoneKind = "private hosted zone"
	EndpointZone  ZoneKind = "private DNS of endpoint"
	GeneratedZone ZoneKind = "generated names" // that AWS makes of addresses and ids, within VPCs
	PublicZone    ZoneKind = "public names"    // of the Internet: any other source that covers a name comes before them
)

func (k ZoneKind) rank() int {
	return map[ZoneKind]int{HostedZone: 4, EndpointZone: 3, GeneratedZone: 2, PublicZone: 1}[k]
}

// Zone is a set of names that resolvers answer from. It does not change once a Fabric has it, so that VPCs and
// revisions share it.
type Zone struct {
	Kind    ZoneKind
	ID      string // of the noun it comes from: a hosted zone or an endpoint; empty: it comes of itself
	Name    string // lower case, no trailing dot
	SOA     SOA
	Records map[string][]Record // by lower-case name without trailing dot; a present name with no record of a type is NODATA
	Public  bool                // names made of public addresses answer these, where there is no record; see world.PublicName
	Exists  map[string]bool     // further names that exist without any record: elsewhere they have some, or names below them have (RFC 8020)
	Sets    map[string][]Set    // of a hosted zone, by name as Records: aliases, and records under a routing policy
	Wild    bool                // some record's name begins with an asterisk (RFC 4592)
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
	Target string     // of CNAME, PTR and NS, without trailing dot; of an alias
	Text   string     // of every other type: the data as a zone file has it
	Alias  bool       // the answer is what Target has of this type, under the record's own name (Route 53)
}

// NewZone is a zone with no names but its own.
func NewZone(kind ZoneKind, id, name string, soa SOA) *Zone {
	return &Zone{Kind: kind, ID: id, Name: Canonical(name), SOA: soa, Records: map[string][]Record{}, Exists: map[string]bool{}}
}

// Add gives a name of the zone further records.
func (z *Zone) Add(name string, records ...Record) {
	name = Canonical(name)
	z.Records[name] = append(z.Records[name], records...)
	z.Wild = z.Wild || strings.HasPrefix(name, "*.")
	z.ancestors(name)
}

// with is the zone without some names, and with others.
func (z *Zone) with(gone, fresh []entry) *Zone {
	if len(gone)+len(fresh) == 0 {
		return z
	}
	out := *z
	out.Records, out.Exists = maps.Clone(z.Records), maps.Clone(z.Exists)
	for _, e := range gone {
		delete(out.Records, Canonical(e.name))
	}
	for _, e := range fresh {
		out.Add(e.name, e.records...)
	}
	out.bury(gone)
	return &out
}

// bury forgets the names that existed only because others did that have gone. Where public addresses have names, what
// exists is given.
func (z *Zone) bury(gone []entry) {
	idle := map[string]bool{}
	for _, e := range gone {
		for up, ok := parent(e.name); ok && up != z.Name && !z.Public; up, ok = parent(up) {
			idle[up] = true
		}
	}
	if len(idle) == 0 {
		return
	}
	for name := range z.Records {
		for up, ok := parent(name); ok && up != z.Name; up, ok = parent(up) {
			delete(idle, up)
		}
	}
	for name := range idle {
		delete(z.Exists, name)
	}
}

// ancestors notes that the names between the zone's and name exist, as names with something below them do.
func (z *Zone) ancestors(name string) {
	for name != z.Name {
		name, _ = parent(name)
		if name == z.Name || name == "" || z.Exists[name] {
			return
		}
		z.Exists[name] = true
	}
}

// find is what the zone has for a name in it, and whether the name exists. A name that does not is answered from the
// wildcard at its closest ancestor that does. (RFC 4592 §3.3.)
func (z *Zone) find(name string) (records []Record, sets []Set, exists bool) {
	if z.has(name) {
		return z.Records[name], z.Sets[name], true
	}
	if records, ok := z.public(name); ok {
		return records, nil, true
	}
	if name == z.Name || z.Exists[name] {
		return nil, nil, true
	}
	for up := name; z.Wild && up != z.Name; {
		up, _ = parent(up)
		if wild := "*." + up; z.has(wild) {
			return z.Records[wild], z.Sets[wild], true
		}
		if z.has(up) || z.Exists[up] {
			break
		}
	}
	return nil, nil, false
}

// has tells whether the zone has records of exactly that name.
func (z *Zone) has(name string) bool {
	_, plain := z.Records[name]
	return plain || z.Sets[name] != nil
}

// record is the SOA as a record.
func (s SOA) record() Record {
	return Record{Type: TypeSOA, TTL: s.TTL, Text: fmt.Sprintf("%s. %s. %d %d %d %d %d", s.NS, s.Mailbox, s.Serial, s.Refresh, s.Retry, s.Expire, s.Minimum)}
}

// Negative is how long, in seconds, it may be remembered that a name of the zone has nothing. (RFC 2308 §5.)
func (s SOA) Negative() uint32 { return min(s.TTL, s.Minimum) }

// Canonical is a name as zones have it: lower case, without trailing dot.
func Canonical(name string) string {
	if strings.HasSuffix(name, ".") && !escaped(name, len(name)-1) {
		name = name[:len(name)-1]
	}
	return strings.ToLower(name)
}

// parent is the name without its first label; not ok for the root, which has none.
func parent(name string) (up string, ok bool) {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++ // what follows belongs to the label, even a dot (RFC 1035 §5.1)
		case '.':
			return name[i+1:], true
		}
	}
	return "", name != ""
}

// escaped tells whether the byte at i is escaped by a backslash.
func escaped(name string, i int) bool {
	n := 0
	for i--; i >= 0 && name[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}
