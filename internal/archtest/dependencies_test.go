package archtest

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// Every module that our code imports has its reason in docs/dependencies.md, and nothing else has.
func TestDependenciesHaveReasons(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := map[string]bool{}
	for _, f := range repository(t).files {
		for _, i := range f.ast.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if m := moduleOf(string(mod), p); m != "" {
				direct[m] = true
			}
		}
	}
	for m := range direct {
		if !strings.Contains(string(reasons), "\n| "+m+" |") {
			t.Errorf("docs/dependencies.md gives no reason for %s", m)
		}
	}
	for l := range strings.Lines(string(reasons)) {
		if cells := strings.Split(l, " | "); strings.Contains(cells[0], ".") && strings.HasPrefix(l, "| ") && !direct[strings.TrimPrefix(cells[0], "| ")] {
			t.Errorf("docs/dependencies.md tells of %s, which is not imported", strings.TrimPrefix(cells[0], "| "))
		}
	}
}

// moduleOf is the module in go.mod that an imported package belongs to, or nothing for our own and the standard ones.
func moduleOf(mod, imported string) string {
	for l := range strings.Lines(mod) {
		if f := strings.Fields(l); len(f) >= 2 && strings.HasPrefix(f[1], "v") && within(imported, f[0]) {
			return f[0]
		}
	}
	return ""
}
