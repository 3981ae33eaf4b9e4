package fabric

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// groups makes the security groups that are stale: their rules, and the addresses of the ENIs that carry them. Besides the VPC's own
// there are those associated with it and, of the others that rules name and ENIs of VPCs joined with this one carry, the members.
func (c *compilation) groups(v, was *VPC, s *staleVPC) {
	all := s.all || !Same(v.Peerings, was.Peerings) // then others may carry them
	if !all && len(s.groups)+len(s.carried) == 0 {
		return
	}
	stale := func(id world.SecurityGroupID) bool { return all || s.groups[id] || s.carried[id] }
	m := s.membership(c.w, v, all)
	fresh := c.ruledGroups(v, s, m)
	named := c.peers(v, fresh, stale)
	for id := range named {
		had, ok := v.Group(id)
		if ok && !stale(id) {
			continue
		}
		if members := m.of(id); len(members) > 0 {
			fresh = append(fresh, Group{ID: id, Members: kept(had.Members, members)})
		}
	}
	gone := func(g Group) bool { return len(g.Ingress)+len(g.Egress) == 0 && !named[g.ID] && !c.ruled(v, g.ID) }
	v.Groups = patched(v.Groups, func(g Group) bool { return stale(g.ID) || gone(g) }, fresh, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
}

// ruled tells whether ENIs of the VPC may carry a group: then its rules judge there.
func (c *compilation) ruled(v *VPC, id world.SecurityGroupID) bool {
	g, ok := c.w.SecurityGroups.Get(id)
	return ok && c.w.Carries(v.ID, g)
}

// ruledGroups makes the stale groups whose rules judge in the VPC.
func (c *compilation) ruledGroups(v *VPC, s *staleVPC, m *membership) []Group {
	ids := map[world.SecurityGroupID]bool{}
	if m.all {
		for g := range c.w.SecurityGroups.In(string(v.ID)) {
			ids[g.ID] = true
		}
		for a := range c.w.GroupAssociations.In(string(v.ID)) {
			ids[a.Group] = true
		}
	}
	maps.Copy(ids, s.groups)
	maps.Copy(ids, s.carried)
	var out []Group
	for id := range ids {
		if c.ruled(v, id) {
			out = append(out, c.group(v, id, m, s))
		}
	}
	return out
}

// group makes a group, as far as it is stale.
func (c *compilation) group(v *VPC, id world.SecurityGroupID, m *membership, s *staleVPC) Group {
	g, had := v.Group(id)
	if g.ID = id; m.all || s.carried[id] || !had {
		g.Members = kept(g.Members, m.of(id))
	}
	rules, all := s.rules[id], s.all || s.associated[id] || !had
	var in, out []Rule
	for r := range rowsOf(&c.w.SecurityGroupRules, string(id), all, rules) {
		if r.Egress {
			out = append(out, c.rule(v, r))
		} else {
			in = append(in, c.rule(v, r))
		}
	}
	stale, byID := func(r Rule) bool { return all || rules[r.ID] }, func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) }
	g.Ingress, g.Egress = patched(g.Ingress, stale, in, byID), patched(g.Egress, stale, out, byID)
	return g
}

// membership knows who carries which group, as a VPC sees it: ENIs of its own, and those of VPCs that are joined with it.
type membership struct {
	w      *world.World
	vpc    *VPC
	all    bool                                   // own has all groups, else those whose carriers are stale
	stale  map[world.SecurityGroupID]bool         // these
	own    map[world.SecurityGroupID][]netip.Addr // addresses of ENIs of the VPC's own
	joined map[world.VPCID]bool
}

func (s *staleVPC) membership(w *world.World, v *VPC, all bool) *membership {
	m := &membership{w: w, vpc: v, all: all, stale: s.carried, own: map[world.SecurityGroupID][]netip.Addr{}, joined: map[world.VPCID]bool{}}
	for i := range v.Ports {
		if p := &v.Ports[i]; all || len(s.carried) > 0 {
			for _, g := range p.Groups {
				if all || s.carried[g] {
					m.own[g] = append(append(m.own[g], p.Addrs...), spread(p.Prefixes)...)
				}
			}
		}
	}
	for _, p := range v.Peerings {
		m.joined[p.VPC] = true
	}
	return m
}

// of are the addresses of the ENIs carrying a group.
func (m *membership) of(g world.SecurityGroupID) []netip.Addr {
	out := slices.Clone(m.own[g])
	for i := range m.vpc.Ports {
		if p := &m.vpc.Ports[i]; !m.all && !m.stale[g] && slices.Contains(p.Groups, g) {
			out = append(append(out, p.Addrs...), spread(p.Prefixes)...)
		}
	}
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

// peers are the groups that rules name and that have none in the VPC, be the rules of fresh groups or of such as are not stale.
func (c *compilation) peers(v *VPC, fresh []Group, stale func(world.SecurityGroupID) bool) map[world.SecurityGroupID]bool {
	seen, out := map[world.SecurityGroupID]bool{}, map[world.SecurityGroupID]bool{}
	look := func(rules []Rule) {
		for i := range rules {
			if id := rules[i].Peer; id != "" && !seen[id] {
				seen[id] = true
				if !c.ruled(v, id) {
					out[id] = true
				}
			}
		}
	}
	for i := range v.Groups {
		if g := &v.Groups[i]; !stale(g.ID) {
			look(g.Ingress)
			look(g.Egress)
		}
	}
	for i := range fresh {
		look(fresh[i].Ingress)
		look(fresh[i].Egress)
	}
	return out
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
