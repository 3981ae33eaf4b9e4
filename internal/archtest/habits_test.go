package archtest

import (
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestHabits(t *testing.T) {
	s := repository(t)
	for _, f := range s.product() {
		globals := globals(f)
		f.functions(func(fn *ast.FuncDecl) {
			if fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: work is done by functions that are called, not by init", s.at(fn))
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if called(n, "time", "Sleep") && !strings.HasPrefix(f.pkg, "bench") {
						t.Errorf("%s: wait for the event instead of sleeping", s.at(n))
					}
				case *ast.AssignStmt:
					if n.Tok == token.DEFINE {
						break
					}
					for _, l := range n.Lhs {
						if id, ok := l.(*ast.Ident); ok && globals[id.Obj] {
							t.Errorf("%s: the package variable %s is changed", s.at(n), id.Name)
						}
					}
				}
				return true
			})
		})
	}
}

// globals are the objects of a file's package variables. (The parser resolves names within a file, which is where a
// variable that changes would be changed.)
func globals(f file) map[*ast.Object]bool {
	out := map[*ast.Object]bool{}
	for _, d := range f.ast.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, sp := range g.Specs {
			for _, n := range sp.(*ast.ValueSpec).Names {
				if n.Obj != nil {
					out[n.Obj] = true
				}
			}
		}
	}
	return out
}

func called(c *ast.CallExpr, pkg, name string) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// Pure packages read no clock: the time comes in with the transaction.
func TestPurePackagesReadNoClock(t *testing.T) {
	s := repository(t)
	for _, f := range s.product() {
		for _, p := range pure {
			if !within(f.pkg, "internal/"+p) {
				continue
			}
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok && (called(c, "time", "Now") || called(c, "time", "Since")) {
					t.Errorf("%s: a pure package reads the clock", s.at(c))
				}
				return true
			})
		}
	}
}

// unfinished and machine are what no committed file says.
var (
	unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	machine    = regexp.MustCompile(`(^|[^\w.~-])/(work|farm)/`)
)

func TestFilesAreFinishedAndOfNoMachine(t *testing.T) {
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", "../..", "ls-files", "-z").Output()
	if err != nil {
		t.Fatalf("the files of the repository are not known: %v", err)
	}
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		if strings.HasPrefix(name, "internal/archtest/") || strings.HasPrefix(name, "models/") || strings.HasSuffix(name, ".sum") {
			continue
		}
		raw, err := os.ReadFile("../../" + name)
		if err != nil {
			continue // removed, and not committed yet
		}
		for i, l := range strings.Split(string(raw), "\n") {
			if strings.HasSuffix(name, ".go") && unfinished.MatchString(l) {
				t.Errorf("%s:%d: unfinished: %s", name, i+1, strings.TrimSpace(l))
			}
			if machine.MatchString(l) {
				t.Errorf("%s:%d: a path of one machine: %s", name, i+1, strings.TrimSpace(l))
			}
		}
	}
}
