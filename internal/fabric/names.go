package fabric

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"

	"kumiko/internal/world"
)

// Times to live of generated names, in seconds. (Seen in answers of the VPC resolver; negative answers carry an SOA of 900.)
const (
	ttlName    = 60
	ttlReverse = 300
	ttlSOA     = 900
)

// entry is a name with what it answers.
type entry struct {
	name    string
	records []Record
}

// sharedNames says which names are not as before that all VPCs share.
type sharedNames struct {
	endpoints, lattice, balancers bool
	hosted                        renaming
}

// spreadNames makes what is shared stale in the VPCs that share it.
func (c *compilation) spreadNames() {
	if c.stale.all {
		return
	}
	for id := range c.shared.hosted.vpcs {
		c.stale.of(id)
	}
	if c.shared.endpoints || c.shared.lattice || c.shared.balancers || c.shared.hosted.all {
		for v := range c.w.VPCs.All() {
			c.stale.of(v.ID)
		}
	}
	if c.stale.lattice {
		for _, w := range []*world.World{c.old, c.w} {
			for a := range w.VPCAssociations.All() {
				c.stale.of(a.VPC)
			}
		}
	}
}

// view says what a VPC's resolver answers from, as far as that is stale, and whether it was.
func (c *compilation) view(v *VPC, row world.VPC, s *staleVPC) bool {
	was := v.View
	v.View.Own, v.View.Public = maps.Clone(was.Own), maps.Clone(was.Public)
	stale := false
	renew := func(is bool, f func()) {
		if is {
			stale = true
			f()
		}
	}
	renew(s.all, func() {
		for _, z := range []*Zone{rootZone(), localZone(), {Kind: PublicZone, Name: "amazonaws.com", SOA: awsSOA(), Public: true}} {
			v.View.Add(z)
		}
	})
	if s.all || s.peerings || len(s.enis)+len(s.foreign) > 0 {
		stale = c.generated(v, row, s) || stale
	}
	renew(s.all || s.endpoints, func() { c.hiddenZones(v, row) })
	renew(s.all || c.shared.balancers, func() { c.balancerZones(v) })
	renew(s.all || c.shared.endpoints, func() { v.View.Public[world.EndpointDomain] = c.out.endpoints })
	renew(s.all || c.shared.lattice || c.stale.lattice && len(c.lattices().associations[v.ID])+len(was.Public[world.ResourceZone(v.Region)].Records) > 0, func() { c.latticeZones(v) })
	if p := c.prev.VPC(v.ID); s.all || p != nil && p.Network != v.Network {
		renew(true, func() { c.serviceNames(v) })
	}
	renew(s.all || s.forwards, func() { c.forwards(v) })
	renew(s.all || c.shared.hosted.about(v.ID), func() { c.hosted(v) })
	if !stale {
		v.View = was
	}
	return stale
}

// generated gives a VPC the names EC2 makes of the addresses and ids of its own ENIs, and of those in VPCs it is joined
// with that let it resolve them: of all, or of those that are stale. It reports whether that makes a difference.
func (c *compilation) generated(v *VPC, row world.VPC, s *staleVPC) bool {
	all := s.all || s.peerings
	if all {
		maps.DeleteFunc(v.View.Own, func(name string, z *Zone) bool { return z.Kind == GeneratedZone && name != localhost })
		for _, z := range c.generatedZones(v, row) {
			v.View.Add(z)
		}
	}
	gone, fresh := map[string][]entry{}, map[string][]entry{} // by zone
	sort := func(entries []entry, into map[string][]entry) {
		for _, e := range entries {
			for d, ok := parent(e.name); ok; d, ok = parent(d) {
				if z := v.View.Own[d]; z != nil && z.Kind == GeneratedZone {
					into[d] = append(into[d], e)
					break
				}
			}
		}
	}
	for e := range rowsOf(&c.w.ENIs, string(v.ID), all, s.enis) {
		sort(namesOf(c.w, e, true), fresh)
	}
	joined := c.resolvable(v.ID)
	for _, other := range joined {
		for e := range rowsOf(&c.w.ENIs, string(other), all, s.foreign) {
			if e.VPC == other {
				sort(namesOf(c.w, e, false), fresh)
			}
		}
	}
	if !all {
		for e := range rowsOf(&c.old.ENIs, "", false, s.enis) {
			sort(namesOf(c.old, e, true), gone)
		}
		for e := range rowsOf(&c.old.ENIs, "", false, s.foreign) {
			if slices.Contains(joined, e.VPC) {
				sort(namesOf(c.old, e, false), gone)
			}
		}
	}
	if !all && reflect.DeepEqual(gone, fresh) {
		return false
	}
	for name, z := range v.View.Own {
		if len(gone[name])+len(fresh[name]) > 0 {
			v.View.Own[name] = z.with(gone[name], fresh[name])
		}
	}
	return true
}

