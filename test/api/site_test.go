package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kumiko/internal/world"
)

// line is a line of a file of calls: an operation, its parameters, and what to remember of the answer.
type line struct {
	op     string // service and name
	params string
	names  map[string]*regexp.Regexp
}

// read reads a file of calls.
func read(tb testing.TB, file string) []line {
	tb.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var out []line
	for text := range strings.Lines(string(raw)) {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		text, names, _ := strings.Cut(text, " -> ")
		parts := strings.SplitN(text, " ", 3)
		if len(parts) != 3 {
			tb.Fatalf("%s: %s", file, text)
		}
		l := line{parts[0] + " " + parts[1], parts[2], map[string]*regexp.Regexp{}}
		for n := range strings.FieldsSeq(names) {
			name, pattern, _ := strings.Cut(n, "=")
			l.names[name] = regexp.MustCompile(pattern)
		}
		out = append(out, l)
	}
	return out
}

// site is what a caller has: what populate.txt made, by name.
type site struct {
	*cloud
	tb     testing.TB
	caller caller
	ops    map[string]*operation
	names  map[string]string
	calls  map[string][]string // parameters of right calls, by operation
}

// place names in parameters.
var place = regexp.MustCompile(`\$[a-zA-Z]+`)

// populate gives the caller's account what the tests need.
func (c *cloud) populate(tb testing.TB, who caller, mark string) *site {
	tb.Helper()
	key := world.AccessKeyID("AKIA" + strings.ToUpper(mark) + strings.Repeat("A", 16-len(mark)))
	s := &site{cloud: c, tb: tb, caller: who, ops: operations(), calls: map[string][]string{}, names: map[string]string{
		"mark": mark, "account": who.account, "region": who.region, "regiona": who.region + "a", "regionb": who.region + "b",
		"now": fmt.Sprint(time.Now().UnixMilli()), "accessKey": string(key),
	}}
	if _, err := c.store.Update(context.Background(), func(tx *world.Tx) error {
		id := world.AccountID(who.account)
		tx.Accounts.Put(world.Account{ID: id, Name: who.account, Created: tx.Now})
		tx.AccessKeys.Put(world.AccessKey{ID: key, Secret: secret, Account: id, Created: tx.Now})
		for _, name := range []string{"role-" + mark, "other-" + mark} { // of IAM, which has its own tests
			tx.Roles.Put(world.Role{
				Identity: world.Identity{Account: id, ID: "AROA" + strings.ToUpper(name), Name: name, Path: "/", Created: tx.Now}, MaxSession: 3600,
				Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + who.account + `","Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
			})
			tx.InstanceProfiles.Put(world.InstanceProfile{Account: id, ID: "AIPA" + strings.ToUpper(name), Name: name, Path: "/", Created: tx.Now, Role: name})
		}
		offered := netip.AddrFrom4([4]byte{198, 18, byte(150 + tx.Addresses.Len()), 100}) // no other's begins like it
		giver := world.Caller{Account: "444444444444", Region: who.region}
		tx.Addresses.Put(world.Address{ID: world.AllocationID(tx.NewID("eipalloc")), Meta: tx.NewMeta(giver, nil), Public: offered,
			Transfer: world.AddressTransfer{From: giver.Account, To: id, Offered: tx.Now}})
		s.names["offered"] = offered.String()
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	for _, l := range read(tb, "testdata/calls.txt") {
		s.calls[l.op] = append(s.calls[l.op], l.params)
	}
	for _, l := range read(tb, "testdata/populate.txt") {
		a := s.call(l.op, s.parse(l.params))
		if !a.ok() && !(global(l.op) && strings.Contains(a.code+a.message, "Exist") || strings.Contains(a.message, "has been taken")) {
			tb.Fatalf("populate: %s %s: %v", l.op, s.fill(l.params), a)
		}
		for name, pattern := range l.names {
			m := pattern.FindStringSubmatch(a.body)
			if m == nil {
				tb.Fatalf("populate: %s: no %s in %s", l.op, pattern, a.body)
			}
			s.names[name] = m[len(m)-1]
		}
		c.settle()
	}
	return s
}

// on is the site on another cloud, to which what there is was copied.
func (s *site) on(tb testing.TB, c *cloud) *site {
	out := *s
	out.cloud, out.tb = c, tb
	return &out
}

const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// fill puts the names of the site into a text.
func (s *site) fill(text string) string {
	return place.ReplaceAllStringFunc(text, func(p string) string {
		v, ok := s.names[p[1:]]
		if !ok {
			s.tb.Fatalf("no name %s in %s", p, text)
		}
		return v
	})
}

// parse reads parameters.
func (s *site) parse(params string) object {
	d := json.NewDecoder(strings.NewReader(s.fill(params)))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		s.tb.Fatalf("%s: %v", params, err)
	}
	return o
}

// base is a right call of an operation, the first in the file.
func (s *site) base(op string) object { return s.bases(op)[0] }

// bases are all right calls of an operation.
func (s *site) bases(op string) []object {
	var out []object
	for _, params := range s.calls[op] {
		out = append(out, s.parse(params))
	}
	if len(out) == 0 {
		s.tb.Fatalf("testdata/calls.txt has no call of %s", op)
	}
	return out
}

// call calls an operation as the site's owner.
func (s *site) call(op string, in object) answer { return s.as(s.caller, op, in) }

// as calls an operation as somebody.
func (s *site) as(who caller, op string, in object) answer {
	o, ok := s.ops[op]
	if !ok {
		s.tb.Fatalf("there is no operation %s", op)
	}
	return s.do(o.request(who, in))
}

// sortedOps are the names of all operations.
func (s *site) sortedOps() []string { return slices.Sorted(maps.Keys(s.ops)) }

// ids are the values that belong to the site alone: its ids and the names with its mark.
func (s *site) ids() map[string]string {
	out := map[string]string{}
	for name, v := range s.names {
		switch name {
		case "mark", "region", "regiona", "regionb", "now", "image", "account":
			continue
		}
		out[name] = v
	}
	return out
}

// with is a copy of parameters in which the value at a path is another one. Structures and lists on the way are made.
func with(v any, path []any, value any) any {
	if len(path) == 0 {
		return value
	}
	switch step := path[0].(type) {
	case string:
		o := object{}
		if have, ok := v.(object); ok {
			o = maps.Clone(have)
		}
		o[step] = with(o[step], path[1:], value)
		return o
	default:
		l := []any{nil}
		if have, ok := v.([]any); ok && len(have) > 0 {
			l = slices.Clone(have)
		}
		l[0] = with(l[0], path[1:], value)
		return l
	}
}

// without is a copy of parameters in which the value at a path is missing.
func without(v any, path []any) any {
	if o, ok := v.(object); ok && len(path) == 1 {
		o = maps.Clone(o)
		delete(o, path[0].(string))
		return o
	}
	return with(v, path[:len(path)-1], without(at(v, path[:len(path)-1]), path[len(path)-1:]))
}

// at is the value at a path, nil if there is none.
func at(v any, path []any) any {
	for _, step := range path {
		switch x := v.(type) {
		case object:
			name, _ := step.(string)
			v = x[name]
		case []any:
			if len(x) == 0 {
				return nil
			}
			v = x[0]
		default:
			return nil
		}
	}
	return v
}

// global tells whether an operation is one of a service whose things are an account's in all regions alike.
func global(op string) bool { return strings.HasPrefix(op, "iam ") || strings.HasPrefix(op, "sts ") }

// never are operations that nothing a site has can be named to.
var never = []string{"vpc-lattice DeleteResourceEndpointAssociation", "ec2 CreateDefaultSubnet", "sts DecodeAuthorizationMessage",
	"iam GetServiceLinkedRoleDeletionStatus", "iam DeleteAccountAlias", "iam GetAccountPasswordPolicy", "iam GetLoginProfile", "iam DeleteLoginProfile"}

// TestCallsAreRight: every operation has a call in testdata/calls.txt, and it succeeds.
func TestCallsAreRight(t *testing.T) {
	s := newCloud(t).populate(t, ann, "ann")
	then := s.store.World()
	for _, op := range s.sortedOps() {
		for _, in := range s.bases(op) {
			a := s.call(op, in)
			if a.bad != nil || !a.ok() && !slices.Contains(never, op) {
				t.Errorf("%s %s: %v %v", op, encode(in), a, a.bad)
			}
			s.restore(then)
		}
	}
	if dump(t, s.store.World()) != dump(t, then) {
		t.Error("the world is not what it was")
	}
}
