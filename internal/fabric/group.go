package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// groups adds the security groups of a VPC and those associated with it, with their rules, and for each the addresses of
// the ENIs carrying it.
func (c *compilation) groups(v *VPC) {
	m := c.membership(v)
	for g := range c.w.SecurityGroups.In(string(v.ID)) {
		v.Groups = append(v.Groups, c.group(v, m, g.ID))
	}
	for a := range c.w.GroupAssociations.In(string(v.ID)) {
		if !a.Deleting {
			v.Groups = append(v.Groups, c.group(v, m, a.Group))
		}
	}
	c.foreignGroups(v, m)
}

func (c *compilation) group(v *VPC, m *membership, id world.SecurityGroupID) Group {
	f := Group{ID: id, Members: m.of(id)}
	for r := range c.w.SecurityGroupRules.In(string(id)) {
		if r.Egress {
			f.Egress = append(f.Egress, c.rule(v, r))
		} else {
			f.Ingress = append(f.Ingress, c.rule(v, r))
		}
	}
	return f
}

// membership knows who carries which group, as a VPC sees it: ENIs of its own, and those of VPCs that are joined with it.
type membership struct {
	w      *world.World
	own    map[world.SecurityGroupID][]netip.Addr
	joined map[world.VPCID]bool
}

func (c *compilation) membership(v *VPC) *membership {
	m := &membership{w: c.w, own: map[world.SecurityGroupID][]netip.Addr{}, joined: map[world.VPCID]bool{}}
	for _, p := range v.Ports {
		for _, g := range p.Groups {
			m.own[g] = append(append(m.own[g], p.Addrs...), spread(p.Prefixes)...)
		}
	}
	for _, p := range v.Peerings {
		m.joined[p.VPC] = true
	}
	return m
}

// of are the addresses of the ENIs carrying a group.
func (m *membership) of(g world.SecurityGroupID) []netip.Addr {
	out := m.own[g]
	if len(m.joined) > 0 {
		for e := range m.w.ENIs.In(string(g)) {
			if m.joined[e.VPC] && !e.Deleting {
				out = append(append(out, e.Addrs...), spread(e.Prefixes)...)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// spread are the addresses of the prefixes delegated to an ENI: they stand for it as its own do.
func spread(prefixes []netip.Prefix) []netip.Addr {
	var out []netip.Addr
	for _, p := range prefixes {
		for a := p.Masked().Addr(); p.Addr().Is4() && p.Contains(a); a = a.Next() {
			out = append(out, a)
		}
	}
	return out
}

// foreignGroups adds the other groups that rules name and that ENIs of VPCs joined with this one carry: their members,
// not their rules.
func (c *compilation) foreignGroups(v *VPC, m *membership) {
	known := map[world.SecurityGroupID]bool{}
	for _, g := range v.Groups {
		known[g.ID] = true
	}
	for _, own := range v.Groups {
		for _, r := range slices.Concat(own.Ingress, own.Egress) {
			if r.Peer == "" || known[r.Peer] {
				continue
			}
			known[r.Peer] = true
			if members := m.of(r.Peer); len(members) > 0 {
				v.Groups = append(v.Groups, Group{ID: r.Peer, Members: members})
			}
		}
	}
	slices.SortFunc(v.Groups, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
}

// reruled is v with the groups as they are now, and all else as it was.
func (c *compilation) reruled(v *VPC) *VPC {
	n := *v
	n.Groups = nil
	c.groups(&n)
	return &n
}

func (c *compilation) rule(v *VPC, r world.SecurityGroupRule) Rule {
	f := Rule{ID: r.ID, Protocol: r.Protocol, Ports: r.Ports, ICMP: r.ICMP, Peer: r.PeerGroup}
	switch {
	case r.PeerList != "":
		l, _ := c.w.PrefixList(v.Region, r.PeerList)
		for _, e := range l.Entries {
			f.CIDRs = append(f.CIDRs, e.CIDR.Masked())
		}
	case r.CIDR.IsValid():
		f.CIDRs = []netip.Prefix{r.CIDR.Masked()}
	}
	slices.SortFunc(f.CIDRs, func(a, b netip.Prefix) int { return a.Compare(b) })
	return f
}

// Group finds a group of the VPC.
func (v *VPC) Group(id world.SecurityGroupID) (Group, bool) {
	i, ok := slices.BinarySearchFunc(v.Groups, id, func(g Group, id world.SecurityGroupID) int {
		switch {
		case g.ID < id:
			return -1
		case g.ID > id:
			return 1
		}
		return 0
	})
	if !ok {
		return Group{}, false
	}
	return v.Groups[i], true
}

// Matches tells whether the rule allows a first packet of flow whose other side has address peer.
func (r Rule) Matches(v *VPC, flow Flow, peer netip.Addr) bool {
	if r.Protocol != world.AnyProtocol && r.Protocol != flow.Protocol {
		return false
	}
	switch {
	case r.Protocol.HasPorts() && !r.Ports.Contains(flow.DstPort):
		return false
	case (r.Protocol == world.ICMP || r.Protocol == world.ICMPv6) && !matchesICMP(r.ICMP, flow.ICMP):
		return false
	}
	if r.Peer != "" {
		g, ok := v.Group(r.Peer)
		return ok && slices.Contains(g.Members, peer)
	}
	for _, c := range r.CIDRs {
		if c.Contains(peer) {
			return true
		}
	}
	return false
}

func matchesICMP(rule, packet world.ICMPMatch) bool {
	return (rule.Type == -1 || rule.Type == packet.Type) && (rule.Code == -1 || rule.Code == packet.Code)
}

// Allows finds the rule that lets a first packet of flow out of (egress) or into (ingress) a port with the given
// groups: the first in order of groups and rule ids.
func (v *VPC) Allows(groups []world.SecurityGroupID, egress bool, flow Flow) (world.SecurityGroupID, Rule, bool) {
	for _, id := range groups {
		g, ok := v.Group(id)
		if !ok {
			continue
		}
		rules, peer := g.Ingress, flow.Src
		if egress {
			rules, peer = g.Egress, flow.Dst
		}
		for _, r := range rules {
			if r.Matches(v, flow, peer) {
				return id, r, true
			}
		}
	}
	return "", Rule{}, false
}
