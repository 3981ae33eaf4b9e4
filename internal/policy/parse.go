package policy

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
)

// Parse reads a document and checks it as IAM does for its kind.
func Parse(text string, kind Kind) (*Document, error) {
	if err := wellFormed([]byte(text)); err != nil {
		return nil, err
	}
	top, err := object([]byte(text), "Version", "Id", "Statement")
	if err != nil {
		return nil, err
	}
	d := &Document{Version: Version2008}
	if raw, ok := top["Version"]; ok {
		if json.Unmarshal(raw, &d.Version) != nil || d.Version != Version2008 && d.Version != Version2012 {
			return nil, &Error{"The policy must contain a valid version string."}
		}
	}
	if raw, ok := top["Id"]; ok && json.Unmarshal(raw, &d.ID) != nil {
		return nil, syntax()
	}
	statements, err := list(top["Statement"])
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, raw := range statements {
		s, err := statement(raw)
		if err != nil {
			return nil, err
		}
		if s.SID != "" && seen[s.SID] {
			return nil, &Error{"Statement IDs (SID) in a single policy must be unique."}
		}
		seen[s.SID] = true
		s.variables = d.Version == Version2012
		d.Statements = append(d.Statements, *s)
	}
	return d, d.check(kind)
}

func syntax() error { return &Error{"Syntax errors in policy."} }

// wellFormed refuses what is no JSON text, and objects with a name twice, of which a reader would drop one in silence.
func wellFormed(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if !unique(d, 0) {
		return syntax()
	}
	if _, err := d.Token(); err != io.EOF {
		return syntax()
	}
	return nil
}

// maxDepth is far deeper than any document goes.
const maxDepth = 16

// unique reads one value and tells whether the names of each object in it are.
func unique(d *json.Decoder, depth int) bool {
	t, err := d.Token()
	if err != nil || depth > maxDepth {
		return false
	}
	open, ok := t.(json.Delim)
	if !ok {
		return true
	}
	names := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			name, ok := t.(string)
			if err != nil || !ok || names[name] {
				return false
			}
			names[name] = true
		}
		if !unique(d, depth+1) {
			return false
		}
	}
	_, err = d.Token()
	return err == nil
}

// object reads an object that has no other names than those.
func object(raw []byte, names ...string) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return nil, syntax()
	}
	for name := range m {
		if !slices.Contains(names, name) {
			return nil, syntax()
		}
	}
	return m, nil
}

// list reads a list of at least one value, or one value in its place.
func list(raw json.RawMessage) ([]json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, syntax()
	}
	if bytes.TrimSpace(raw)[0] != '[' {
		return []json.RawMessage{raw}, nil
	}
	var out []json.RawMessage
	if json.Unmarshal(raw, &out) != nil || len(out) == 0 {
		return nil, syntax()
	}
	return out, nil
}

// texts reads a text or a list of texts. The list may be empty.
func texts(raw json.RawMessage) ([]string, error) {
	if bytes.TrimSpace(raw)[0] != '[' {
		var s *string
		if json.Unmarshal(raw, &s) != nil || s == nil {
			return nil, syntax()
		}
		return []string{*s}, nil
	}
	var ps []*string
	if json.Unmarshal(raw, &ps) != nil || slices.Contains(ps, nil) {
		return nil, syntax()
	}
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = *p
	}
	return out, nil
}

