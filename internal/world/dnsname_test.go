package world

import (
	"strings"
	"testing"
	"time"
)

func TestParseDNSName(t *testing.T) {
	for in, want := range map[string]string{
		"Example.COM.": "example.com", "*.example.com": `\052.example.com`, `\052.a`: `\052.a`, `\101b.a`: "ab.a", "_sip._tcp.a": "_sip._tcp.a",
		`a\.b.c`: `a\056b.c`, "a!b.c": `a\041b.c`, "a": "a",
		strings.Repeat("a", 63) + ".b": strings.Repeat("a", 63) + ".b",
	} {
		if got, ok := ParseDNSName(in); !ok || got != want {
			t.Errorf("%s is %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", ".", "a..b", ".a", "a b", "é", `a\`, `a\12`, `a\400`, `a\189`, strings.Repeat("a", 64), strings.Repeat("a.", 130)} {
		if got, ok := ParseDNSName(in); ok {
			t.Errorf("%q is taken, as %q", in, got)
		}
	}
}

// Names sort by their labels turned round, the apex first.
func TestReversedNames(t *testing.T) {
	names := []string{"example.com", `\052.example.com`, "-.example.com", "a.example.com", "b.a.example.com", "b.example.com", "example-a.com"}
	for i, n := range names[:len(names)-1] {
		a, b := RecordSetKey("Z", n, "A"), RecordSetKey("Z", names[i+1], "A")
		if i+2 == len(names) {
			a, b = b, a // a hyphen comes before the dot after a label
		}
		if a >= b {
			t.Errorf("%q does not come before %q", a, b)
		}
	}
}

func TestDecimalEscapes(t *testing.T) {
	for in, want := range map[string]string{`"caf\303\251"`: `"caf\195\169"`, `"a\"b\\"`: `"a\"b\\"`, "plain": "plain"} {
		if got := DecimalEscapes(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// Whatever is taken as a name is written so that it is taken again, as itself.
func FuzzParseDNSName(f *testing.F) {
	for _, seed := range []string{"a.b", `\052.a`, `a\.b`, "A", `\001`, ".."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		DecimalEscapes(in)
		name, ok := ParseDNSName(in)
		if !ok {
			return
		}
		if again, ok := ParseDNSName(name); !ok || again != name {
			t.Fatalf("%q is %q, which is %q, %v", in, name, again, ok)
		}
		if r := ReversedName(name); strings.Count(r, ".") != strings.Count(name, ".")+1 || strings.Contains(r, " ") {
			t.Fatalf("%q turned round is %q", name, r)
		}
	})
}

func TestHealthOfCalculatedChecks(t *testing.T) {
	tx := Begin(World{}, time.Unix(0, 0), nil)
	for id, well := range map[HealthCheckID]bool{"a": true, "b": false, "c": false} {
		tx.HealthChecks.Put(HealthCheck{ID: id})
		tx.HealthObservations.Put(HealthObservation{Check: id, Healthy: well})
	}
	put := func(id HealthCheckID, c HealthCheckConfig) {
		tx.HealthChecks.Put(HealthCheck{ID: id, HealthCheckConfig: c})
	}
	put("new", HealthCheckConfig{})
	put("off", HealthCheckConfig{Disabled: true, Inverted: true})
	put("one", HealthCheckConfig{Type: "CALCULATED", HealthThreshold: 1, Children: []HealthCheckID{"a", "b"}})
	put("two", HealthCheckConfig{Type: "CALCULATED", HealthThreshold: 2, Children: []HealthCheckID{"a", "b"}})
	put("not", HealthCheckConfig{Type: "CALCULATED", HealthThreshold: 2, Inverted: true, Children: []HealthCheckID{"a", "b"}})
	for id, want := range map[HealthCheckID]bool{"a": true, "b": false, "new": true, "off": false, "one": true, "two": false, "not": true, "gone": true} {
		if got := tx.Healthy(id); got != want {
			t.Errorf("%s is healthy: %v", id, got)
		}
	}
}
