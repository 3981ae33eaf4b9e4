package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kumiko/internal/awserr"
)

// check is a Constraint made ready.
type check struct {
	Constraint
	pattern *pattern
}

func compileChecks(constraints map[string]Constraint) (map[string]*check, error) {
	checks := map[string]*check{}
	for name, c := range constraints {
		k := &check{Constraint: c}
		if c.Pattern != "" {
			var err error
			if k.pattern, err = compilePattern(c.Pattern); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		checks[name] = k
	}
	return checks, nil
}

// Limits of what an answer repeats of a wrong request. AWS does not publish its own.
const (
	maxViolations = 20   // told; all are counted
	maxEcho       = 1000 // bytes of a value
)

// violation is a value that breaks a constraint.
type violation struct {
	field string // with dots in between
	value string // as the text of the error has it
	rule  string // what the member must do
}

// String is the sentence AWS's frameworks write.
func (v violation) String() string {
	return "Value " + shortened(v.value, maxEcho) + " at '" + v.field + "' failed to satisfy constraint: Member must " + v.rule
}

// shortened is text, cut off after the given number of bytes.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// validator collects violations.
type validator struct {
	*base
	found []violation // the first ones
	count int         // of all
}

// find notes a violation.
func (w *validator) find(v violation) {
	if w.count++; w.count <= maxViolations {
		w.found = append(w.found, v)
	}
}

// validate checks an input structure and answers in the service's words.
func (b *base) validate(v reflect.Value) *awserr.Error {
	w := &validator{base: b}
	w.structure(v, "")
	if len(w.found) == 0 {
		return nil
	}
	if b.service.Protocol == EC2Query {
		return awserr.EC2MissingParameter(w.found[0].field)
	}
	var texts []string
	var fields []awserr.Field
	for _, f := range w.found {
		if b.service.Protocol == RestXML {
			f.field = lowerInitials(f.field)
		}
		texts = append(texts, f.String())
		fields = append(fields, awserr.Field{Name: f.field, Message: "Member must " + f.rule})
	}
	text := fmt.Sprintf("%d validation error%s detected: %s", w.count, map[bool]string{true: "s"}[w.count > 1], strings.Join(texts, "; "))
	if b.service.Name == awserr.Lattice {
		return awserr.LatticeFields(text, fields...)
	}
	return b.fault(InvalidInput, text)
}

// lowerInitials writes the parts of a field's name as services that speak XML name them in their texts.
func lowerInitials(field string) string {
	parts := strings.Split(field, ".")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToLower(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, ".")
}

// structure checks the members of v.
func (w *validator) structure(v reflect.Value, path string) {
	for _, m := range w.plans[v.Type()].members {
		name := m.in
		if path != "" {
			name = path + "." + m.in
		}
		f, ok := present(v.Field(m.index))
		if ok && m.isList && f.Len() == 0 && w.service.Protocol == EC2Query {
			ok = false // a form cannot tell an empty list from none
		}
		switch {
		case ok:
			w.value(f, m, w.checks[m.shape], name)
		case m.need:
			w.find(violation{name, "null", "not be null"})
		}
	}
}

// value checks a value and what it holds.
func (w *validator) value(v reflect.Value, m *memberPlan, c *check, path string) {
	item := ".member"
	switch {
	case isList(v.Type()):
		w.size(v, c, path)
		if w.service.Protocol == EC2Query {
			item = ""
		}
		for i := range v.Len() {
			w.value(v.Index(i), m, w.part(c, func(c *check) string { return c.Item }), path+"."+strconv.Itoa(i+1)+item)
		}
	case v.Kind() == reflect.Map:
		w.size(v, c, path)
		keys := slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			w.value(k, m, w.part(c, func(c *check) string { return c.Key }), path)
			w.value(v.MapIndex(k), m, w.part(c, func(c *check) string { return c.Value }), path+"."+k.String()+item)
		}
	case isStructure(v.Type()):
		if m.union {
			w.oneOf(v, path)
		}
		w.structure(v, path)
	case c != nil:
		w.scalar(v, c, path)
	}
}

// part is the check of a list's items or of a map's keys or values.
func (w *validator) part(c *check, name func(*check) string) *check {
	if c == nil {
		return nil
	}
	return w.checks[name(c)]
}

// oneOf checks that exactly one member of a union is set.
func (w *validator) oneOf(v reflect.Value, path string) {
	n := 0
	for i := range v.NumField() {
		if _, ok := present(v.Field(i)); ok {
			n++
		}
	}
	if n != 1 {
		w.find(violation{path, "with " + strconv.Itoa(n) + " members", "have exactly one member set"})
	}
}

// size checks the number of items of a list or map.
func (w *validator) size(v reflect.Value, c *check, path string) {
	if c == nil {
		return
	}
	w.between(int64(v.Len()), c, violation{path, fmt.Sprintf("'%v'", v), "have length"})
}

// scalar checks a string, number or blob.
func (w *validator) scalar(v reflect.Value, c *check, path string) {
	bad := violation{path, "'" + text(v, isoMillis) + "'", "have value"}
	switch v.Kind() {
	case reflect.Int32, reflect.Int64:
		w.between(v.Int(), c, bad)
	case reflect.Slice:
		bad.rule = "have length"
		w.between(int64(v.Len()), c, bad)
	case reflect.String:
		bad.rule = "have length"
		w.between(int64(utf8.RuneCountInString(v.String())), c, bad)
		if c.pattern != nil && !c.pattern.match(v.String()) {
			bad.rule = "satisfy regular expression pattern: " + c.Pattern
			w.find(bad)
		}
		if len(c.Enum) > 0 && !slices.Contains(c.Enum, v.String()) {
			bad.rule = "satisfy enum value set: [" + strings.Join(c.Enum, ", ") + "]"
			w.find(bad)
		}
	}
}

// between checks n against the bounds; bad.rule is the beginning of the rule's text.
func (w *validator) between(n int64, c *check, bad violation) {
	rule := bad.rule
	if c.Min != nil && n < *c.Min {
		bad.rule = fmt.Sprintf("%s greater than or equal to %d", rule, *c.Min)
		w.find(bad)
	}
	if c.Max != nil && n > *c.Max {
		bad.rule = fmt.Sprintf("%s less than or equal to %d", rule, *c.Max)
		w.find(bad)
	}
}
