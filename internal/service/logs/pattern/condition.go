package pattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// condition is a tree of comparisons. Of a node, either compare or parts is set.
type condition struct {
	compare *comparison
	any     bool // one of the parts must hold, not all
	parts   []condition
}

// comparison is one field with what it must be.
type comparison struct {
	path  []step // of a JSON field
	name  string // of a field separated by spaces
	op    string
	value matcher
}

// step is one step down a JSON document: a member, an index, or all elements.
type step struct {
	member string
	index  int
	all    bool
	array  bool
}

// holds decides the condition; values gives those of a comparison's field.
func (c condition) holds(values func(*comparison) []any) bool {
	if c.compare != nil {
		return c.compare.holds(values(c.compare))
	}
	for _, p := range c.parts {
		if p.holds(values) == c.any {
			return c.any
		}
	}
	return !c.any
}

// holds decides the comparison: one of the field's values must satisfy it.
func (c *comparison) holds(values []any) bool {
	if c.op == "NOT EXISTS" {
		return len(values) == 0
	}
	for _, v := range values {
		if c.one(v) {
			return true
		}
	}
	return false
}

func (c *comparison) one(v any) bool {
	switch c.op {
	case "EXISTS":
		return true
	case "IS NULL":
		return v == nil
	case "IS TRUE":
		return v == true
	case "IS FALSE":
		return v == false
	case "=":
		return c.equal(v)
	case "!=":
		return !c.equal(v)
	}
	want, err := strconv.ParseFloat(c.value.text, 64)
	have, ok := number(v)
	if err != nil || !ok {
		return false
	}
	switch c.op {
	case "<":
		return have < want
	case ">":
		return have > want
	case "<=":
		return have <= want
	}
	return have >= want
}

// equal compares texts; numbers are equal by value unless the pattern quotes them.
func (c *comparison) equal(v any) bool {
	switch v := v.(type) {
	case string:
		if c.value.equals(v) {
			return true
		}
	case json.Number:
		if c.value.equals(v.String()) {
			return true
		}
	default:
		return c.value.text == "*" && !c.value.quoted
	}
	if c.value.quoted || c.value.re != nil {
		return false
	}
	want, err := strconv.ParseFloat(c.value.text, 64)
	have, ok := number(v)
	return err == nil && ok && have == want
}

func number(v any) (float64, bool) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// condition reads alternatives of conjunctions of comparisons and parentheses. ends are the characters an unquoted
// value ends at.
func (s *scanner) condition(ends string) (condition, error) {
	return s.list("||", true, func() (condition, error) {
		return s.list("&&", false, func() (condition, error) { return s.operand(ends) })
	})
}

func (s *scanner) list(separator string, any bool, next func() (condition, error)) (condition, error) {
	out := condition{any: any}
	for {
		c, err := next()
		if err != nil {
			return out, err
		}
		if out.parts = append(out.parts, c); !s.take(separator) {
			return out, nil
		}
	}
}

func (s *scanner) operand(ends string) (condition, error) {
	if s.take("(") {
		c, err := s.condition(ends)
		if err == nil && !s.take(")") {
			err = ErrInvalid
		}
		return c, err
	}
	c, err := s.comparison(ends)
	return condition{compare: &c}, err
}

func (s *scanner) comparison(ends string) (comparison, error) {
	var c comparison
	var err error
	if s.space(); s.peek() == '$' {
		c.path, err = s.selector()
	} else {
		c.name, err = s.name()
	}
	if err != nil {
		return c, err
	}
	for _, words := range [][]string{{"NOT", "EXISTS"}, {"EXISTS"}, {"IS", "NULL"}, {"IS", "TRUE"}, {"IS", "FALSE"}} {
		if s.words(words) {
			c.op = strings.Join(words, " ")
			return c, nil
		}
	}
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if !s.take(op) {
			continue
		}
		c.op = op
		if c.value, err = s.value(ends); err != nil {
			return c, err
		}
		if _, bad := strconv.ParseFloat(c.value.text, 64); bad != nil && op != "=" && op != "!=" {
			return c, ErrInvalid
		}
		return c, nil
	}
	return c, ErrInvalid
}

// words moves over all words, or over none.
func (s *scanner) words(words []string) bool {
	start := s.pos
	for _, w := range words {
		if !s.word(w) {
			s.pos = start
			return false
		}
	}
	return true
}

// plain tells which characters names have.
func plain(c byte) bool {
	return c == '_' || c == '-' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

func (s *scanner) name() (string, error) {
	s.space()
	start := s.pos
	for plain(s.peek()) && !s.done() {
		s.pos++
	}
	if s.pos == start {
		return "", ErrInvalid
	}
	return s.text[start:s.pos], nil
}

// selector reads $.a.b[0]['c d'][*].
func (s *scanner) selector() ([]step, error) {
	s.pos++
	var path []step
	for {
		switch s.peek() {
		case '.':
			s.pos++
			name, err := s.name()
			if err != nil {
				return nil, err
			}
			path = append(path, step{member: name})
		case '[':
			st, err := s.bracket()
			if err != nil {
				return nil, err
			}
			path = append(path, st)
		default:
			return path, nil
		}
	}
}

func (s *scanner) bracket() (step, error) {
	n := strings.IndexByte(s.text[s.pos:], ']')
	if n < 0 {
		return step{}, ErrInvalid
	}
	inner := strings.TrimSpace(s.text[s.pos+1 : s.pos+n])
	s.pos += n + 1
	if inner == "*" {
		return step{array: true, all: true}, nil
	}
	if q := len(inner); q >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner[q-1] == inner[0] {
		return step{member: inner[1 : q-1]}, nil
	}
	i, err := strconv.Atoi(inner)
	if err != nil || i < 0 {
		return step{}, ErrInvalid
	}
	return step{array: true, index: i}, nil
}
