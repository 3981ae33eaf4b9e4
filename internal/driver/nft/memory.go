package nft

import (
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// memory is what was printed of a VPC last, step by step. A step that is about the very same values as then is not done again, so that
// a change costs what it is about, whatever else the VPC has. The zero memory knows nothing.
type memory struct {
	steps    map[string]output
	families int
	ports    []fabric.Port
	groups   []world.SecurityGroupID // that there were
}

// output is what a step printed, and the values it printed it of.
type output struct {
	of     []any
	sets   []nft.Set
	chains []nft.Chain
	others []nft.Element           // of a set of ports', those that are not
	rules  []nft.Rule              // for a chain of the caller's
	peers  []world.SecurityGroupID // groups whose members are to be known
	within []string                // steps that were part of it
}

// identity is a list of a fabric as a step remembers it. The same one has nothing that differs.
type identity[T any] struct {
	first *T
	len   int
}

func same[T any](list []T) any {
	if len(list) == 0 {
		return identity[T]{}
	}
	return identity[T]{&list[0], len(list)}
}

// print prints the table of a VPC's router, of which memory has what was printed last.
func (m *memory) print(v *fabric.VPC) *nft.Table {
	r := &router{
		vpc: v, families: familiesOf(v), groups: make(map[world.SecurityGroupID]fabric.Group, len(v.Groups)), aclBySubnet: aclsBySubnet(v),
		forwards: slices.ContainsFunc(v.Ports, fabric.Port.Forwards), sets: map[string]bool{}, chains: map[string]bool{},
		table: nft.Table{Name: TableName}, before: m.steps, now: make(map[string]output, len(m.steps)),
	}
	if len(r.families) != m.families {
		r.before = nil
	}
	r.gone, r.fresh = fabric.ChangedPorts(m.ports, v.Ports)
	ids := make([]world.SecurityGroupID, 0, len(v.Groups))
	for _, g := range v.Groups {
		r.groups[g.ID], ids = g, append(ids, g.ID)
	}
	if slices.Equal(ids, m.groups) {
		ids = m.groups
	}
	r.known = same(ids)
	r.vpcTable()
	*m = memory{steps: r.now, families: len(r.families), ports: v.Ports, groups: ids}
	return &r.table
}

// step has f print what it prints of the given values, or takes over what it printed of them before.
func (r *router) step(name string, f func(), of ...any) output {
	p, ok := r.before[name]
	if ok = ok && slices.Equal(p.of, of); !ok {
		outer := *r
		r.sets, r.chains, r.table, r.part = map[string]bool{}, map[string]bool{}, nft.Table{}, output{of: of}
		f()
		p = r.part
		p.sets, p.chains = r.table.Sets, r.table.Chains
		r.sets, r.chains, r.table, r.part = outer.sets, outer.chains, outer.table, outer.part
	}
	r.now[name], r.part.within = p, append(r.part.within, name)
	for _, n := range p.within {
		if q, had := r.before[n]; ok && had {
			r.now[n] = q
		}
	}
	for _, s := range p.sets {
		if !r.sets[s.Name] {
			r.sets[s.Name] = true
			r.table.Sets = append(r.table.Sets, s)
		}
	}
	for _, c := range p.chains {
		if !r.chains[c.Name] {
			r.chains[c.Name] = true
			r.table.Chains = append(r.table.Chains, c)
		}
	}
	r.part.peers = append(r.part.peers, p.peers...)
	return p
}

// ofPorts prints a set of what each port adds to it, and of others. Of a set that was printed before only the ports are looked at that
// are not as they were.
func (r *router) ofPorts(s nft.Set, of func(*fabric.Port) []nft.Element, others ...nft.Element) {
	was, ok := r.before[s.Name]
	if gone, fresh := elementsOf(r.gone, of), elementsOf(r.fresh, of); ok {
		if !slices.Equal(was.others, others) {
			gone, fresh = append(gone, was.others...), append(fresh, others...)
		}
		s.Elements = exchanged(was.sets[0].Elements, tidy(gone), tidy(fresh))
	} else {
		s.Elements = tidy(append(elementsOf(r.vpc.Ports, of), others...))
	}
	r.now[s.Name], r.part.within = output{others: others, sets: []nft.Set{s}}, append(r.part.within, s.Name)
	r.table.Sets = append(r.table.Sets, s)
}

func elementsOf(ports []fabric.Port, of func(*fabric.Port) []nft.Element) []nft.Element {
	var out []nft.Element
	for i := range ports {
		out = append(out, of(&ports[i])...)
	}
	return out
}

// exchanged is a sorted list without some elements of it, and with others.
func exchanged(list, gone, fresh []nft.Element) []nft.Element {
	if len(gone)+len(fresh) == 0 {
		return list
	}
	out := make([]nft.Element, 0, len(list)+len(fresh))
	for _, e := range list {
		for len(fresh) > 0 && nft.CompareElements(fresh[0], e) <= 0 {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
		if len(gone) > 0 && gone[0] == e {
			gone = gone[1:]
			continue
		}
		out = append(out, e)
	}
	return append(out, fresh...)
}
