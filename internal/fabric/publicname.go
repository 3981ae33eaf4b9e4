package fabric

import (
	"net/netip"
	"strings"

	"kumiko/internal/world"
)

// publicZones hold the public names of instances. They answer public addresses, as they do on the Internet; but within
// the VPC of an instance its private one, and likewise in a VPC that its own is joined with, if its side of the peering
// allows that. (Amazon VPC User Guide, "DNS attributes for your VPC"; Amazon VPC Peering Guide, "Enable DNS resolution
// for a VPC peering connection".)
func (c *compilation) publicZones(v *VPC) []*Zone {
	zones := ec2Names()
	c.publicNames(zones, v.ID)
	for _, other := range c.resolvable(v.ID) {
		c.publicNames(zones, other)
	}
	return zones
}

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

// publicNames adds the public names of a VPC's interfaces with their private addresses, if it gives names.
func (c *compilation) publicNames(zones []*Zone, id world.VPCID) {
	row, ok := c.w.VPCs.Get(id)
	if !ok || !row.DNSHostnames || !row.DNSSupport {
		return
	}
	add := func(public, private netip.Addr) {
		name := world.PublicName(public, row.Region)
		for i := range zones {
			if strings.HasSuffix(name, "."+zones[i].Name) {
				zones[i].Records[name] = []Record{{Type: TypeA, TTL: ttlName, Addr: private}}
			}
		}
	}
	for e := range c.w.ENIs.In(string(id)) {
		if e.Public.IsValid() && len(e.Addrs) > 0 {
			add(e.Public, e.Addr())
		}
	}
	for a := range c.w.Addresses.In(string(id)) {
		if a.Private.IsValid() {
			add(a.Public, a.Private)
		}
	}
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
