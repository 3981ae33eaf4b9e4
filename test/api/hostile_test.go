package api

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/wire"
)

// attack is a value put in the place of a member.
type attack struct {
	name  string
	value any
	// fails: there is no way that the call is right.
	fails bool
}

// text is what strings are replaced by. None is the name or id of anything.
func text() []attack {
	return []attack{
		{"empty", "", false},
		{"blank", " ", false},
		{"nul", "a\x00b", false},
		{"control", "a\x01\x1b[31m\r\nb", false},
		{"unicode", "žluťoučký\u202e\U0001F4A5", false},
		{"no character", "a\uFFFFb", false},
		{"lines", "a\nb", false},
		{"parent", "../../../etc/passwd", false},
		{"quotes", `'"` + "`$(id)", false},
		{"markup", `</Message><Code>x</Code>&lt;&amp;]]><!--`, false},
		{"json", `"}],"x":{"$ref":"#"}`, false},
		{"format", "%s%n%d{{.}}${jndi:x}", false},
		{"slashes", "a/b//c", false},
		{"minus", "-1", false},
		{"long", strings.Repeat("a", 1<<10), false},
	}
}

// huge is a string that just fits into a request.
func huge() attack { return attack{"huge", strings.Repeat("a", 1<<20-8<<10), false} }

// attacks are the values to put in the place of m, where the right call has the given value.
func (s *site) attacks(o *operation, m member, right any, other *site) []attack {
	var out []attack
	wrong := func(name string, v any) { out = append(out, attack{name, v, o.spec.Protocol != wire.AWSQuery}) }
	json := o.service == "logs" || o.service == "ssm" || o.service == "route53resolver" || o.service == "vpc-lattice" && m.place == ""
	query := o.spec.Protocol == wire.EC2Query || o.spec.Protocol == wire.AWSQuery
	switch kind := m.kind.Kind(); {
	case isList(m.kind):
		if json {
			wrong("text for a list", "a")
			wrong("object for a list", object{"a": "b"})
			wrong("list with null", []any{nil})
		}
		out = append(out, attack{"1001 items", many(1001), false})
		if !query { // which cannot say it
			out = append(out, attack{"no items", []any{}, false})
		}
	case isStructure(m.kind):
		if json {
			wrong("text for a structure", "a")
			wrong("list for a structure", []any{})
		} else if m.place == "" {
			wrong("text for a structure", "a")
		}
		if !query {
			out = append(out, attack{"no members", object{}, false})
		}
	case kind == reflect.Map:
		wrong("text for a map", "a")
		wrong("list for a map", []any{"a"})
		wrong("number in a map", object{"a": 1})
		for _, a := range text() {
			out = append(out, attack{"key " + a.name, object{plain(a.value): "v"}, false}, attack{"value " + a.name, object{"k": a.value}, false})
		}
	case kind == reflect.Bool:
		wrong("text for a boolean", "maybe")
		wrong("number for a boolean", 2)
	case kind == reflect.Int32 || kind == reflect.Int64 || kind == reflect.Float64:
		wrong("text for a number", "abc")
		wrong("blank for a number", " ")
		wrong("huge number", "99999999999999999999999")
		for _, n := range []int64{-1, 0, -1 << 31, 1<<31 - 1, 1 << 31, -1 << 63, 1<<63 - 1} {
			out = append(out, attack{fmt.Sprint(n), n, false})
		}
		if json {
			wrong("boolean for a number", true)
			out = append(out, attack{"1.5", 1.5, true})
		}
	case kind == reflect.Struct && m.kind == reflect.TypeFor[time.Time]():
		wrong("text for a time", "yesterday")
	case kind == reflect.Slice:
		wrong("no base64", "%%%%")
		out = append(out, text()...)
	default:
		if json {
			wrong("number for a text", 7)
			wrong("object for a text", object{"a": "b"})
			wrong("list for a text", []any{"a"})
			wrong("boolean for a text", true)
		}
		out = append(out, text()...)
		out = append(out, s.impostors(right, other)...)
	}
	return out
}

func many(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = fmt.Sprint("a", i)
	}
	return out
}

// anID has the form of an id.
var anID = regexp.MustCompile(`([a-z-]+-)([0-9a-f]{17})$`)

