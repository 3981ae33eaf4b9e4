package fabric

import (
	"maps"
	"net/netip"

	"kumiko/internal/world"
)

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

// endpointNames makes the public names of all endpoints: they answer private addresses, wherever they are asked for. (AWS
// PrivateLink Guide, "Manage DNS names".)
func (c *compilation) endpointNames() {
	z, all := c.prev.endpoints, c.stale.all || c.prev.endpoints == nil
	if all {
		z = NewZone(PublicZone, "", world.EndpointDomain, awsSOA())
	}
	names := func(w *world.World) (out []entry) {
		for e := range rowsOf(&w.Endpoints, "", all, c.stale.endpoints) {
			for _, n := range w.EndpointNames(e) {
				if e.Works() && !n.Private && (e.Provider == "" || e.Connects()) {
					out = append(out, entry{n.Name, addressRecords(n.Addrs)})
				}
			}
		}
		return out
	}
	var gone []entry
	if !all {
		gone = names(c.old)
	}
	c.out.endpoints = z.with(gone, names(c.w))
	c.shared.endpoints = c.out.endpoints != c.prev.endpoints
}

// hiddenZones gives a VPC the zones of its endpoints with private names: each answers for its service in the whole VPC,
// also where the endpoint has no interface; without any interface it has no answer. (AWS PrivateLink Guide, "Private DNS".)
func (c *compilation) hiddenZones(v *VPC, row world.VPC) {
	maps.DeleteFunc(v.View.Own, func(_ string, z *Zone) bool { return z.Kind == EndpointZone })
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
		v.View.Add(z)
	}
}

func addressRecord(a netip.Addr) Record { return Record{Type: TypeA, TTL: ttlName, Addr: a} }

func addressRecords(addrs []netip.Addr) []Record {
	var out []Record
	for _, a := range addrs {
		out = append(out, addressRecord(a))
	}
	return out
}
