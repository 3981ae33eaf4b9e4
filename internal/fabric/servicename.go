package fabric

import (
	"net/netip"

	"kumiko/internal/world"
)

// serviceZones are the names of AWS's services, of endpoints to them, and, where the VPC's own endpoints answer for
// services in it, of these.
func (c *compilation) serviceZones(v *VPC) []*Zone {
	services := &Zone{Kind: PublicZone, Name: "amazonaws.com", SOA: awsSOA(), Public: true}
	return append([]*Zone{services, c.out.endpoints}, c.hiddenZones(v)...)
}

// service is the public address of a service of AWS.
func (z *Zone) service(name string) ([]Record, bool) {
	if !z.Public || z.Kind != PublicZone {
		return nil, false
	}
	s, region, ok := world.FindPublicName(name)
	if !ok {
		return nil, false
	}
	return []Record{addressRecord(s.Address(region))}, true
}

// endpointNames are the public names of all endpoints: they answer private addresses, wherever they are asked for. (AWS
// PrivateLink Guide, "Manage DNS names".)
func (c *compilation) endpointNames() *Zone {
	z := NewZone(PublicZone, "", world.EndpointDomain, awsSOA())
	for e := range c.w.Endpoints.All() {
		if !e.Works() || e.Provider != "" && !e.Connects() {
			continue
		}
		for _, n := range c.w.EndpointNames(e) {
			if !n.Private {
				z.Add(n.Name, addressRecords(n.Addrs)...)
			}
		}
	}
	return z
}

// hiddenZones are the zones of the VPC's endpoints with private names: each answers for its service in the whole VPC,
// also where the endpoint has no interface; without any interface it has no answer. (AWS PrivateLink Guide, "Private DNS".)
func (c *compilation) hiddenZones(v *VPC) []*Zone {
	var out []*Zone
	row, _ := c.w.VPCs.Get(v.ID)
	for e := range c.w.Endpoints.In(string(v.ID)) {
		s, region, ok := world.FindAWSService(e.Service)
		if !e.Works() || !e.PrivateDNS || !ok || !row.DNSHostnames || e.DNSOptions != nil && e.DNSOptions.InboundResolverOnly {
			continue
		}
		z := NewZone(EndpointZone, string(e.ID), s.PublicName(region), awsSOA())
		for _, n := range c.w.EndpointNames(e) {
			if n.Private {
				z.Add(n.Name, addressRecords(n.Addrs)...)
			}
		}
		out = append(out, z)
	}
	return out
}

func addressRecord(a netip.Addr) Record { return Record{Type: TypeA, TTL: ttlName, Addr: a} }

func addressRecords(addrs []netip.Addr) []Record {
	var out []Record
	for _, a := range addrs {
		out = append(out, addressRecord(a))
	}
	return out
}