// generatedZones are the zones of generated names, without any. Those of private addresses say of every address that is no ENI's that it
// has no name. (Route 53 Developer Guide, "Domain names that Resolver creates autodefined system rules for".)
func (c *compilation) generatedZones(v *VPC, row world.VPC) []*Zone {
	out := append(ec2Names(), NewZone(GeneratedZone, "", world.PrivateDomain(v.Region), awsSOA()))
	if row.ReverseOff {
		return out
	}
	domains := privateReverse()
	for _, id := range append([]world.VPCID{v.ID}, c.resolvable(v.ID)...) {
		r, _ := c.w.VPCs.Get(id)
		for _, a := range r.CIDRs {
			domains = append(domains, reverseDomains(a.CIDR)...)
		}
	}
	slices.Sort(domains)
	for _, d := range slices.Compact(domains) {
		out = append(out, NewZone(GeneratedZone, "", d, awsSOA()))
	}
	return out
}

// namesOf are the names EC2 makes of an ENI: public ones and names that lead back from its addresses, and, in its own VPC, private ones:
// those of the addresses and, if the instance it is the first of wants that, of the instance's id.
func namesOf(w *world.World, e world.ENI, own bool) []entry {
	out := publicNames(w, e)
	if e.Deleting || len(e.Addrs) == 0 {
		return out
	}
	i, first := w.Instances.Get(e.Attachment.Instance)
	first = first && e.Attachment.DeviceIndex == 0
	out = slices.Grow(out, 2*len(e.Addrs)+1)
	for _, a := range e.Addrs {
		if !a.Is4() {
			continue
		}
		name := world.PrivateName(a, e.Region)
		if own {
			out = append(out, entry{name, []Record{addressRecord(a)}})
		}
		if first && a == e.Addr() {
			name = i.PrivateName(a)
		}
		out = append(out, entry{reverseName(a), []Record{{Type: TypePTR, TTL: ttlName, Target: name}}})
	}
	if own && first && i.ResourceNameA {
		out = append(out, entry{i.NameOfID(), []Record{addressRecord(e.Addr())}})
	}
	return out
}

// awsSOA is the SOA of zones AWS serves. (As in negative answers of the VPC resolver; the values are Route 53's defaults.)
func awsSOA() SOA {
	return SOA{
		NS: "ns-336.awsdns-42.com", Mailbox: "awsdns-hostmaster.amazon.com",
		Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minimum: 86400, TTL: ttlSOA,
	}
}

// rootZone denies every name that no other zone covers: nothing is forwarded out of the machine.
func rootZone() *Zone {
	return &Zone{Kind: PublicZone, SOA: SOA{
		NS: "a.root-servers.net", Mailbox: "nstld.verisign-grs.com",
		Serial: 1, Refresh: 1800, Retry: 900, Expire: 604800, Minimum: 86400, TTL: 86400,
	}}
}

const localhost = "localhost"

// localZone answers localhost as RFC 6761 asks for.
func localZone() *Zone {
	z := NewZone(GeneratedZone, "", localhost, awsSOA())
	z.Add(localhost, Record{Type: TypeA, TTL: ttlName, Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1})})
	return z
}
