package pattern

import (
	"encoding/json"
	"io"
	"strings"
)

// jsonPattern matches messages that are JSON documents.
type jsonPattern struct{ c condition }

func parseJSON(text string) (Pattern, error) {
	s := &scanner{text: text}
	c, err := s.condition(" \t\r\n()&|")
	if err != nil {
		return nil, err
	}
	if s.space(); !s.done() || !c.selects() {
		return nil, ErrInvalid
	}
	return jsonPattern{c}, nil
}

// selects tells whether all comparisons are of JSON fields.
func (c condition) selects() bool {
	if c.compare != nil {
		return c.compare.path != nil
	}
	for _, p := range c.parts {
		if !p.selects() {
			return false
		}
	}
	return true
}

// Match tells whether the message is a JSON document that satisfies the condition.
func (p jsonPattern) Match(message string) bool {
	d := json.NewDecoder(strings.NewReader(message))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return false
	}
	if _, err := d.Token(); err != io.EOF {
		return false
	}
	return p.c.holds(func(c *comparison) []any { return reach([]any{doc}, c.path) })
}

// reach are the values at the end of a path.
func reach(values []any, path []step) []any {
	for _, st := range path {
		var next []any
		for _, v := range values {
			switch v := v.(type) {
			case map[string]any:
				if member, ok := v[st.member]; ok && !st.array {
					next = append(next, member)
				}
			case []any:
				if st.array && st.all {
					next = append(next, v...)
				} else if st.array && st.index < len(v) {
					next = append(next, v[st.index])
				}
			}
		}
		values = next
	}
	return values
}

// fieldsPattern matches messages of fields separated by spaces.
type fieldsPattern struct {
	before, after []field // around the ellipsis
	open          bool    // there is one
}

// field is one field of the pattern; nothing is demanded of one without a condition.
type field struct {
	name string
	must *condition
}

func parseFields(text string) (Pattern, error) {
	var p fieldsPattern
	s := &scanner{text: text}
	for {
		if s.take("...") {
			if p.open {
				return nil, ErrInvalid
			}
			p.open = true
		} else {
			f, err := s.field()
			if err != nil {
				return nil, err
			}
			if p.open {
				p.after = append(p.after, f)
			} else {
				p.before = append(p.before, f)
			}
		}
		if s.take(",") {
			continue
		}
		if s.space(); !s.done() {
			return nil, ErrInvalid
		}
		return p, nil
	}
}

// field reads a name, or a condition on one.
func (s *scanner) field() (field, error) {
	start := s.pos
	name, err := s.name()
	if err == nil {
		if s.space(); s.done() || s.peek() == ',' {
			return field{name: name}, nil
		}
	}
	s.pos = start
	c, err := s.condition(" \t,()&|")
	return field{name: name, must: &c}, err
}

// Match tells whether the message has the fields.
func (p fieldsPattern) Match(message string) bool {
	have := split(message)
	n := len(p.before) + len(p.after)
	if len(have) < n || !p.open && len(have) > n {
		return false
	}
	return hold(p.before, have) && hold(p.after, have[len(have)-len(p.after):])
}

func hold(fields []field, have []string) bool {
	for i, f := range fields {
		if f.must != nil && !f.must.holds(func(*comparison) []any { return []any{have[i]} }) {
			return false
		}
	}
	return true
}

// split cuts a message at spaces; what is in quotes or brackets is one field.
func split(message string) []string {
	var out []string
	rest := strings.TrimSpace(message)
	for rest != "" {
		end := strings.IndexByte(rest, ' ')
		closing := map[byte]string{'"': `"`, '[': "]"}[rest[0]]
		if closing != "" {
			if i := strings.Index(rest[1:], closing); i >= 0 {
				out = append(out, rest[1:1+i])
				rest = strings.TrimLeft(rest[2+i:], " ")
				continue
			}
		}
		if end < 0 {
			return append(out, rest)
		}
		out = append(out, rest[:end])
		rest = strings.TrimLeft(rest[end:], " ")
	}
	return out
}
