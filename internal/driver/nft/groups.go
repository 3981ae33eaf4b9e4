package nft

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// rule is a group's rule.
type rule = fabric.Rule

// direction is a way through security groups, seen from the port that carries them.
type direction struct {
	name    string // in or out
	station fabric.Station
	rules   func(fabric.Group) []rule
	peer    func(nft.Family) nft.Selector // the address of the other side
}

func outward() direction {
	return direction{"out", fabric.SGOut, func(g fabric.Group) []rule { return g.Egress }, nft.Family.Destination}
}

func inward() direction {
	return direction{"in", fabric.SGIn, func(g fabric.Group) []rule { return g.Ingress }, nft.Family.Source}
}

func linkward() direction {
	d := inward()
	d.name, d.station = "link", fabric.LinkIn
	return d
}

// router is a VPC's table being printed.
type router struct {
	vpc      *fabric.VPC
	families []nft.Family
	groups   map[world.SecurityGroupID]fabric.Group
	sets     map[string]bool // names of those printed
	forwards bool            // some port's packets may be of others
	filters  bool            // some subnet's ACL does not let everything pass

	aclBySubnet map[world.SubnetID]fabric.ACL
	chains      map[string]bool
	table       nft.Table

	before, now map[string]output // see router.step
	gone, fresh []fabric.Port     // those that are not as before, as they were and as they are
	part        output            // of the step that is being done, but for its sets and chains, which are in table
	known       any               // identity of the list of groups there are
}

// chain prints the chain of a list of groups.
func (r *router) chain(d direction, list []world.SecurityGroupID) {
	of := []any{r.known}
	for _, id := range list {
		of = append(of, same(d.rules(r.groups[id])))
	}
	name := d.chain(list)
	if r.chains[name] {
		return
	}
	r.step(name, func() {
		c := nft.Chain{Name: name}
		for _, id := range list {
			if g, ok := r.groups[id]; ok {
				allow := r.step("allow "+d.name+" "+string(id), func() { r.part.rules = r.allow(d, g) }, r.known, same(d.rules(g)))
				c.Rules = append(c.Rules, allow.rules...)
			}
		}
		c.Rules = append(c.Rules, refuse(d.station))
		r.table.Chains = append(r.table.Chains, c)
	}, of...)
}

