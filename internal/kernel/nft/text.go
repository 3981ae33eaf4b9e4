package nft

import (
	"fmt"
	"strings"
)

// String prints the table much as `nft list table` does.
func (t *Table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %s {\n", t.Name)
	for _, s := range t.Sets {
		s.print(&b)
	}
	for _, c := range t.Chains {
		c.print(&b)
	}
	b.WriteString("}\n")
	return b.String()
}

func (s *Set) print(b *strings.Builder) {
	kind := "set"
	if s.Value != None {
		kind = "map"
	}
	var names []string
	for _, k := range s.Key {
		names = append(names, k.info().name)
	}
	fmt.Fprintf(b, "\t%s %s {\n\t\ttype %s", kind, s.Name, strings.Join(names, " . "))
	if s.Value != None {
		fmt.Fprintf(b, " : %s", s.Value.info().name)
	}
	b.WriteString("\n")
	if s.Interval {
		b.WriteString("\t\tflags interval\n")
	}
	if s.Meter {
		b.WriteString("\t\tflags dynamic,timeout\n")
	}
	for _, e := range s.Elements {
		fmt.Fprintf(b, "\t\t%s\n", s.elementText(e))
	}
	b.WriteString("\t}\n")
}

// elementText prints one element with its value.
func (s *Set) elementText(e Element) string {
	end := e.End
	if end == "" {
		end = e.Key
	}
	var parts []string
	at := 0
	for _, k := range s.Key {
		n := k.info().bytes
		parts = append(parts, k.rangeText(e.Key[at:at+n], end[at:at+n]))
		at += padded(n)
	}
	text := strings.Join(parts, " . ")
	switch s.Value {
	case None:
		return text
	case ToVerdict:
		return text + " : " + e.Verdict.String()
	default:
		return text + " : " + s.Value.text(e.Value)
	}
}

func (c *Chain) print(b *strings.Builder) {
	fmt.Fprintf(b, "\tchain %s {\n", c.Name)
	if c.Base != (Base{}) {
		fmt.Fprintf(b, "\t\ttype %s hook %s priority %d; policy %s;\n", c.Base.Type, c.Base.Hook, c.Base.Priority, Verdict{Kind: c.Base.Policy})
	}
	for _, r := range c.Rules {
		fmt.Fprintf(b, "\t\t%s\n", r)
	}
	b.WriteString("\t}\n")
}

// String prints the rule's clauses and its comment.
func (r Rule) String() string {
	var parts []string
	for _, c := range r.Clauses {
		parts = append(parts, c.text)
	}
	if r.Comment != "" {
		parts = append(parts, fmt.Sprintf("comment %q", r.Comment))
	}
	return strings.Join(parts, " ")
}

// String is accept, drop, return, jump CHAIN or goto CHAIN.
func (v Verdict) String() string {
	switch v.Kind {
	case Accept:
		return "accept"
	case Drop:
		return "drop"
	case Return:
		return "return"
	case Jump:
		return "jump " + v.Chain
	case Goto:
		return "goto " + v.Chain
	}
	return ""
}

// String is nft's name of the hook.
func (h Hook) String() string {
	return [...]string{"prerouting", "input", "forward", "output", "postrouting"}[h]
}
