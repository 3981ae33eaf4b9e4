package nft

import (
	"fmt"
	"slices"
)

// StepKind is what a step of a transaction does.
type StepKind uint8

// The steps.
const (
	AddTable StepKind = iota
	DeleteTable
	AddSet // without elements
	DeleteSet
	AddElements
	DeleteElements
	AddChain // without rules
	DeleteChain
	FlushChain
	AddRules
)

// Step is one step of a transaction. Set or Chain is the thing it is about; Elements and the chain's Rules are what is
// added or deleted.
type Step struct {
	Kind     StepKind
	Table    string
	Set      *Set
	Chain    *Chain
	Elements []Element
}

// Create is the steps that make the whole table anew, whether there is one or not.
func Create(t *Table) []Step {
	steps := []Step{{Kind: AddTable, Table: t.Name}, {Kind: DeleteTable, Table: t.Name}, {Kind: AddTable, Table: t.Name}}
	return append(steps, change(&Table{Name: t.Name}, t)...)
}

// Remove is the steps that delete the table, whether there is one or not.
func Remove(name string) []Step {
	return []Step{{Kind: AddTable, Table: name}, {Kind: DeleteTable, Table: name}}
}

// Diff is the steps that turn the table old into the table new; none when they are equal. The elements that change are
// told one by one, chains that change are emptied and filled again. When a set or base chain keeps its name and
// changes its nature, the whole table is made anew.
func Diff(old, new *Table) []Step {
	if old == nil || old.Name != new.Name || !compatible(old, new) {
		return Create(new)
	}
	return change(old, new)
}

// compatible tells whether what the tables both have is of the same nature.
func compatible(old, new *Table) bool {
	sets := setsByName(old)
	for i := range new.Sets {
		if o, n := sets[new.Sets[i].Name], &new.Sets[i]; o != nil &&
			(!slices.Equal(o.Key, n.Key) || o.Value != n.Value || o.Interval != n.Interval || o.Meter != n.Meter) {
			return false
		}
	}
	chains := chainsByName(old)
	for i := range new.Chains {
		if o := chains[new.Chains[i].Name]; o != nil && o.Base != new.Chains[i].Base {
			return false
		}
	}
	return true
}

// change assembles the steps in the kernel's order: new sets and chains, emptied chains, elements out, elements in,
// rules, and last what nothing refers to any more.
func change(old, new *Table) []Step {
	var add, flush, out, in, rules, del []Step
	step := func(k StepKind, s *Set, c *Chain, e []Element) Step {
		return Step{Kind: k, Table: new.Name, Set: s, Chain: c, Elements: e}
	}
	oldSets, newSets := setsByName(old), setsByName(new)
	oldChains, newChains := chainsByName(old), chainsByName(new)
	for i := range new.Sets {
		s, had := &new.Sets[i], &Set{}
		if o := oldSets[s.Name]; o != nil {
			had = o
		} else {
			add = append(add, step(AddSet, s, nil, nil))
		}
		gone, fresh := diffElements(had.Elements, s.Elements)
		if len(gone) > 0 {
			out = append(out, step(DeleteElements, s, nil, gone))
		}
		if len(fresh) > 0 {
			in = append(in, step(AddElements, s, nil, fresh))
		}
	}
	for i := range new.Chains {
		c := &new.Chains[i]
		switch o := oldChains[c.Name]; {
		case o == nil:
			add = append(add, step(AddChain, nil, c, nil))
		case o.equal(*c):
			continue
		case len(o.Rules) > 0:
			flush = append(flush, step(FlushChain, nil, c, nil))
		}
		if len(c.Rules) > 0 {
			rules = append(rules, step(AddRules, nil, c, nil))
		}
	}
	for i := range old.Chains {
		if c := &old.Chains[i]; newChains[c.Name] == nil {
			flush = append(flush, step(FlushChain, nil, c, nil))
			del = append(del, step(DeleteChain, nil, c, nil))
		}
	}
	// A verdict map's elements keep their chains alive: sets go before chains.
	var delSets []Step
	for i := range old.Sets {
		if s := &old.Sets[i]; newSets[s.Name] == nil {
			delSets = append(delSets, step(DeleteSet, s, nil, nil))
		}
	}
	return slices.Concat(add, flush, out, in, rules, delSets, del)
}

// diffElements walks two sorted lists and tells what to delete from and to add to the first.
func diffElements(old, new []Element) (gone, fresh []Element) {
	if same(old, new) {
		return nil, nil
	}
	for len(old) > 0 || len(new) > 0 {
		switch {
		case len(new) == 0:
			return append(gone, old...), fresh
		case len(old) == 0:
			return gone, append(fresh, new...)
		case old[0] == new[0]:
			old, new = old[1:], new[1:]
			continue
		}
		c := CompareElements(old[0], new[0])
		if c <= 0 {
			gone, old = append(gone, old[0]), old[1:]
		}
		if c >= 0 {
			fresh, new = append(fresh, new[0]), new[1:]
		}
	}
	return gone, fresh
}

// same tells whether two lists are one and the same; then there is nothing to compare.
func same[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func setsByName(t *Table) map[string]*Set {
	m := make(map[string]*Set, len(t.Sets))
	for i := range t.Sets {
		m[t.Sets[i].Name] = &t.Sets[i]
	}
	return m
}

func chainsByName(t *Table) map[string]*Chain {
	m := make(map[string]*Chain, len(t.Chains))
	for i := range t.Chains {
		m[t.Chains[i].Name] = &t.Chains[i]
	}
	return m
}

// String is the step as nft would write it, without the elements and rules themselves.
func (s Step) String() string {
	switch s.Kind {
	case AddTable:
		return "add table inet " + s.Table
	case DeleteTable:
		return "delete table inet " + s.Table
	case AddSet:
		return "add set " + s.Set.Name
	case DeleteSet:
		return "delete set " + s.Set.Name
	case AddElements:
		return fmt.Sprintf("add %d elements to %s", len(s.Elements), s.Set.Name)
	case DeleteElements:
		return fmt.Sprintf("delete %d elements from %s", len(s.Elements), s.Set.Name)
	case AddChain:
		return "add chain " + s.Chain.Name
	case DeleteChain:
		return "delete chain " + s.Chain.Name
	case FlushChain:
		return "flush chain " + s.Chain.Name
	default:
		return fmt.Sprintf("add %d rules to %s", len(s.Chain.Rules), s.Chain.Name)
	}
}
