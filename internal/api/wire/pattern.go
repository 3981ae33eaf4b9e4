package wire

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// pattern is a Java regular expression as AWS's models have them, matched against whole values. Package regexp cannot look ahead, nor
// repeat more than 1000 times; the models do the one only at the beginning of a pattern, or to keep hyphens apart, and the other
// only for what a maximum length limits as well.
type pattern struct {
	never []*regexp.Regexp // what the value must not begin with or, of hyphens, have in it
	whole *regexp.Regexp
}

// compilePattern reads a pattern.
func compilePattern(text string) (*pattern, error) {
	p, rest := &pattern{}, strings.TrimPrefix(unescaped(text), "^")
	for strings.HasPrefix(rest, "(?!") {
		end, ok := closing(rest)
		if !ok {
			return nil, fmt.Errorf("pattern %q: parenthesis without an end", text)
		}
		re, err := regexp.Compile("^(?:" + rest[len("(?!"):end] + ")")
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		p.never = append(p.never, re)
		rest = rest[end+1:]
	}
	if apart := strings.ReplaceAll(rest, "-(?!-)", "-"); apart != rest {
		p.never, rest = append(p.never, regexp.MustCompile("--")), apart
	}
	whole, err := regexp.Compile("^(?:" + unbounded(rest) + ")$")
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", text, err)
	}
	p.whole = whole
	return p, nil
}

// match tells whether the whole of s is what the pattern says.
func (p *pattern) match(s string) bool {
	for _, re := range p.never {
		if re.MatchString(s) {
			return false
		}
	}
	return p.whole.MatchString(s)
}

// closing is where the group that text begins with ends.
func closing(text string) (int, bool) {
	depth, class := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i, true
			}
		}
	}
	return 0, false
}

// unbounded takes the upper bound from repetitions that have one above what package regexp can do.
func unbounded(text string) string {
	if _, err := syntax.Parse(text, syntax.Perl); err == nil {
		return text
	}
	return regexp.MustCompile(`\{(\d+),(\d+)\}`).ReplaceAllStringFunc(text, func(bounds string) string {
		low, high, _ := strings.Cut(strings.Trim(bounds, "{}"), ",")
		if n, err := strconv.Atoi(high); err == nil && n > 1000 {
			return "{" + low + ",}"
		}
		return bounds
	})
}

// unescaped writes Java's \uXXXX as \x{XXXX}. The models mean \u10000 and \u10FFFF as one character each.
func unescaped(text string) string {
	return regexp.MustCompile(`\\u(10000|10FFFF|[0-9A-Fa-f]{4})`).ReplaceAllString(text, `\x{$1}`)
}
