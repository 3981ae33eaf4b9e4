package imds

import (
	"net/netip"

	"kumiko/internal/world"
)

// public is what an instance learns of the public address of an interface, under the given name; nothing when there is
// none. The host name is there in VPCs that give names. (Amazon EC2 User Guide, "Instance metadata categories".)
func public(v *view, e world.ENI, name string) []*node {
	a := v.world.PublicAddress(e)
	if !a.IsValid() {
		return nil
	}
	kids := []*node{lines(name, addrs([]netip.Addr{a}))}
	if p, _ := v.world.VPCs.Get(e.VPC); p.DNSHostnames && p.DNSSupport {
		kids = append(kids, text("public-hostname", world.PublicName(a, e.Region)))
	}
	return kids
}
