package listing

import (
	"net/http"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// maxValues is the number of values the filters of a request may have. (Amazon EC2 User Guide, "List and filter resources".)
const maxValues = 200

// Filters are the filters of a noun, whose rows are R.
type Filters[R any] struct {
	// Fields gives the values a row has under the name of a filter; the filter matches if one of them does.
	Fields map[string]func(R) []string
	// Tags are the row's tags, for the filters tag:KEY, tag-key and tag-value; nil if the noun has none.
	Tags func(R) []world.Tag
}

// Select returns the rows that match every filter, in their order.
func (t Filters[R]) Select(rows []R, filters []ec2api.Filter) ([]R, error) {
	match, err := t.Compile(filters)
	if err != nil {
		return nil, err
	}
	var kept []R
	for _, r := range rows {
		if match(r) {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// Compile makes a function that tells whether a row matches all filters. A row matches a filter if one of its values matches one
// of the filter's patterns, in which * stands for any characters, ? for exactly one, and \ takes the next one literally. An unknown
// filter is an InvalidParameterValue error.
func (t Filters[R]) Compile(filters []ec2api.Filter) (func(R) bool, error) {
	var tests []func(R) bool
	count := 0
	for _, f := range filters {
		name := "null"
		if f.Name != nil {
			name = *f.Name
		}
		values := t.Field(name)
		if values == nil {
			return nil, awserr.EC2InvalidFilter(name)
		}
		if len(f.Values) == 0 {
			return nil, awserr.EC2InvalidValue("The filter '" + name + "' has no value")
		}
		if count += len(f.Values); count > maxValues {
			return nil, awserr.New("FilterLimitExceeded", http.StatusBadRequest,
				"The maximum number of filter values specified on a single call is %d", maxValues)
		}
		tests = append(tests, func(r R) bool { return anyMatch(f.Values, values(r)) })
	}
	return func(r R) bool {
		for _, test := range tests {
			if !test(r) {
				return false
			}
		}
		return true
	}, nil
}

// Field gives the values a row has under the name of a filter, its tags' filters among them; it is nil if there is none.
func (t Filters[R]) Field(name string) func(R) []string {
	if f, ok := t.Fields[name]; ok {
		return f
	}
	if t.Tags == nil {
		return nil
	}
	key, isTag := strings.CutPrefix(name, "tag:")
	if !isTag && name != "tag-key" && name != "tag-value" {
		return nil
	}
	return func(r R) []string {
		var out []string
		for _, tag := range t.Tags(r) {
			switch {
			case name == "tag-key":
				out = append(out, tag.Key)
			case name == "tag-value", tag.Key == key:
				out = append(out, tag.Value)
			}
		}
		return out
	}
}

func anyMatch(patterns, values []string) bool {
	for _, p := range patterns {
		for _, v := range values {
			if Match(p, v) {
				return true
			}
		}
	}
	return false
}

// Match tells whether the whole of s is what pattern says. It takes time proportional to len(pattern) × len(s).
func Match(pattern, s string) bool {
	if !strings.ContainsAny(pattern, `*?\`) {
		return pattern == s
	}
	p, v := []rune(pattern), []rune(s)
	i, j := 0, 0
	star, mark := -1, 0 // the last * seen, and how far it reaches
	for j < len(v) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
			continue
		case i < len(p) && p[i] == '?':
			i, j = i+1, j+1
			continue
		case i+1 < len(p) && p[i] == '\\' && p[i+1] == v[j]:
			i, j = i+2, j+1
			continue
		case i < len(p) && p[i] == v[j] && (p[i] != '\\' || i+1 == len(p)):
			i, j = i+1, j+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = star+1, mark
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
