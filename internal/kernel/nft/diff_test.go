package nft

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// fake is a kernel: it does steps one by one and refuses what the real one would.
type fake struct {
	exists bool
	sets   map[string]Set
	chains map[string]Chain
}

func (k *fake) do(steps []Step) error {
	for _, s := range steps {
		if err := k.step(s); err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
	}
	return k.check()
}

func (k *fake) step(s Step) error {
	switch s.Kind {
	case AddTable:
		if !k.exists {
			*k = fake{true, map[string]Set{}, map[string]Chain{}}
		}
	case DeleteTable:
		*k = fake{}
	case AddSet:
		if _, ok := k.sets[s.Set.Name]; ok {
			return fmt.Errorf("exists")
		}
		n := *s.Set
		n.Elements = nil
		k.sets[n.Name] = n
	case DeleteSet:
		if k.refers(func(r Rule) bool { return ruleNames(r, s.Set.Name) }) {
			return fmt.Errorf("busy")
		}
		delete(k.sets, s.Set.Name)
	case AddElements, DeleteElements:
		return k.elements(s)
	case AddChain:
		if _, ok := k.chains[s.Chain.Name]; ok {
			return fmt.Errorf("exists")
		}
		k.chains[s.Chain.Name] = Chain{Name: s.Chain.Name, Base: s.Chain.Base}
	case DeleteChain:
		if len(k.chains[s.Chain.Name].Rules) > 0 || k.leadsTo(s.Chain.Name) {
			return fmt.Errorf("busy")
		}
		delete(k.chains, s.Chain.Name)
	case FlushChain:
		c, ok := k.chains[s.Chain.Name]
		if !ok {
			return fmt.Errorf("no such chain")
		}
		c.Rules = nil
		k.chains[c.Name] = c
	case AddRules:
		c := k.chains[s.Chain.Name]
		c.Rules = append(slices.Clone(c.Rules), s.Chain.Rules...)
		k.chains[c.Name] = c
	}
	return nil
}

func (k *fake) elements(s Step) error {
	set, ok := k.sets[s.Set.Name]
	if !ok {
		return fmt.Errorf("no such set")
	}
	for _, e := range s.Elements {
		i := slices.IndexFunc(set.Elements, func(o Element) bool { return o.Key == e.Key && o.End == e.End })
		switch {
		case s.Kind == AddElements && i >= 0:
			return fmt.Errorf("element exists")
		case s.Kind == DeleteElements && i < 0:
			return fmt.Errorf("no such element")
		case s.Kind == AddElements:
			if _, ok := k.chains[e.Verdict.Chain]; e.Verdict.Chain != "" && !ok {
				return fmt.Errorf("no such chain")
			}
			set.Elements = append(slices.Clone(set.Elements), e)
		default:
			set.Elements = slices.Delete(slices.Clone(set.Elements), i, i+1)
		}
	}
	SortElements(set.Elements)
	k.sets[set.Name] = set
	return nil
}

func (k *fake) refers(f func(Rule) bool) bool {
	for _, c := range k.chains {
		if slices.ContainsFunc(c.Rules, f) {
			return true
		}
	}
	return false
}

func (k *fake) leadsTo(chain string) bool {
	for _, s := range k.sets {
		if slices.ContainsFunc(s.Elements, func(e Element) bool { return e.Verdict.Chain == chain }) {
			return true
		}
	}
	return k.refers(func(r Rule) bool { return ruleNames(r, chain) })
}

// ruleNames tells whether the rule's comment, which the test writes, lists the name.
func ruleNames(r Rule, name string) bool { return r.Comment == name }

// check finds rules that refer to nothing.
func (k *fake) check() error {
	for _, c := range k.chains {
		for _, r := range c.Rules {
			_, set := k.sets[r.Comment]
			if _, chain := k.chains[r.Comment]; !set && !chain {
				return fmt.Errorf("chain %s refers to %s, which is not there", c.Name, r.Comment)
			}
		}
	}
	return nil
}

func randomTable(r *rand.Rand) *Table {
	t := &Table{Name: "x"}
	for i := range 4 {
		if r.IntN(3) > 0 {
			t.Chains = append(t.Chains, Chain{Name: fmt.Sprint("chain", i)})
		}
	}
	for i := range 4 {
		if r.IntN(3) == 0 {
			continue
		}
		s := Set{Name: fmt.Sprint("set", i), Key: []Type{Number}}
		if i == 0 && len(t.Chains) > 0 {
			s.Value = ToVerdict
		}
		for e := range 6 {
			if r.IntN(2) == 0 {
				continue
			}
			el := Element{Key: Concat(FieldU32(uint32(e)))}
			if s.Value == ToVerdict {
				el.Verdict = Verdict{Jump, t.Chains[r.IntN(len(t.Chains))].Name}
			}
			s.Elements = append(s.Elements, el)
		}
		SortElements(s.Elements)
		t.Sets = append(t.Sets, s)
	}
	base := Chain{Name: "base", Base: Base{"filter", Input, int32(r.IntN(5) / 4), Drop}}
	for range r.IntN(4) {
		names := []string{}
		for _, s := range t.Sets {
			names = append(names, s.Name)
		}
		for _, c := range t.Chains {
			names = append(names, c.Name)
		}
		if len(names) > 0 {
			n := names[r.IntN(len(names))]
			base.Rules = append(base.Rules, Rule{Clauses: []Clause{{text: n}}, Comment: n})
		}
	}
	t.Chains = append(t.Chains, base)
	return t
}

// TestDiff walks through random tables: the steps must be possible, lead to the table, and be none from it to itself.
func TestDiff(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	var k fake
	var old *Table
	for range 2000 {
		next := randomTable(r)
		steps := Diff(old, next)
		if err := k.do(steps); err != nil {
			t.Fatalf("%v\nfrom %v\nto %v\nby %v", err, old, next, steps)
		}
		got := &Table{Name: "x"}
		for _, s := range next.Sets {
			got.Sets = append(got.Sets, k.sets[s.Name])
		}
		for _, c := range next.Chains {
			got.Chains = append(got.Chains, k.chains[c.Name])
		}
		if got.String() != next.String() || len(k.sets) != len(next.Sets) || len(k.chains) != len(next.Chains) {
			t.Fatalf("steps %v lead to\n%v\nwant\n%v", steps, got, next)
		}
		if again := Diff(next, next); len(again) > 0 {
			t.Fatalf("from a table to itself: %v", again)
		}
		old = next
	}
}

// TestDiffTellsLittle changes one element and one rule of a table.
func TestDiffTellsLittle(t *testing.T) {
	table := func(elements []uint32, verdict VerdictKind) *Table {
		s := Set{Name: "numbers", Key: []Type{Number}}
		for _, e := range elements {
			s.Elements = append(s.Elements, Element{Key: Concat(FieldU32(e))})
		}
		SortElements(s.Elements)
		return &Table{Name: "x", Sets: []Set{s}, Chains: []Chain{
			{Name: "a", Rules: []Rule{NewRule(End(Verdict{Kind: verdict}))}},
			{Name: "b", Rules: []Rule{NewRule(End(Verdict{Kind: Drop}))}},
		}}
	}
	got := fmt.Sprint(Diff(table([]uint32{1, 2, 3}, Accept), table([]uint32{1, 3, 4}, Drop)))
	want := "[flush chain a delete 1 elements from numbers add 1 elements to numbers add 1 rules to a]"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
