package wire

import (
	"cmp"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of forms. AWS does not publish its own.
const (
	maxNodes = 100_000 // names, and parts of names
	maxParts = 32      // dots in a name
	maxIndex = 10_000  // items of a list
)

// node is a part of a parameter's name: Filter.1.Name is three of them.
type node struct {
	value string
	has   bool // a value
	used  bool
	kids  map[string]*node
}

// parseForm reads parameters, split at the dots of their names.
func parseForm(raw string) (*node, *badInput) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, unreadable("", "The query string is malformed.")
	}
	root, count := &node{}, 0
	for name, vs := range values {
		if len(vs) > 1 {
			return nil, within(name, unreadable(vs[1], "The parameter is given twice."))
		}
		if !utf8.ValidString(name) || !utf8.ValidString(vs[0]) {
			return nil, unreadable("", "The query string is not UTF-8.")
		}
		if !isXML(vs[0]) {
			return nil, within(name, unreadable(vs[0], "A specified character is invalid."))
		}
		parts := strings.Split(name, ".")
		if count += len(parts); count > maxNodes || len(parts) > maxParts {
			return nil, unreadable("", "The request has too many parameters.")
		}
		n := root
		for _, part := range parts {
			n = n.kid(part)
		}
		n.value, n.has = vs[0], true
	}
	return root, nil
}

// kid is the node under n with the given name, made when it is missing.
func (n *node) kid(name string) *node {
	k := n.kids[name]
	if k == nil {
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		k = &node{}
		n.kids[name] = k
	}
	return k
}

// take is the value of the parameter with the given undotted name.
func (n *node) take(name string) string {
	k := n.kids[name]
	if k == nil {
		return ""
	}
	k.used = true
	return k.value
}

// unused is the first name, in order, of a parameter that no member took.
func (n *node) unused(name string) (string, bool) {
	if n.has && !n.used {
		return name, true
	}
	for _, key := range slices.Sorted(maps.Keys(n.kids)) {
		full := key
		if name != "" {
			full = name + "." + key
		}
		if found, ok := n.kids[key].unused(full); ok {
			return found, true
		}
	}
	return "", false
}

// formReader stores parameters in structures.
type formReader struct {
	plans plans
	ec2   bool // lists are flat
}

// structure stores n in v, a structure.
func (f formReader) structure(v reflect.Value, n *node) *badInput {
	n.used = n.value == ""
	for _, m := range f.plans[v.Type()].members {
		k := n.kids[m.in]
		if k == nil {
			continue
		}
		if b := f.value(v.Field(m.index), k, m); b != nil {
			return within(m.in, b)
		}
	}
	return nil
}

// value stores n in v, which may be anything.
func (f formReader) value(v reflect.Value, n *node, m *memberPlan) *badInput {
	v = settable(v)
	switch {
	case isList(v.Type()):
		return f.list(v, n, m)
	case v.Kind() == reflect.Map:
		return f.entries(v, n, m)
	case isStructure(v.Type()):
		return f.structure(v, n)
	}
	if !n.has {
		return nil // its parts are reported as unknown
	}
	n.used = true
	return setText(v, n.value, cmp.Or(m.time, iso8601))
}

// list stores the numbered parts of n in v.
func (f formReader) list(v reflect.Value, n *node, m *memberPlan) *badInput {
	n.used = n.value == ""
	if !f.ec2 && !m.flat {
		if n = n.kids[cmp.Or(m.item, "member")]; n == nil {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
			return nil
		}
	}
	items, b := n.numbered()
	if b != nil {
		return b
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, index := range items {
		key := strconv.Itoa(index)
		if b := f.value(v.Index(i), n.kids[key], m); b != nil {
			return within(key, b)
		}
	}
	return nil
}

// entries stores a map, sent as entry.1.key and entry.1.value.
func (f formReader) entries(v reflect.Value, n *node, m *memberPlan) *badInput {
	v.Set(reflect.MakeMap(v.Type()))
	if !m.flat {
		n = n.kids["entry"]
	}
	if n == nil {
		return nil
	}
	items, b := n.numbered()
	if b != nil {
		return b
	}
	for _, index := range items {
		item := n.kids[strconv.Itoa(index)]
		value := reflect.New(v.Type().Elem()).Elem()
		if k := item.kids["value"]; k != nil {
			if b := f.value(value, k, m); b != nil {
				return within(strconv.Itoa(index)+".value", b)
			}
		}
		v.SetMapIndex(reflect.ValueOf(item.take("key")), value)
	}
	return nil
}

// numbered are the numbers among the parts of n, in order. Lists may have holes; numbers begin with 1.
func (n *node) numbered() ([]int, *badInput) {
	items := make([]int, 0, len(n.kids))
	for key := range n.kids {
		i, err := strconv.Atoi(key)
		if err != nil || strconv.Itoa(i) != key {
			continue // reported as unknown
		}
		if i < 1 || i > maxIndex {
			return nil, within(key, unreadable(key, "The number of a list's item is out of range."))
		}
		items = append(items, i)
	}
	slices.Sort(items)
	return items, nil
}

// isXML tells whether an answer, which is XML, can say the text as it is. (XML 1.0, section 2.2, "Characters".)
func isXML(text string) bool {
	for _, r := range text {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}