// impostors are ids in the place of a right one: malformed, of nothing, of another kind, of another account.
func (s *site) impostors(right any, other *site) []attack {
	id, ok := right.(string)
	if !ok {
		return nil
	}
	var out []attack
	for name, v := range s.ids() {
		if !strings.Contains(id, v) || name == "accessKey" {
			continue
		}
		foreign := strings.ReplaceAll(id, v, other.names[name])
		out = append(out, attack{"of another account: " + name, foreign, true})
	}
	if m := anID.FindStringSubmatch(id); m != nil && !strings.HasPrefix(id, "ami-") { // unknown images start the default one
		out = append(out,
			attack{"of nothing", strings.TrimSuffix(id, m[2]) + "0123456789abcdef0", true},
			attack{"too short", strings.TrimSuffix(id, m[2]) + "0123", true},
			attack{"upper case", strings.TrimSuffix(id, m[2]) + strings.ToUpper("0123456789abcdef0"), true},
			attack{"too long", id + "0", true},
			attack{"with a tail", id + "\n", true},
			attack{"with a blank", " " + id, true},
			attack{"of another kind", "zzz-" + m[2], true},
		)
		if strings.HasPrefix(id, "arn:") {
			out = append(out,
				attack{"of another region", strings.ReplaceAll(id, s.caller.region, "eu-west-1"), true},
				attack{"of another number", strings.ReplaceAll(id, s.caller.account, other.caller.account), true})
		}
	}
	return out
}

// anyID is an id anywhere in a text.
var anyID = regexp.MustCompile(`[a-z-]+-[0-9a-f]{17}\b`)

// plausible are the codes that may be the answer to a wrong request, by service.
func plausible(service string) *regexp.Regexp {
	return regexp.MustCompile(map[string]string{
		"ec2": `^(Invalid[A-Za-z]*(\.[A-Za-z]+)?|MissingParameter|UnknownParameter|MalformedQueryString|UnsupportedOperation|RequestEntityTooLarge|` +
			`VPCIdNotSpecified|DependencyViolation|OperationNotPermitted|IncorrectInstanceState|IncorrectState|Idempotent\w+|DryRunOperation|` +
			`NatGateway(NotFound|Malformed)|VpcPeeringConnectionAlreadyExists|\w*LimitExceeded|RouteAlreadyExists|InsufficientFreeAddressesInSubnet|PrefixList\w+|RulesPerSecurityGroupLimitExceeded|Resource\.AlreadyAssociated|DefaultVpcDoesNotExist|NoSuchAssociation|Unsupported|MissingAction)$`,
		"logs":                 `^(InvalidParameterException|SerializationException|ResourceNotFoundException|ResourceAlreadyExistsException|ValidationException|LimitExceededException|RequestEntityTooLargeException)$`,
		"route53resolver":      `^(InvalidParameterException|InvalidRequestException|SerializationException|ValidationException|ResourceNotFoundException|ResourceExistsException|ResourceInUseException|ResourceUnavailableException|LimitExceededException|InvalidNextTokenException|InvalidTagException|AccessDeniedException|RequestEntityTooLargeException|UnsupportedOperation)$`,
		"iam":                  `^(ValidationError|InvalidInput|NoSuchEntity|EntityAlreadyExists|DeleteConflict|LimitExceeded|MalformedPolicyDocument|UnmodifiableEntity|PolicyNotAttachable|PolicyEvaluation|MalformedInput|MalformedQueryString|InvalidParameterValue|RequestEntityTooLarge|AccessDenied|InvalidAction|UnsupportedOperation)$`,
		"elasticloadbalancing": `^(ValidationError|\w+NotFound|Duplicate\w+|TooMany\w+|Invalid\w+|ResourceInUse|OperationNotPermitted|TargetGroupAssociationLimit|MalformedInput|MalformedQueryString|RequestEntityTooLarge|UnsupportedOperation)$`,
		"sts":                  `^(ValidationError|MalformedInput|MalformedQueryString|InvalidParameterValue|RequestEntityTooLarge|AccessDenied|MalformedPolicyDocument|InvalidAuthorizationMessageException)$`,
		"vpc-lattice":          `^(ValidationException|ResourceNotFoundException|ConflictException|ServiceQuotaExceededException|AccessDeniedException|UnknownOperationException|RequestEntityTooLargeException|RequestEntityTooLarge)$`,
		"ssm":                  `^(ValidationException|SerializationException|Invalid\w+|TargetNotConnected|DoesNotExistException|\w*NotFound(Exception)?|\w*AlreadyExists(Exception)?|\w*Exceeded(Exception)?|DuplicateDocument\w+|ParameterPatternMismatchException|UnsupportedParameterType|HierarchyTypeMismatchException|InvocationDoesNotExist|AccessDeniedException|RequestEntityTooLargeException|UnknownOperationException|DocumentVersionLimitExceeded|ParameterVersionNotFound)$`,
	}[service])
}

