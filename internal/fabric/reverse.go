package fabric

import (
	"fmt"
	"net/netip"
	"strings"

	"kumiko/internal/world"
)

// reverseZones name the addresses of the ENIs of the VPC, and of VPCs it is joined with that let it resolve their names;
// of every other private address they say that it has no name. (Route 53 Developer Guide, "Domain names that Resolver
// creates autodefined system rules for".)
func (c *compilation) reverseZones(v *VPC) []*Zone {
	if row, _ := c.w.VPCs.Get(v.ID); row.ReverseOff {
		return nil
	}
	own := map[string]*Zone{}
	add := func(name string) {
		if own[name] == nil {
			own[name] = NewZone(GeneratedZone, "", name, awsSOA())
		}
	}
	for _, n := range privateReverse() {
		add(n)
	}
	ids := append([]world.VPCID{v.ID}, c.resolvable(v.ID)...)
	for _, id := range ids {
		row, _ := c.w.VPCs.Get(id)
		for _, a := range row.CIDRs {
			for _, n := range reverseDomains(a.CIDR) {
				add(n)
			}
		}
	}
	for _, id := range ids {
		for e := range c.w.ENIs.In(string(id)) {
			if !e.Deleting {
				c.reverse(own, e)
			}
		}
	}
	out := make([]*Zone, 0, len(own))
	for _, z := range own {
		out = append(out, z)
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

// reverse adds the names of an ENI's addresses to the zones they are in.
func (c *compilation) reverse(zones map[string]*Zone, e world.ENI) {
	for _, a := range e.Addrs {
		if !a.Is4() {
			continue
		}
		name, target := reverseName(a), world.PrivateName(a, e.Region)
		if i, first := c.primary(e.ID); first && a == e.Addr() {
			target = i.PrivateName(a)
		}
		for d, ok := parent(name); ok; d, ok = parent(d) {
			if z := zones[d]; z != nil {
				z.Add(name, Record{Type: TypePTR, TTL: ttlName, Target: target})
				break
			}
		}
	}
}

// resolvable are the VPCs joined with v that give names, and let v resolve them to private addresses.
func (c *compilation) resolvable(v world.VPCID) []world.VPCID {
	var out []world.VPCID
	for p := range c.w.Peerings.All() {
		if other := p.Other(v); p.Active() && p.Joins(v) && other.ResolveDNS {
			if row, ok := c.w.VPCs.Get(other.VPC); ok && row.DNSHostnames && row.DNSSupport {
				out = append(out, other.VPC)
			}
		}
	}
	return out
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
