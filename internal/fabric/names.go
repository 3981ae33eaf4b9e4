package fabric

import (
	"net/netip"

	"kumiko/internal/world"
)

// Times to live of generated names, in seconds. (Seen in answers of the VPC resolver; negative answers carry an SOA of 900.)
const (
	ttlName    = 60
	ttlReverse = 300
	ttlSOA     = 900
)

// names says what a VPC's resolver answers from.
func (c *compilation) names(v *VPC) {
	v.View = NewView(rootZone(), c.privateZone(v), localZone())
	for _, z := range c.latticeZones(v) {
		v.View.Add(z)
	}
	c.hosted(v)
	c.rules(v)
	for _, z := range c.publicZones(v) {
		v.View.Add(z)
	}
	for _, z := range c.reverseZones(v) {
		v.View.Add(z)
	}
	for _, z := range c.out.balancers {
		v.View.Add(z)
	}
	for _, z := range c.serviceZones(v) {
		v.View.Add(z)
	}
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

// localZone answers localhost as RFC 6761 asks for.
func localZone() *Zone {
	z := NewZone(GeneratedZone, "", "localhost", awsSOA())
	z.Add("localhost", Record{Type: TypeA, TTL: ttlName, Addr: netip.AddrFrom4([4]byte{127, 0, 0, 1})})
	return z
}

// privateZone holds the private names EC2 derives from addresses, and from the ids of instances that want it.
func (c *compilation) privateZone(v *VPC) *Zone {
	z := NewZone(GeneratedZone, "", world.PrivateDomain(v.Region), awsSOA())
	for _, p := range v.Ports {
		for _, a := range p.Addrs {
			if a.Is4() {
				z.Records[world.PrivateName(a, v.Region)] = []Record{{Type: TypeA, TTL: ttlName, Addr: a}}
			}
		}
		if i, first := c.primary(p.ENI); first && i.ResourceNameA {
			z.Records[i.NameOfID()] = []Record{{Type: TypeA, TTL: ttlName, Addr: p.Addrs[0]}}
		}
	}
	return z
}

// primary is the instance that an ENI is the first of.
func (c *compilation) primary(id world.ENIID) (world.Instance, bool) {
	e, _ := c.w.ENIs.Get(id)
	i, ok := c.w.Instances.Get(e.Attachment.Instance)
	return i, ok && e.Attachment.DeviceIndex == 0
}
