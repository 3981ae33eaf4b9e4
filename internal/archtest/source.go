package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// module is the path all our packages start with.
const module = "kumiko"

// roots are the folders that hold Go code.
var roots = [...]string{"cmd", "internal", "tools", "test", "bench"}

// file is one parsed Go file.
type file struct {
	path  string // from the top of the repository
	pkg   string // folder from the top of the repository
	test  bool
	made  bool // generated
	lines int
	ast   *ast.File
}

// source is all Go code of the repository.
type source struct {
	fset  *token.FileSet
	files []file
}

// load parses the repository whose top is dir.
func load(dir string) (*source, error) {
	s := &source{fset: token.NewFileSet()}
	for _, r := range roots {
		err := filepath.WalkDir(filepath.Join(dir, r), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && (strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata") {
				return fs.SkipDir // as the go command does
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			return s.parse(dir, path)
		})
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	return s, nil
}

func (s *source) parse(dir, path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	a, err := parser.ParseFile(s.fset, rel, raw, parser.ParseComments)
	if err != nil {
		return err
	}
	s.files = append(s.files, file{
		path: rel, pkg: filepath.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
		made: strings.HasPrefix(filepath.Base(rel), "zz_"), lines: strings.Count(string(raw), "\n"), ast: a,
	})
	return nil
}

// own are the files people wrote, tests included.
func (s *source) own() []file {
	return slices.DeleteFunc(slices.Clone(s.files), func(f file) bool { return f.made })
}

// product are the files people wrote that go into programs.
func (s *source) product() []file {
	return slices.DeleteFunc(s.own(), func(f file) bool { return f.test || strings.HasPrefix(f.pkg, "test/") })
}

// at is where a node stands.
func (s *source) at(n ast.Node) string {
	p := s.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// length is how many lines a node takes.
func (s *source) length(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

// functions calls f for each function declaration with a body.
func (f file) functions(each func(*ast.FuncDecl)) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			each(fn)
		}
	}
}

// percentile is the value below which p percent of the numbers lie.
func percentile(n []int, p int) int {
	if len(n) == 0 {
		return 0
	}
	slices.Sort(n)
	return n[min(len(n)-1, len(n)*p/100)]
}
