package fabric

import (
	"net/netip"
	"strings"

	"kumiko/internal/world"
)

// ec2Names are the zones of public names as the Internet has them.
func ec2Names() []*Zone {
	zones := []*Zone{
		NewZone(GeneratedZone, "", "compute-1.amazonaws.com", awsSOA()), NewZone(GeneratedZone, "", "compute.amazonaws.com", awsSOA()),
	}
	zones[0].Public, zones[1].Public = true, true
	for _, r := range world.Regions() {
		zones[1].Exists[r.Name+"."+zones[1].Name] = true
	}
	return zones
}

// publicNames are the public names of an ENI. They answer public addresses, as they do on the Internet; but within the VPC of
// the ENI the private one, and likewise in a VPC that its own is joined with, if its side of the peering allows that: while
// its VPC gives names. (Amazon VPC User Guide, "DNS attributes for your VPC"; Amazon VPC Peering Guide, "Enable DNS
// resolution for a VPC peering connection".)
func publicNames(w *world.World, e world.ENI) []entry {
	row, ok := w.VPCs.Get(e.VPC)
	if !ok || !row.DNSHostnames || !row.DNSSupport {
		return nil
	}
	var out []entry
	add := func(public, private netip.Addr) {
		if public.IsValid() && private.IsValid() {
			out = append(out, entry{world.PublicName(public, row.Region), addressRecords([]netip.Addr{private})})
		}
	}
	if len(e.Addrs) > 0 {
		add(e.Public, e.Addr())
	}
	for a := range w.Addresses.In(string(e.ID)) {
		add(a.Public, a.Private)
	}
	return out
}

// public is the address of a service, or the one in a public name: what the name answers where no record says otherwise.
func (z *Zone) public(name string) ([]Record, bool) {
	if recs, ok := z.service(name); ok {
		return recs, true
	}
	host, domain, _ := strings.Cut(name, ".")
	text, ok := strings.CutPrefix(host, "ec2-")
	if !z.Public || !ok || domain != z.Name && !z.Exists[domain] {
		return nil, false
	}
	a, err := netip.ParseAddr(strings.ReplaceAll(text, "-", "."))
	if err != nil || !world.PublicAddresses.Contains(a) || host != "ec2-"+strings.ReplaceAll(a.String(), ".", "-") {
		return nil, false
	}
	return []Record{{Type: TypeA, TTL: ttlName, Addr: a}}, true
}
