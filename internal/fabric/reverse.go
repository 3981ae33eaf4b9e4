package fabric

import (
	"fmt"
	"net/netip"
	"strings"

	"kumiko/internal/world"
)

// resolvable are the VPCs joined with v that give names, and let v resolve them to private addresses.
func (c *compilation) resolvable(v world.VPCID) []world.VPCID {
	var out []world.VPCID
	for p := range c.w.Peerings.In(string(v)) {
		if other := p.Other(v); p.Active() && p.Joins(v) && other.ResolveDNS {
			if row, ok := c.w.VPCs.Get(other.VPC); ok && row.DNSHostnames && row.DNSSupport {
				out = append(out, other.VPC)
			}
		}
	}
	return out
}

// publicReverse are the reverse names that owners of elastic addresses gave them.
func (c *compilation) publicReverse() map[string]*Zone {
	zones := map[string]*Zone{}
	for a := range c.w.Addresses.All() {
		if a.Reverse.Name == "" {
			continue
		}
		name := reverseName(a.Public)
		for _, d := range reverseDomains(world.PublicAddresses) {
			if !strings.HasSuffix(name, "."+d) {
				continue
			}
			if zones[d] == nil {
				zones[d] = NewZone(PublicZone, "", d, awsSOA())
			}
			zones[d].Add(name, Record{Type: TypePTR, TTL: ttlReverse, Target: presented(a.Reverse.Name)})
		}
	}
	return zones
}

// privateReverse are the domains of the addresses that are private everywhere, and of the resolver's own.
func privateReverse() []string {
	out := []string{"10.in-addr.arpa", "168.192.in-addr.arpa", "127.in-addr.arpa", "254.169.254.169.in-addr.arpa"}
	for i := 16; i < 32; i++ {
		out = append(out, fmt.Sprintf("%d.172.in-addr.arpa", i))
	}
	return out
}

// reverseDomains are the domains that hold the addresses of a range and, where its length is no multiple of eight,
// as few others as can be.
func reverseDomains(p netip.Prefix) []string {
	if !p.Addr().Is4() {
		return nil
	}
	octets := (p.Bits() + 7) / 8
	b := p.Masked().Addr().As4()
	var out []string
	for i := range 1 << (octets*8 - p.Bits()) {
		name := "in-addr.arpa"
		for o := range octets {
			n := int(b[o])
			if o == octets-1 {
				n += i
			}
			name = fmt.Sprintf("%d.%s", n, name)
		}
		out = append(out, name)
	}
	return out
}

func reverseName(a netip.Addr) string {
	b := a.As4()
	return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0])
}
