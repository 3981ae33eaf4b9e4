package policy

import (
	"strings"
)

// Wildcards of a pattern, which no text contains.
const (
	anyRunes rune = -1 - iota
	oneRune
)

// pattern reads * and ? as wildcards.
func pattern(text string) []rune {
	out := []rune(text)
	for i, r := range out {
		switch r {
		case '*':
			out[i] = anyRunes
		case '?':
			out[i] = oneRune
		}
	}
	return out
}

// matches tells whether the whole of text is what pattern says, in time proportional to the product of their lengths.
func matches(p []rune, text string) bool {
	v := []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(v) {
		switch {
		case i < len(p) && p[i] == anyRunes:
			star, mark = i, j
			i++
			continue
		case i < len(p) && (p[i] == oneRune || p[i] == v[j]):
			i, j = i+1, j+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = star+1, mark
	}
	for i < len(p) && p[i] == anyRunes {
		i++
	}
	return i == len(p)
}

// Glob tells whether the whole of text is what pattern says, with * for any characters and ? for one.
func Glob(p, text string) bool { return matches(pattern(p), text) }

// matchAction compares names of actions, for which case does not count.
func matchAction(p, action string) bool {
	return matches(pattern(strings.ToLower(p)), strings.ToLower(action))
}

// matchARN compares the six parts of ARNs, each with wildcards of its own.
func matchARN(p []rune, arn string) bool {
	want, have := splitRunes(p), strings.SplitN(arn, ":", 6)
	if len(want) != 6 || len(have) != 6 {
		return len(want) == 1 && len(want[0]) == 1 && want[0][0] == anyRunes
	}
	for i := range want {
		if !matches(want[i], have[i]) {
			return false
		}
	}
	return true
}

// splitRunes splits a pattern at its first five colons.
func splitRunes(p []rune) [][]rune {
	var out [][]rune
	from := 0
	for i, r := range p {
		if r == ':' && len(out) < 5 {
			out = append(out, p[from:i])
			from = i + 1
		}
	}
	return append(out, p[from:])
}

// expand replaces the variables of a text by what the request says, and reads wildcards if asked to. What a variable
// stands for is taken literally. It fails where a variable has no value. (IAM User Guide, "Policy variables".)
func (r *Request) expand(text string, variables, wild bool) ([]rune, bool) {
	read := func(s string) []rune {
		if wild {
			return pattern(s)
		}
		return []rune(s)
	}
	if !variables {
		return read(text), true
	}
	var out []rune
	for {
		before, rest, found := strings.Cut(text, "${")
		out = append(out, read(before)...)
		if !found {
			return out, true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return append(out, read("${"+rest)...), true
		}
		value, ok := r.variable(name)
		if !ok {
			return nil, false
		}
		out = append(out, []rune(value)...)
		text = after
	}
}

// variable is the value of a variable, which may have a default: aws:username, 'nobody'.
func (r *Request) variable(text string) (string, bool) {
	if text == "*" || text == "?" || text == "$" {
		return text, true
	}
	key, fallback, has := strings.Cut(text, ",")
	if v := r.Keys[strings.ToLower(strings.TrimSpace(key))]; len(v) == 1 {
		return v[0], true
	}
	fallback = strings.TrimSpace(fallback)
	if has && len(fallback) >= 2 && fallback[0] == '\'' && fallback[len(fallback)-1] == '\'' {
		return fallback[1 : len(fallback)-1], true
	}
	return "", false
}
