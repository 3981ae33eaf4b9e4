package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// acls makes the network ACLs that are stale.
func (c *compilation) acls(v *VPC, s *staleVPC) {
	if !s.all && len(s.acls) == 0 {
		return
	}
	var fresh []ACL
	for a := range rowsOf(&c.w.NetworkACLs, string(v.ID), s.all, s.acls) {
		f := ACL{ID: a.ID}
		for _, e := range a.Entries {
			r := ACLRule{Number: e.Number, Allow: e.Allow, Protocol: e.Protocol, Ports: e.Ports, ICMP: e.ICMP, CIDR: e.CIDR}
			if e.Egress {
				f.Egress = append(f.Egress, r)
			} else {
				f.Ingress = append(f.Ingress, r)
			}
		}
		for _, rules := range [][]ACLRule{f.Ingress, f.Egress} {
			slices.SortFunc(rules, func(a, b ACLRule) int { return cmp.Compare(a.Number, b.Number) })
		}
		fresh = append(fresh, f)
	}
	v.ACLs = patched(v.ACLs, func(a ACL) bool { return s.all || s.acls[a.ID] }, fresh, func(a, b ACL) int { return cmp.Compare(a.ID, b.ID) })
}

// Matches tells whether the rule is about a packet of flow whose other side has address peer. ACLs know no
// conversations: the packet's own ports count, also in an answer.
func (r ACLRule) Matches(flow Flow, peer netip.Addr) bool {
	if r.Protocol != world.AnyProtocol && r.Protocol != flow.Protocol {
		return false
	}
	switch {
	case r.Protocol.HasPorts() && !r.Ports.Contains(flow.DstPort):
		return false
	case r.Protocol == world.ICMP && !matchesICMP(r.ICMP, flow.ICMP):
		return false
	}
	return r.CIDR.Contains(peer)
}

// Decide is what the ACL says of a packet that leaves (egress) or enters a subnet, and the rule it says so by; the zero
// rule when none matched, which refuses.
func (a ACL) Decide(egress bool, flow Flow) (bool, ACLRule) {
	rules, peer := a.Ingress, flow.Src
	if egress {
		rules, peer = a.Egress, flow.Dst
	}
	for _, r := range rules {
		if r.Matches(flow, peer) {
			return r.Allow, r
		}
	}
	return false, ACLRule{}
}

// Open tells whether the rules let everything pass: then nobody need look at them.
func (a ACL) Open(egress bool) bool {
	rules := a.Ingress
	if egress {
		rules = a.Egress
	}
	return len(rules) > 0 && rules[0].Allow && rules[0].Protocol == world.AnyProtocol && rules[0].CIDR.Bits() == 0 && rules[0].CIDR.Addr().Is4()
}

// ACLOf is the ACL of a subnet. A subnet without one refuses everything.
func (v *VPC) ACLOf(id world.SubnetID) ACL {
	for _, s := range v.Subnets {
		if s.ID != id {
			continue
		}
		for _, a := range v.ACLs {
			if a.ID == s.ACL {
				return a
			}
		}
	}
	return ACL{}
}

// SubnetHolds tells whether an address is one of the subnet's, be it somebody's or not.
func (v *VPC) SubnetHolds(id world.SubnetID, a netip.Addr) bool {
	return slices.ContainsFunc(v.Subnets, func(s Subnet) bool { return s.ID == id && s.CIDR.Contains(a) })
}

// Reply is the first answer to the flow's first packet.
func (f Flow) Reply() Flow {
	r := Flow{Protocol: f.Protocol, Src: f.Dst, Dst: f.Src, SrcPort: f.DstPort, DstPort: f.SrcPort}
	if f.Protocol == world.ICMP { // an echo reply is type 0 (RFC 792)
		r.ICMP, r.SrcPort, r.DstPort = world.ICMPMatch{}, 0, 0
	}
	return r
}
