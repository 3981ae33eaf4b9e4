package imds

import (
	"slices"
	"strings"
)

// node is a name in the tree of metadata: a leaf with a value, or a folder of other nodes.
type node struct {
	name  string
	kids  []*node
	value func() ([]byte, bool) // of a leaf; false: it does not exist just now
	label string                // what a listing shows instead of the name
	kind  string                // content type, if not text
}

// text is a leaf with a fixed value.
func text(name, value string) *node {
	return &node{name: name, value: func() ([]byte, bool) { return []byte(value), true }}
}

// lines is a leaf with one value in each line.
func lines[T ~string](name string, values []T) *node {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(v))
	}
	return text(name, b.String())
}

// folder holds the nodes that are not nil, by name.
func folder(name string, kids ...*node) *node {
	kids = slices.DeleteFunc(kids, func(n *node) bool { return n == nil })
	slices.SortFunc(kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	return &node{name: name, kids: kids}
}

// find is the node at the path below n, or nil.
func (n *node) find(path []string) *node {
	for _, name := range path {
		i := slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
		if i < 0 {
			return nil
		}
		n = n.kids[i]
	}
	return n
}

// content is a leaf's value, or a folder's listing: one name in each line, folders with a slash.
func (n *node) content() ([]byte, bool) {
	if n.value != nil {
		return n.value()
	}
	var names []string
	for _, k := range n.kids {
		switch {
		case k.label != "":
			names = append(names, k.label)
		case k.value == nil:
			names = append(names, k.name+"/")
		default:
			names = append(names, k.name)
		}
	}
	return []byte(strings.Join(names, "\n")), true
}
