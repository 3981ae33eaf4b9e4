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
	steps  map[string]output
	groups []world.SecurityGroupID // that there were
}

// output is what a step printed, and the values it printed it of.
type output struct {
	of     []any
	sets   []nft.Set
	chains []nft.Chain
	rules  []nft.Rule              // for a chain of the caller's
	leads  []lead                  // lists of groups that packets are led to
	peers  []world.SecurityGroupID // groups whose members are to be known
	within []string                // steps that were part of it
}

// lead is a list of groups that packets are led to in a direction.
type lead struct {
	direction direction
	groups    []world.SecurityGroupID
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
	ids := make([]world.SecurityGroupID, 0, len(v.Groups))
	for _, g := range v.Groups {
		r.groups[g.ID], ids = g, append(ids, g.ID)
	}
	if slices.Equal(ids, m.groups) {
		ids = m.groups
	}
	r.known = same(ids)
	r.vpcTable()
	m.steps, m.groups = r.now, ids
	return &r.table
}

// step has f print what it prints of the given values, or takes over what it printed of them before.
func (r *router) step(name string, f func(), of ...any) output {
	of = append(of, len(r.families))
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