func statement(raw json.RawMessage) (*Statement, error) {
	m, err := object(raw, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
	if err != nil {
		return nil, err
	}
	s := &Statement{}
	var effect string
	if json.Unmarshal(m["Effect"], &effect) != nil || effect != "Allow" && effect != "Deny" {
		return nil, syntax()
	}
	s.Deny = effect == "Deny"
	if raw, ok := m["Sid"]; ok && json.Unmarshal(raw, &s.SID) != nil {
		return nil, syntax()
	}
	if raw, not, err := either(m, "Principal", "NotPrincipal"); err != nil {
		return nil, err
	} else if raw != nil {
		if s.Principals, err = principals(raw); err != nil {
			return nil, err
		}
		s.NotPrincipal = not
	}
	if s.Actions, s.NotAction, err = eitherTexts(m, "Action", "NotAction"); err != nil {
		return nil, err
	}
	if s.Resources, s.NotResource, err = eitherTexts(m, "Resource", "NotResource"); err != nil {
		return nil, err
	}
	if raw, ok := m["Condition"]; ok {
		if s.Conditions, err = conditions(raw); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// either is the element under one of two names, and whether it is the second. Both at once are an error.
func either(m map[string]json.RawMessage, is, not string) (json.RawMessage, bool, error) {
	a, okA := m[is]
	b, okB := m[not]
	if okA && okB {
		return nil, false, syntax()
	}
	if okB {
		return b, true, nil
	}
	return a, false, nil
}

func eitherTexts(m map[string]json.RawMessage, is, not string) ([]string, bool, error) {
	raw, n, err := either(m, is, not)
	if err != nil || raw == nil {
		return nil, n, err
	}
	out, err := texts(raw)
	return out, n, err
}

func principals(raw json.RawMessage) (Principals, error) {
	var p Principals
	var any string
	if json.Unmarshal(raw, &any) == nil {
		p.Any = any == "*"
		if !p.Any {
			return p, &Error{"Invalid principal in policy: " + string(raw)}
		}
		return p, nil
	}
	m, err := object(raw, "AWS", "Service", "Federated", "CanonicalUser")
	if err != nil || len(m) == 0 {
		return p, syntax()
	}
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		list, err := texts(m[kind])
		if err != nil || len(list) == 0 {
			return p, syntax()
		}
		switch kind {
		case "AWS":
			p.AWS = list
		case "Service":
			p.Service = list
		case "Federated":
			p.Federated = list
		default:
			p.Canonical = list
		}
	}
	p.Any = slices.Contains(p.AWS, "*")
	return p, nil
}

// conditions reads a condition block. Values may be texts, numbers and truth values.
func conditions(raw json.RawMessage) ([]Condition, error) {
	var block map[string]map[string]json.RawMessage
	if json.Unmarshal(raw, &block) != nil {
		return nil, syntax()
	}
	var out []Condition
	for _, name := range slices.Sorted(maps.Keys(block)) {
		shape, err := operator(name)
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(block[name])) {
			c := shape
			c.Key = key
			if c.Values, err = values(block[name][key]); err != nil {
				return nil, err
			}
			if err := c.check(); err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func values(raw json.RawMessage) ([]string, error) {
	items, err := list(raw)
	if err != nil {
		if bytes.Equal(bytes.TrimSpace(raw), []byte("[]")) {
			return nil, nil
		}
		return nil, err
	}
	var out []string
	for _, item := range items {
		var v any
		d := json.NewDecoder(bytes.NewReader(item))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return nil, syntax()
		}
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case bool:
			out = append(out, map[bool]string{true: "true", false: "false"}[v])
		case json.Number:
			out = append(out, v.String())
		default:
			return nil, syntax()
		}
	}
	return out, nil
}

// operator takes an operator's name apart.
func operator(name string) (Condition, error) {
	c := Condition{Operator: name}
	if set, rest, ok := strings.Cut(name, ":"); ok {
		if set != "ForAllValues" && set != "ForAnyValue" {
			return c, &Error{"Invalid Condition type : " + name + "."}
		}
		c.Set, c.Operator = set, rest
	}
	if rest, ok := strings.CutSuffix(c.Operator, "IfExists"); ok {
		c.IfExists, c.Operator = true, rest
	}
	if _, ok := operatorOf(c.Operator); !ok || c.Operator == "Null" && (c.IfExists || c.Set != "") {
		return c, &Error{"Invalid Condition type : " + name + "."}
	}
	return c, nil
}