// chain is the name of the chain that packets in the direction must pass for a list of groups. All ports with the same list share it.
func (d direction) chain(list []world.SecurityGroupID) string {
	if len(list) == 0 {
		return d.name + "_none"
	}
	var b strings.Builder
	for _, id := range list {
		b.WriteString(string(id) + " ")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return d.name + "_" + hex.EncodeToString(sum[:8])
}

// listKey tells lists of groups apart.
func listKey(list []world.SecurityGroupID) string {
	if len(list) == 1 {
		return string(list[0])
	}
	key := ""
	for _, id := range list {
		key += string(id) + " "
	}
	return key
}

// allow is the rules by which a group lets packets pass.
func (r *router) allow(d direction, g fabric.Group) []nft.Rule {
	var out []nft.Rule
	ret := nft.End(nft.Verdict{Kind: nft.Return})
	add := func(clauses ...nft.Clause) {
		out = append(out, nft.Rule{Clauses: append(clauses, ret), Comment: string(g.ID)})
	}
	rules := d.rules(g)
	// Links share the sets of the in direction.
	prefix := setName(g.ID) + "_" + map[bool]string{true: "out", false: "in"}[d.station == fabric.SGOut]
	for _, f := range r.families {
		b, suffix, peer := boxesOf(rules, f), familySuffix(f), d.peer(f)
		if name := prefix + "_ports" + suffix; r.boxSet(name, f, []nft.Type{nft.Protocol, nft.Port}, b.ports) {
			add(nft.In(name, peer, nft.TransportProtocol(), nft.AnyDestinationPort()))
		}
		if name := prefix + "_protocols" + suffix; r.boxSet(name, f, []nft.Type{nft.Protocol}, b.protocols) {
			add(nft.In(name, peer, nft.TransportProtocol()))
		}
		if name := prefix + "_icmp" + suffix; r.boxSet(name, f, []nft.Type{nft.ICMPType, nft.ICMPCode}, b.icmp) {
			add(nft.In(name, peer, nft.ICMPTypeOf(f), nft.ICMPCodeOf(f)))
		}
		for _, rule := range rules {
			if g, ok := r.groups[rule.Peer]; ok && rule.Peer != "" {
				if match, ok := conditions(rule, f); ok {
					r.part.peers = append(r.part.peers, g.ID)
					add(append([]nft.Clause{nft.In(membersName(g.ID, f), peer)}, match...)...)
				}
			}
		}
	}
	return out
}

// conditions are what a rule asks of packets besides their peer; false when it can match none of the family.
func conditions(r rule, f nft.Family) ([]nft.Clause, bool) {
	switch {
	case r.Protocol == world.AnyProtocol:
		return nil, true
	case r.Protocol.HasPorts():
		if r.Ports == world.AllPorts {
			break
		}
		port := nft.DestinationPort(uint8(r.Protocol))
		return []nft.Clause{nft.Within(port, nft.FieldPort(r.Ports.From), nft.FieldPort(r.Ports.To))}, true
	case isICMP(r.Protocol) && (r.ICMP.Type >= 0 || r.ICMP.Code >= 0):
		if r.Protocol != icmpOf(f) {
			return nil, false
		}
		var out []nft.Clause
		if r.ICMP.Type >= 0 {
			out = append(out, nft.Is(nft.ICMPTypeOf(f), nft.FieldByte(uint8(r.ICMP.Type))))
		}
		if r.ICMP.Code >= 0 {
			out = append(out, nft.Is(nft.ICMPCodeOf(f), nft.FieldByte(uint8(r.ICMP.Code))))
		}
		return out, true
	}
	return []nft.Clause{nft.Is(nft.TransportProtocol(), nft.FieldByte(uint8(r.Protocol)))}, true
}

// boxSet prints a set of boxes of addresses and the two further fields, or of addresses and a span of the one. It
// reports false when there is nothing to hold.
func (r *router) boxSet(name string, f nft.Family, fields []nft.Type, boxes []box) bool {
	if len(boxes) == 0 || r.sets[name] {
		return len(boxes) > 0
	}
	r.sets[name] = true
	s := nft.Set{Name: name, Key: append([]nft.Type{f.Addr()}, fields...), Interval: true, Elements: make([]nft.Element, 0, len(boxes))}
	for _, b := range boxes {
		first, last := nft.PrefixRange(b.peer)
		from, to := []nft.Field{first}, []nft.Field{last}
		if len(fields) == 2 {
			from, to = append(from, nft.FieldByte(b.class)), append(to, nft.FieldByte(b.class))
		}
		from, to = append(from, spanField(fields, b.span.from)), append(to, spanField(fields, b.span.to))
		s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(from...), End: nft.Concat(to...)})
	}
	nft.SortElements(s.Elements)
	r.table.Sets = append(r.table.Sets, s)
	return true
}

// spanField is one end of a span as the last of the fields has it.
func spanField(fields []nft.Type, v uint16) nft.Field {
	if fields[len(fields)-1] == nft.Port {
		return nft.FieldPort(v)
	}
	return nft.FieldByte(uint8(v))
}

// membersName is the name of the set of a group's addresses.
func membersName(id world.SecurityGroupID, f nft.Family) string {
	return setName(id) + "_members" + familySuffix(f)
}

// members prints the sets of the addresses of the groups that rules name.
func (r *router) members() {
	for _, id := range r.part.peers {
		for _, f := range r.families {
			name, list := membersName(id, f), r.groups[id].Members
			if !r.sets[name] {
				r.step(name, func() { r.addrSet(name, f, list) }, same(list))
			}
		}
	}
}

func (r *router) addrSet(name string, f nft.Family, addrs []netip.Addr) {
	s := nft.Set{Name: name, Key: []nft.Type{f.Addr()}}
	for _, a := range addrs {
		if family(a) == f {
			s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(nft.FieldAddr(a))})
		}
	}
	s.Elements = tidy(s.Elements)
	r.table.Sets = append(r.table.Sets, s)
}

// setName is the id as nft lets names be written.
func setName(id world.SecurityGroupID) string { return strings.ReplaceAll(string(id), "-", "_") }

func familySuffix(f nft.Family) string {
	if f == nft.IPv6 {
		return "6"
	}
	return "4"
}
