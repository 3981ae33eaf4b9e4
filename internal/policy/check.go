package policy

import (
	"slices"
	"strings"
)

// check refuses what IAM refuses in documents of the kind. (The texts are those IAM answers.)
func (d *Document) check(kind Kind) error {
	for _, s := range d.Statements {
		if err := s.check(kind); err != nil {
			return err
		}
	}
	return nil
}

func (s *Statement) check(kind Kind) error {
	if strings.Trim(s.SID, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" && kind != Resource && kind != Endpoint {
		return syntax()
	}
	if err := s.checkPrincipals(kind); err != nil {
		return err
	}
	if len(s.Actions) == 0 {
		return &Error{"Policy statement must contain actions."}
	}
	for _, a := range s.Actions {
		if err := checkAction(a, kind); err != nil {
			return err
		}
	}
	if kind == Trust {
		if s.Resources != nil {
			return &Error{"Has prohibited field Resource"}
		}
		return nil
	}
	if len(s.Resources) == 0 {
		return &Error{"Policy statement must contain resources."}
	}
	for _, r := range s.Resources {
		if err := checkResource(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *Statement) checkPrincipals(kind Kind) error {
	p := s.Principals
	none := !p.Any && len(p.AWS)+len(p.Service)+len(p.Federated)+len(p.Canonical) == 0
	switch {
	case kind == Identity && !none:
		return &Error{"Policy document should not specify a principal."}
	case kind == Identity:
		return nil
	case none:
		return &Error{"Missing required field Principal"}
	case s.NotPrincipal && !s.Deny:
		return &Error{"Allow with NotPrincipal is not allowed."}
	}
	for _, a := range p.AWS {
		if a != "*" && !isPrincipal(a) {
			return &Error{`Invalid principal in policy: "AWS":"` + a + `"`}
		}
	}
	for _, v := range p.Service {
		if !strings.Contains(v, ".") || strings.ContainsAny(v, "*?/ ") {
			return &Error{`Invalid principal in policy: "SERVICE":"` + v + `"`}
		}
	}
	return nil
}

// isPrincipal tells whether a text names an account, a user, a role, a session or the unique id of one of them.
func isPrincipal(a string) bool {
	if isAccount(a) {
		return true
	}
	if len(a) >= 16 && len(a) <= 32 && (strings.HasPrefix(a, "AROA") || strings.HasPrefix(a, "AIDA")) && !strings.ContainsAny(a, ":/*?") {
		return true
	}
	parts := strings.SplitN(a, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" && parts[2] != "sts" || parts[3] != "" || !isAccount(parts[4]) {
		return false
	}
	if strings.ContainsAny(parts[5], "*?") {
		return false
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "root":
		return name == ""
	case "user", "role", "assumed-role", "federated-user", "group":
		return name != "" && kind != "group"
	}
	return false
}

func checkAction(a string, kind Kind) error {
	if a == "*" {
		if kind == Trust {
			return &Error{"AssumeRole policy may only specify STS AssumeRole actions."}
		}
		return nil
	}
	vendor, name, ok := strings.Cut(a, ":")
	if !ok {
		return &Error{"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."}
	}
	if vendor == "" || strings.Trim(strings.ToLower(vendor), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return &Error{"Vendor " + vendor + " is not valid"}
	}
	if name == "" || strings.Contains(name, ":") {
		return &Error{"Actions/Condition can contain only one colon."}
	}
	if kind == Trust && !strings.EqualFold(vendor, "sts") {
		return &Error{"AssumeRole policy may only specify STS AssumeRole actions."}
	}
	return nil
}

func checkResource(r string) error {
	if r == "*" {
		return nil
	}
	parts := strings.SplitN(r, ":", 6)
	if len(parts) < 2 && strings.HasPrefix("arn", strings.TrimRight(r, "*")) && strings.HasSuffix(r, "*") {
		return nil
	}
	if parts[0] != "arn" && !strings.ContainsAny(parts[0], "*") {
		return &Error{"Resource " + r + ` must be in ARN format or "*".`}
	}
	if len(parts) > 1 && !strings.ContainsAny(parts[1], "*?$") && !slices.Contains([]string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b"}, parts[1]) {
		return &Error{`Partition "` + parts[1] + `" is not valid for resource "` + r + `".`}
	}
	if len(parts) < 6 && !strings.ContainsAny(parts[len(parts)-1], "*") {
		return &Error{"Resource " + r + ` must be in ARN format or "*".`}
	}
	return nil
}
