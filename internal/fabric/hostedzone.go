package fabric

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/world"
)

// recordTypes are the DNS numbers of the types Route 53 has. (IANA, "Domain Name System Parameters".)
var recordTypes = map[string]uint16{
	"A": TypeA, "NS": TypeNS, "CNAME": TypeCNAME, "SOA": TypeSOA, "PTR": TypePTR, "MX": 15, "TXT": 16, "AAAA": TypeAAAA,
	"SRV": 33, "NAPTR": 35, "DS": 43, "SSHFP": 44, "TLSA": 52, "SVCB": 64, "HTTPS": 65, "SPF": 99, "CAA": 257,
}

// hostedZones makes the zones of Route 53: each once, for all VPCs that see it.
func (c *compilation) hostedZones() {
	if !c.stale.all {
		c.shared.hosted = c.rehosted()
		return
	}
	c.zones = map[world.HostedZoneID]*Zone{}
	for row := range c.w.HostedZones.All() {
		c.zones[row.ID] = c.hostedZone(row)
	}
	c.ill = c.unhealthy()
	c.arrange()
}

// arrange makes the public zones known, and those of public reverse names. Of hosted zones of one name the oldest is it.
func (c *compilation) arrange() {
	public := map[string]world.HostedZone{}
	for row := range c.w.HostedZones.All() {
		if had, ok := public[row.Name]; !row.Private && (!ok || row.Created.Before(had.Created)) {
			public[row.Name] = row
		}
	}
	c.out.PublicZones = map[string]*Zone{}
	for _, row := range public {
		z := c.zones[row.ID]
		c.out.PublicZones[z.Name] = z
	}
	for _, z := range c.publicReverse() {
		c.out.PublicZones[z.Name] = z
	}
}

// hosted gives a VPC the private zones it is associated with, if it has DNS support and DNS host names, and the public
// ones. (Amazon Route 53 Developer Guide, "Considerations when working with a private hosted zone".)
func (c *compilation) hosted(v *VPC) {
	v.View.Hosted, v.View.Internet, v.View.Unhealthy = nil, c.out.PublicZones, c.ill
	if row, _ := c.w.VPCs.Get(v.ID); row.DNSSupport && row.DNSHostnames {
		for z := range c.w.HostedZones.In(string(v.ID)) {
			v.View.Add(c.zones[z.ID])
		}
	}
}

