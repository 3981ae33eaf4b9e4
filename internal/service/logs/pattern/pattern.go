package pattern

import (
	"errors"
	"regexp"
	"strings"
)

// ErrInvalid is the error of everything that is no pattern.
var ErrInvalid = errors.New("pattern: invalid filter pattern")

// Pattern tells messages that match from those that do not.
type Pattern interface {
	Match(message string) bool
}

// Parse reads a pattern.
func Parse(text string) (Pattern, error) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return parseTerms(text)
	}
	read, closing := parseJSON, "}"
	if text[0] == '[' {
		read, closing = parseFields, "]"
	}
	inner, closed := strings.CutSuffix(text[1:], closing)
	if !closed {
		return nil, ErrInvalid
	}
	return read(inner)
}

// terms match a message as a whole.
type terms struct{ all, any, none []matcher }

// Match tells whether the message has all terms, or one of the optional ones, and none of the excluded ones. Where
// there are terms that must be there, the optional ones do not count.
func (t terms) Match(message string) bool {
	for _, m := range t.none {
		if m.within(message) {
			return false
		}
	}
	for _, m := range t.all {
		if !m.within(message) {
			return false
		}
	}
	if len(t.all) > 0 || len(t.any) == 0 {
		return true
	}
	for _, m := range t.any {
		if m.within(message) {
			return true
		}
	}
	return false
}

func parseTerms(text string) (Pattern, error) {
	var t terms
	s := &scanner{text: text}
	for s.space(); !s.done(); s.space() {
		list := &t.all
		switch s.peek() {
		case '?':
			s.pos++
			list = &t.any
		case '-':
			s.pos++
			list = &t.none
		}
		m, err := s.value(" \t")
		if err != nil {
			return nil, err
		}
		*list = append(*list, m)
	}
	return t, nil
}

// matcher is a value of a pattern: a text, in which * stands for anything when whole values are compared, or a regular
// expression.
type matcher struct {
	text   string
	quoted bool
	re     *regexp.Regexp
}

// within tells whether the message contains the value.
func (m matcher) within(message string) bool {
	if m.re != nil {
		return m.re.MatchString(message)
	}
	return strings.Contains(message, m.text)
}

// equals tells whether value is the matcher's, wildcards counted.
func (m matcher) equals(value string) bool {
	if m.re != nil {
		return m.re.MatchString(value)
	}
	parts := strings.Split(m.text, "*")
	if len(parts) == 1 {
		return value == m.text
	}
	last := len(parts) - 1
	if !strings.HasPrefix(value, parts[0]) {
		return false
	}
	value = value[len(parts[0]):]
	for _, p := range parts[1:last] {
		i := strings.Index(value, p)
		if i < 0 {
			return false
		}
		value = value[i+len(p):]
	}
	return strings.HasSuffix(value, parts[last])
}

// scanner reads a pattern's text.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) done() bool { return s.pos >= len(s.text) }

func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.pos]
}

func (s *scanner) space() {
	for !s.done() && strings.IndexByte(" \t\r\n", s.peek()) >= 0 {
		s.pos++
	}
}

// take moves over the token if it comes next.
func (s *scanner) take(token string) bool {
	s.space()
	if !strings.HasPrefix(s.text[s.pos:], token) {
		return false
	}
	s.pos += len(token)
	return true
}

// word moves over a word of letters if it comes next, whatever its case.
func (s *scanner) word(w string) bool {
	s.space()
	rest := s.text[s.pos:]
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	if len(rest) > len(w) && (rest[len(w)] == '_' || rest[len(w)] >= '0' && rest[len(w)] <= 'z') {
		return false
	}
	s.pos += len(w)
	return true
}

// value reads a quoted text, a regular expression, or text up to one of the ending characters.
func (s *scanner) value(ends string) (matcher, error) {
	s.space()
	switch s.peek() {
	case '"':
		return s.quoted()
	case '%':
		return s.regexp()
	}
	start := s.pos
	for !s.done() && strings.IndexByte(ends, s.peek()) < 0 {
		s.pos++
	}
	if s.pos == start {
		return matcher{}, ErrInvalid
	}
	return matcher{text: s.text[start:s.pos]}, nil
}

func (s *scanner) quoted() (matcher, error) {
	var b strings.Builder
	for s.pos++; !s.done(); s.pos++ {
		switch c := s.peek(); {
		case c == '"':
			s.pos++
			return matcher{text: b.String(), quoted: true}, nil
		case c == '\\' && s.pos+1 < len(s.text):
			s.pos++
			b.WriteByte(s.peek())
		default:
			b.WriteByte(c)
		}
	}
	return matcher{}, ErrInvalid
}

func (s *scanner) regexp() (matcher, error) {
	start := s.pos + 1
	for s.pos = start; !s.done(); s.pos++ {
		switch s.peek() {
		case '\\':
			s.pos++
		case '%':
			re, err := regexp.Compile(strings.ReplaceAll(s.text[start:s.pos], `\%`, "%"))
			s.pos++
			if err != nil {
				return matcher{}, ErrInvalid
			}
			return matcher{re: re}, nil
		}
	}
	return matcher{}, ErrInvalid
}
