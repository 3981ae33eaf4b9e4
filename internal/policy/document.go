package policy

import "strings"

// Kind is what a document is attached to, which decides what it must and must not say.
type Kind int

// The kinds of document.
const (
	Identity Kind = iota + 1 // users, groups, roles, permissions boundaries, sessions
	Resource                 // resources that have a policy of their own
	Trust                    // roles: who may assume them
	Endpoint                 // VPC endpoints
)

// Versions of the policy language. Variables are replaced in the newer one only.
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// Document is a policy document.
type Document struct {
	Version    string
	ID         string
	Statements []Statement
}

// Statement allows or denies some actions, to some principals, on some resources, under some conditions.
type Statement struct {
	SID          string
	Deny         bool
	Principals   Principals // of documents that have them
	NotPrincipal bool       // the statement is about everyone but Principals
	Actions      []string
	NotAction    bool
	Resources    []string // empty in trust policies: the role itself
	NotResource  bool
	Conditions   []Condition

	variables bool // are replaced
}

// Principals is the element Principal or NotPrincipal.
type Principals struct {
	Any       bool // "*", of whatever kind
	AWS       []string
	Service   []string
	Federated []string
	Canonical []string
}

// Condition is one key of one operator in a condition block.
type Condition struct {
	Operator string // without qualifiers, e.g. StringLike
	Set      string // ForAllValues, ForAnyValue or empty
	IfExists bool
	Key      string
	Values   []string
}

// AllowAll is the document of a VPC endpoint that was given none.
const AllowAll = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// Error is a document that is not accepted. Text is IAM's.
type Error struct{ Text string }

// Error says it for people.
func (e *Error) Error() string { return "policy: " + e.Text }

// AccountOf is the account in a principal of the form 111122223333 or arn:aws:iam::111122223333:…, if it has one.
func AccountOf(principal string) string {
	if isAccount(principal) {
		return principal
	}
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" {
		return parts[4]
	}
	return ""
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
