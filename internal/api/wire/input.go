package wire

import "strings"

// badInput is a request, or a value in it, that cannot be read.
type badInput struct {
	path  []string // names on the way to the value, the innermost first; none if the whole request is meant
	value string
	why   string
}

// Error says it for people.
func (b *badInput) Error() string {
	if len(b.path) == 0 {
		return b.why
	}
	return b.name() + ": " + b.why
}

// name is the way to the value with dots in between.
func (b *badInput) name() string {
	var s strings.Builder
	for i := len(b.path) - 1; i >= 0; i-- {
		s.WriteString(b.path[i])
		if i > 0 {
			s.WriteByte('.')
		}
	}
	return s.String()
}

// within adds a step to the way to a bad value.
func within(name string, b *badInput) *badInput {
	if b != nil {
		b.path = append(b.path, name)
	}
	return b
}

// unreadable is a badInput about a single value.
func unreadable(value, why string) *badInput {
	const most = 64 // bytes of the value worth repeating
	return &badInput{value: shortened(value, most), why: why}
}
