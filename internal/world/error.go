package world

import "fmt"

// Kind says what is wrong in terms that hold for every noun. Package awserr turns (Kind, Noun) into AWS codes.
type Kind int

// The kinds of error.
const (
	NotFound  Kind = iota + 1
	InUse          // something depends on it
	Conflict       // something like it exists already, or the state forbids it
	Invalid        // a value is not acceptable
	Exhausted      // no address, index or quota left
)

// Error is a refusal by the domain.
type Error struct {
	Kind    Kind
	Noun    string // as in the table's name: vpc, subnet, …
	ID      string
	By      string // what depends on it, or conflicts with it
	Message string // further detail, may be empty
}

// Error says it for people.
func (e *Error) Error() string {
	what := map[Kind]string{NotFound: "not found", InUse: "in use", Conflict: "conflict", Invalid: "invalid", Exhausted: "exhausted"}[e.Kind]
	s := fmt.Sprintf("%s %s: %s", e.Noun, e.ID, what)
	if e.By != "" {
		s += " (by " + e.By + ")"
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}