// judgement is what an answer is measured by.
type judgement struct {
	fails bool // the call must fail
	moved bool // the world changed
}

// judge checks the answer to an attack, and that a refused one changed nothing.
func (s *site) judge(t *testing.T, o *operation, what string, a answer, j judgement) {
	t.Helper()
	switch {
	case a.bad != nil:
		t.Errorf("%s: %s: the answer is not in AWS's form: %v: %v", o, what, a.bad, cut(a.body))
	case a.status >= 500 && a.code != "UnsupportedOperation" && !(o.service == "ssm" && a.status == 501): // a member that is not built is refused whatever it is
		t.Errorf("%s: %s: %v", o, what, a)
	case a.ok() && j.fails:
		t.Errorf("%s: %s succeeds: %v", o, what, a)
	case !a.ok() && !plausible(o.service).MatchString(a.code):
		t.Errorf("%s: %s: implausible code: %v", o, what, a)
	case !a.ok() && j.moved:
		t.Errorf("%s: %s: refused, but the world changed: %v", o, what, a)
	}
}

// TestHostile spoils one right call of each operation in every way, one way at a time.
func TestHostile(t *testing.T) {
	first := newCloud(t)
	bobs, anns := first.populate(t, bob, "bob"), first.populate(t, ann, "ann")
	then := first.store.World()
	for _, name := range anns.sortedOps() {
		t.Run(strings.ReplaceAll(name, " ", "/"), func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.copy(then)
			other, s := bobs.on(t, c), anns.on(t, c)
			for i, in := range s.bases(name) {
				if a := s.call(name, in); !a.ok() && !slices.Contains(never, name) {
					t.Fatalf("the right call: %v", a)
				}
				c.restore(then)
				s.attackAll(t, name, in, other)
				if i == 0 {
					s.forget(t, name, in)
				}
			}
		})
	}
}

// try makes a call that may or must fail, judges the answer and puts everything back.
func (s *site) try(t *testing.T, what string, o *operation, in any, fails bool) {
	t.Helper()
	then := s.store.World()
	a := s.do(o.request(s.caller, in.(object)))
	s.judge(t, o, what, a, judgement{fails, s.store.World().Rev != then.Rev})
	s.restore(then)
}

// forget leaves out what is required.
func (s *site) forget(t *testing.T, name string, right object) {
	o := s.ops[name]
	members, mandatory := o.members(), false
	for _, m := range members {
		if m.need && len(m.path) == 1 {
			mandatory = true
			if m.place != "uri" {
				s.try(t, "without "+m.String(), o, without(right, m.path), true)
			}
		}
	}
	if !hasLabel(members) {
		s.try(t, "nothing", o, object{}, mandatory)
	}
	s.try(t, "an unknown parameter", o, with(right, []any{"Whatever"}, "x"), o.service == "ec2")
}

// attackAll replaces each member by each attack.
func (s *site) attackAll(t *testing.T, name string, right object, other *site) {
	o := s.ops[name]
	then := s.store.World()
	for _, m := range o.members() {
		list := s.attacks(o, m, at(right, m.path), other)
		if m.kind.Kind() == reflect.String && len(m.path) == 1 {
			list = append(list, huge())
		}
		for _, a := range list {
			if m.place == "uri" && plain(a.value) == "" {
				continue // the path of another operation
			}
			what := fmt.Sprintf("%v: %s", m, a.name)
			s.try(t, what, o, with(right, m.path, a.value), a.fails && !harmless(o, what) || !a.fails && !tolerable(o, m, what))
		}
	}
	if dump(t, s.store.World()) != dump(t, then) {
		t.Error("the world is not what it was")
	}
}

// hasLabel tells whether an operation has a member in its path, without which it has no path.
func hasLabel(members []member) bool {
	for _, m := range members {
		if m.place == "uri" {
			return true
		}
	}
	return false
}
