package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// groups makes the security groups that are stale: their rules, and the addresses of the ENIs that carry them. To the VPC's
// own come those of peered VPCs that its rules name: their members, not their rules.
func (c *compilation) groups(v, was *VPC, s *staleVPC) {
	joined := Same(v.Peerings, was.Peerings)
	if !s.all && len(s.groups)+len(s.carried) == 0 && joined {
		return
	}
	stale := func(g Group) bool { return s.all || s.groups[g.ID] || s.carried[g.ID] }
	fresh := c.ownGroups(v, s)
	foreign := map[world.SecurityGroupID]bool{}
	if len(v.Peerings) > 0 {
		foreign = c.foreign(v, fresh, stale)
	}
	for id := range foreign {
		if had, ok := was.Group(id); !ok || stale(had) {
			fresh = append(fresh, c.foreignGroup(id, had))
		}
	}
	gone := func(g Group) bool { // it is not named any more
		row, _ := c.w.SecurityGroups.Get(g.ID)
		return row.VPC != v.ID && !foreign[g.ID]
	}
	peered := len(v.Peerings)+len(was.Peerings) > 0
	v.Groups = patched(v.Groups, func(g Group) bool { return stale(g) || peered && gone(g) }, fresh, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
}

// ownGroups makes the groups of the VPC itself.
func (c *compilation) ownGroups(v *VPC, s *staleVPC) []Group {
	members := s.members(v)
	var out []Group
	for row := range rowsOf(&c.w.SecurityGroups, string(v.ID), s.all, s.groups) {
		out = append(out, c.group(v, row, members, s))
	}
	for id := range s.carried {
		if row, _ := c.w.SecurityGroups.Get(id); row.VPC == v.ID && !s.all && !s.groups[id] {
			out = append(out, c.group(v, row, members, s))
		}
	}
	return out
}

// group makes a group, as far as it is stale.
func (c *compilation) group(v *VPC, row world.SecurityGroup, members map[world.SecurityGroupID][]netip.Addr, s *staleVPC) Group {
	g, had := v.Group(row.ID)
	g.ID = row.ID
	if s.all || s.carried[g.ID] || !had {
		slices.SortFunc(members[g.ID], netip.Addr.Compare)
		g.Members = kept(g.Members, members[g.ID])
	}
	rules, all := s.rules[g.ID], s.all || !had
	var in, out []Rule
	for r := range rowsOf(&c.w.SecurityGroupRules, string(g.ID), all, rules) {
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

// members are the addresses of the ENIs that carry groups, of those groups whose carriers are not as before.
func (s *staleVPC) members(v *VPC) map[world.SecurityGroupID][]netip.Addr {
	out := map[world.SecurityGroupID][]netip.Addr{}
	for i := range v.Ports {
		if p := &v.Ports[i]; s.all || len(s.carried) > 0 {
			for _, g := range p.Groups {
				if s.all || s.carried[g] {
					out[g] = append(append(out[g], p.Addrs...), spread(p.Prefixes)...)
				}
			}
		}
	}
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

// foreign are the groups of peered VPCs that rules of this one name, be the groups fresh or not stale.
func (c *compilation) foreign(v *VPC, fresh []Group, stale func(Group) bool) map[world.SecurityGroupID]bool {
	named, out := map[world.SecurityGroupID]bool{}, map[world.SecurityGroupID]bool{}
	look := func(rules []Rule) {
		for i := range rules {
			if id := rules[i].Peer; id != "" && !named[id] {
				named[id] = true
				g, ok := c.w.SecurityGroups.Get(id)
				if ok && slices.ContainsFunc(v.Peerings, func(l PeerLink) bool { return l.VPC == g.VPC }) {
					out[id] = true
				}
			}
		}
	}
	for i := range v.Groups {
		if g := &v.Groups[i]; !stale(*g) {
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

// foreignGroup makes a group of a peered VPC.
func (c *compilation) foreignGroup(id world.SecurityGroupID, had Group) Group {
	g := Group{ID: id}
	for e := range c.w.ENIs.In(string(id)) {
		if !e.Deleting && slices.Contains(e.Groups, id) {
			g.Members = append(append(g.Members, e.Addrs...), spread(e.Prefixes)...)
		}
	}
	slices.SortFunc(g.Members, netip.Addr.Compare)
	g.Members = kept(had.Members, g.Members)
	return g
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
