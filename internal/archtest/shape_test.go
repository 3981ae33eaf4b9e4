package archtest

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The budgets: lines of files and functions, counts of the rest.
const (
	fileCap, fileUsual         = 600, 350 // the second holds for nine of ten
	functionCap, functionUsual = 80, 40
	parameterCap               = 5
	methodCap                  = 5
	packageCap                 = 15 // files without tests
)

// nouns are packages with a file a noun, which may have more files.
var nouns = [...]string{
	"internal/world", "internal/fabric", "internal/service/ec2", "internal/service/lattice", "internal/service/logs", "internal/service/iam", "internal/service/route53", "internal/service/ssm",
}

// repository is the code this test belongs to.
func repository(t *testing.T) *source {
	t.Helper()
	s, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.files) == 0 {
		t.Fatal("no code was found")
	}
	return s
}

func TestFilesAndPackagesAreSmall(t *testing.T) {
	s := repository(t)
	var lengths []int
	count := map[string]int{}
	for _, f := range s.own() {
		lengths = append(lengths, f.lines)
		if f.lines > fileCap {
			t.Errorf("%s has %d lines, the cap is %d", f.path, f.lines, fileCap)
		}
		if !f.test {
			count[f.pkg]++
		}
	}
	if p := percentile(lengths, 90); p > fileUsual {
		t.Errorf("one file of ten has %d lines or more, %d are usual", p, fileUsual)
	}
	for pkg, n := range count {
		if n > packageCap && !slices.Contains(nouns[:], pkg) {
			t.Errorf("%s has %d files, the cap is %d", pkg, n, packageCap)
		}
	}
}

func TestFunctionsAndInterfacesAreSmall(t *testing.T) {
	s := repository(t)
	var lengths []int
	for _, f := range s.own() {
		f.functions(func(fn *ast.FuncDecl) {
			n := s.length(fn)
			lengths = append(lengths, n)
			if n > functionCap {
				t.Errorf("%s: %s has %d lines, the cap is %d", s.at(fn), fn.Name.Name, n, functionCap)
			}
			if n := fn.Type.Params.NumFields(); n > parameterCap {
				t.Errorf("%s: %s has %d parameters, the cap is %d", s.at(fn), fn.Name.Name, n, parameterCap)
			}
		})
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > methodCap {
				t.Errorf("%s: an interface has %d methods, the cap is %d", s.at(i), i.Methods.NumFields(), methodCap)
			}
			return true
		})
	}
	if p := percentile(lengths, 90); p > functionUsual {
		t.Errorf("one function of ten has %d lines or more, %d are usual", p, functionUsual)
	}
}

func TestNames(t *testing.T) {
	avoid := []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "core", "types", "models"}
	s := repository(t)
	for _, f := range s.own() {
		if slices.Contains(avoid, filepath.Base(f.pkg)) || !f.test && slices.Contains(avoid, strings.TrimSuffix(filepath.Base(f.path), ".go")) {
			t.Errorf("%s: the name says nothing", f.path)
		}
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, sp := range g.Specs {
				ty, ok := sp.(*ast.TypeSpec)
				if ok && (strings.HasSuffix(ty.Name.Name, "Manager") || strings.HasSuffix(ty.Name.Name, "Impl") || strings.HasSuffix(ty.Name.Name, "Helper")) {
					t.Errorf("%s: the name %s says nothing", s.at(ty), ty.Name.Name)
				}
			}
		}
	}
}