// unhealthy are the checks that fail.
func (c *compilation) unhealthy() map[world.HealthCheckID]bool {
	out := map[world.HealthCheckID]bool{}
	for h := range c.w.HealthChecks.All() {
		if !c.w.Healthy(h.ID) {
			out[h.ID] = true
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// hostedZone makes a zone of its rows.
func (c *compilation) hostedZone(row world.HostedZone) *Zone {
	kind := PublicZone
	if row.Private {
		kind = HostedZone
	}
	z := NewZone(kind, string(row.ID), presented(row.Name), awsSOA())
	z.Sets = map[string][]Set{}
	for r := range c.w.RecordSetsOf(row.ID) {
		z.put(r)
	}
	return z
}

// put adds a record set.
func (z *Zone) put(r world.RecordSet) {
	name := presented(r.Name)
	s := Set{ID: r.SetID, Type: recordTypes[r.Type], Policy: r.Policy, Check: r.Check}
	for _, v := range r.Values {
		if rec, ok := recordOf(s.Type, r.TTL, v); ok {
			s.Records = append(s.Records, rec)
		}
	}
	if r.Alias != nil {
		s.Alias = &SetAlias{Name: presented(r.Alias.Name), Within: r.Alias.Zone == r.Zone, EvaluateHealth: r.Alias.EvaluateHealth}
	}
	switch {
	case s.Type == TypeSOA:
		z.SOA = soaOf(r)
	case r.Alias != nil || r.Policy.Kind() != "" || r.Check != "":
		z.Sets[name] = append(z.Sets[name], s)
		z.Wild = z.Wild || strings.HasPrefix(name, "*.")
		z.ancestors(name)
	default:
		z.Add(name, s.Records...)
	}
}

// recordOf reads one value of a record set; ok is false for what cannot be read, which the service does not let in.
func recordOf(kind uint16, ttl uint32, text string) (Record, bool) {
	r := Record{Type: kind, TTL: ttl}
	switch kind {
	case TypeA, TypeAAAA:
		a, err := netip.ParseAddr(text)
		r.Addr = a
		return r, err == nil
	case TypeCNAME, TypePTR, TypeNS:
		name, ok := world.ParseDNSName(text)
		r.Target = presented(name)
		return r, ok
	}
	r.Text = world.DecimalEscapes(text)
	return r, true
}

// soaOf reads the SOA record of a zone.
func soaOf(r world.RecordSet) SOA {
	out := awsSOA()
	if len(r.Values) != 1 {
		return out
	}
	f := strings.Fields(r.Values[0])
	if len(f) != 7 {
		return out
	}
	out.TTL, out.NS, out.Mailbox = r.TTL, strings.TrimSuffix(f[0], "."), strings.TrimSuffix(f[1], ".")
	for i, n := range []*uint32{&out.Serial, &out.Refresh, &out.Retry, &out.Expire, &out.Minimum} {
		if v, err := strconv.ParseUint(f[2+i], 10, 32); err == nil {
			*n = uint32(v)
		}
	}
	return out
}

// presented is a name as master files and clients have it: visible characters as they are, a backslash before those
// that mean something, others as \DDD in decimal. (RFC 4343 §2.1.)
func presented(name string) string {
	if !strings.Contains(name, `\`) {
		return name
	}
	var out strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '\\' || i+3 >= len(name) {
			out.WriteByte(name[i])
			continue
		}
		n, _ := strconv.ParseUint(name[i+1:i+4], 8, 8)
		switch c := byte(n); {
		case c < ' ' || c > '~':
			fmt.Fprintf(&out, `\%03d`, c)
		case strings.IndexByte(` '@;()"\.`, c) >= 0:
			out.WriteByte('\\')
			out.WriteByte(c)
		default:
			out.WriteByte(c)
		}
		i += 3
	}
	return out.String()
}

// renaming says whose names change.
type renaming struct {
	all  bool
	vpcs map[world.VPCID]bool
}

func (r renaming) about(v world.VPCID) bool { return r.all || r.vpcs[v] }

// rehosted makes the hosted zones anew as far as rows of names differ, and tells whose resolvers that changes.
func (c *compilation) rehosted() renaming {
	prev, names := c.prev, c.stale.names
	out := renaming{vpcs: map[world.VPCID]bool{}}
	c.zones, c.ill, c.out.PublicZones = prev.zones, prev.ill, prev.PublicZones
	if len(names) == 0 {
		return out
	}
	c.zones = maps.Clone(prev.zones)
	records := map[world.HostedZoneID]map[string]bool{} // names of which something differs
	for _, ch := range names {
		zone := world.HostedZoneID(ch.ID)
		switch ch.Noun {
		case "record-set":
			zone = world.RecordSetZone(ch.ID)
			if records[zone] == nil {
				records[zone] = map[string]bool{}
			}
			if name, ok := nameOf(c.old, c.w, ch.ID); ok {
				records[zone][name] = true
			}
		case "hosted-zone":
		case "address":
			before, _ := c.old.Addresses.Get(world.AllocationID(ch.ID))
			now, _ := c.w.Addresses.Get(world.AllocationID(ch.ID))
			out.all = out.all || before.Reverse.Name != now.Reverse.Name || now.Reverse.Name != "" && before.Public != now.Public
			continue
		default: // of health
			if ill := c.unhealthy(); !maps.Equal(ill, c.ill) {
				c.ill, out.all = ill, true
			}
			continue
		}
		for _, w := range []*world.World{c.old, c.w} {
			row, ok := w.HostedZones.Get(zone)
			out.all = out.all || ok && !row.Private
			for _, a := range row.VPCs {
				out.vpcs[a.VPC] = true
			}
		}
	}
	c.remake(prev, names, records)
	if out.all { // else they are the same zones: let them be the same map
		c.arrange()
	}
	return out
}

// remake makes the zones that differ.
func (c *compilation) remake(prev *Fabric, names []world.Change, records map[world.HostedZoneID]map[string]bool) {
	for _, ch := range names {
		if ch.Noun != "hosted-zone" {
			continue
		}
		id := world.HostedZoneID(ch.ID)
		row, ok := c.w.HostedZones.Get(id)
		switch {
		case !ok:
			delete(c.zones, id)
			delete(records, id)
		case prev.zones[id] == nil:
			c.zones[id] = c.hostedZone(row)
			delete(records, id)
		}
	}
	for id, changed := range records {
		if z := prev.zones[id]; z != nil {
			c.zones[id] = c.rezoned(z, changed)
		}
	}
}

// nameOf is the name of a record set that is, or was.
func nameOf(old, w *world.World, id string) (string, bool) {
	for _, in := range []*world.World{w, old} {
		if r, ok := in.RecordSets.Get(id); ok {
			return r.Name, true
		}
	}
	return "", false
}

// rezoned is a zone with some of its names made anew.
func (c *compilation) rezoned(old *Zone, names map[string]bool) *Zone {
	z, id := *old, world.HostedZoneID(old.ID)
	z.Records, z.Sets, z.Exists = maps.Clone(old.Records), maps.Clone(old.Sets), maps.Clone(old.Exists)
	wild := false // some name that changes is one
	for _, name := range slices.Sorted(maps.Keys(names)) {
		key := presented(name)
		wild = wild || strings.HasPrefix(key, "*.")
		delete(z.Records, key)
		delete(z.Sets, key)
		for r := range c.w.RecordSets.Prefix(world.RecordSetKey(id, name, "")) {
			z.put(r)
		}
		for {
			_, up, ok := strings.Cut(name, ".")
			if !ok || key == z.Name || presented(up) == z.Name {
				break
			}
			if !c.w.HasNamesBelow(id, up) {
				delete(z.Exists, presented(up))
			}
			name = up
		}
	}
	if wild {
		z.Wild = someWild(z.Records) || someWild(z.Sets)
	}
	return &z
}

func someWild[V any](names map[string]V) bool {
	for name := range names {
		if strings.HasPrefix(name, "*.") {
			return true
		}
	}
	return false
}

// AskZone is what the name servers of a hosted zone answer for a name in it; the type is named as in Route 53.
func AskZone(w world.World, id world.HostedZoneID, name, kind string) Reply {
	row, ok := w.HostedZones.Get(id)
	if !ok {
		return Reply{Outcome: NXDomain}
	}
	c := newCompilation(w, &Fabric{}, world.World{}, everything())
	v := VPC{Region: row.Region, Resolver: Resolver{Enabled: true}}
	v.View.Add(c.hostedZone(row))
	v.View.Unhealthy = c.unhealthy()
	return Answer(&v, presented(name), recordTypes[kind])
}

// ResolvePublic is the address that a name has on the Internet: what public hosted zones say, and the public names of
// instances.
func ResolvePublic(f *Fabric, name string) (netip.Addr, bool) {
	a, _ := Resolve(outsider(f), name)
	return a, a.IsValid()
}

// outsider is somebody who knows names as the Internet has them.
func outsider(f *Fabric) *VPC {
	v := &VPC{Region: "us-east-1", Resolver: Resolver{Enabled: true}}
	v.View.Internet, v.View.Unhealthy = f.PublicZones, f.ill
	for _, z := range ec2Names() {
		v.View.Add(z)
	}
	return v
}

// NamesPublicly tells whether a name leads to an address on the Internet.
func NamesPublicly(w world.World, name string, a netip.Addr) bool {
	c := newCompilation(w, &Fabric{}, world.World{}, everything())
	c.hostedZones()
	c.out.ill = c.ill
	return slices.ContainsFunc(Answer(outsider(c.out), name, TypeA).Records, func(r Record) bool { return r.Addr == a })
}
