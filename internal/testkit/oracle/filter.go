package oracle

import (
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// groupsLet tells whether a rule of some group of the interface allows the packet.
func (c *conversation) groupsLet(e world.ENI, p Packet, egress bool) bool {
	peer := p.Src
	if egress {
		peer = p.Dst
	}
	for r := range c.w.SecurityGroupRules.All() {
		if r.Egress == egress && slices.Contains(e.Groups, r.Group) && !r.Deleting && fits(r.Protocol, r.Ports, r.ICMP, p) && c.peerIs(r, e.VPC, peer) {
			return true
		}
	}
	return false
}

// peerIs tells whether the address is what a group's rule speaks of: in its range, in its list, or a private address of
// an interface with the group it names – of the same VPC, or of one that is joined with it.
func (c *conversation) peerIs(r world.SecurityGroupRule, vpc world.VPCID, a netip.Addr) bool {
	switch {
	case r.CIDR.IsValid():
		return r.CIDR.Contains(a)
	case r.PeerList != "":
		list, _ := c.w.PrefixList(r.Region, r.PeerList)
		return slices.ContainsFunc(list.Entries, func(e world.PrefixListEntry) bool { return e.CIDR.Contains(a) })
	}
	for e := range c.w.ENIs.All() {
		if slices.Contains(e.Groups, r.PeerGroup) && has(e, a) && (e.VPC == vpc || c.joined(e.VPC, vpc)) {
			return true
		}
	}
	return false
}

func (c *conversation) joined(a, b world.VPCID) bool {
	return c.w.Peerings.Any(func(p world.Peering) bool {
		return p.Status == "active" && (p.Requester.VPC == a && p.Accepter.VPC == b || p.Requester.VPC == b && p.Accepter.VPC == a)
	})
}

// aclLets tells what the first entry that fits says, in the order of numbers; the last one refuses everything.
func (c *conversation) aclLets(id world.NetworkACLID, p Packet, egress bool) bool {
	acl, ok := c.w.NetworkACLs.Get(id)
	if !ok {
		return true
	}
	peer := p.Src
	if egress {
		peer = p.Dst
	}
	entries := slices.SortedFunc(slices.Values(acl.Entries), func(a, b world.NetworkACLEntry) int { return a.Number - b.Number })
	for _, e := range entries {
		if e.Egress == egress && fits(e.Protocol, e.Ports, e.ICMP, p) && e.CIDR.Contains(peer) {
			return e.Allow
		}
	}
	return false
}

// fits compares protocol, destination ports, and type and code with those of a packet.
func fits(protocol world.Protocol, ports world.PortRange, icmp world.ICMPMatch, p Packet) bool {
	switch protocol {
	case world.AnyProtocol:
		return true
	case p.Protocol:
	default:
		return false
	}
	switch protocol {
	case world.TCP, world.UDP:
		return ports.From <= p.DstPort && p.DstPort <= ports.To
	case world.ICMP:
		return (icmp.Type == -1 || icmp.Type == p.ICMP.Type) && (icmp.Code == -1 || icmp.Code == p.ICMP.Code)
	}
	return true
}
