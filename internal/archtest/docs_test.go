package archtest

import (
	"go/ast"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackagesAreDocumented(t *testing.T) {
	s := repository(t)
	docs := map[string][]string{}
	for _, f := range s.files {
		if f.test {
			continue
		}
		docs[f.pkg] = append(docs[f.pkg], "")
		if f.ast.Doc == nil {
			continue
		}
		text := f.ast.Doc.Text()
		docs[f.pkg] = append(docs[f.pkg], text)
		want := "Package " + f.ast.Name.Name + " "
		if f.ast.Name.Name == "main" {
			want = "Command " + filepath.Base(f.pkg) + " "
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%s: the package's doc must start with %q", f.path, want)
		}
	}
	for pkg, texts := range docs {
		switch n := len(strings.Fields(strings.Join(texts, " "))); {
		case n == 0:
			t.Errorf("%s has no package doc", pkg)
		case n < 5:
			t.Errorf("%s: the package doc says nothing", pkg)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	s := repository(t)
	for _, f := range s.product() {
		if f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && receiverExported(d) && d.Doc == nil {
					t.Errorf("%s: %s has no doc", s.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, name := range undocumented(d) {
					t.Errorf("%s: %s has no doc", s.at(name), name.Name)
				}
			}
		}
	}
}

// receiverExported tells whether a function is one, or a method of a type, that others see.
func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	e := d.Recv.List[0].Type
	if p, ok := e.(*ast.StarExpr); ok {
		e = p.X
	}
	switch x := e.(type) {
	case *ast.IndexExpr:
		e = x.X
	case *ast.IndexListExpr:
		e = x.X
	}
	id, ok := e.(*ast.Ident)
	return ok && id.IsExported()
}

// undocumented are the exported names of a declaration that neither it nor they have a comment for.
func undocumented(d *ast.GenDecl) (out []*ast.Ident) {
	for _, sp := range d.Specs {
		switch sp := sp.(type) {
		case *ast.TypeSpec:
			if sp.Name.IsExported() && sp.Doc == nil && sp.Comment == nil && d.Doc == nil {
				out = append(out, sp.Name)
			}
		case *ast.ValueSpec:
			for _, n := range sp.Names {
				if n.IsExported() && sp.Doc == nil && sp.Comment == nil && d.Doc == nil {
					out = append(out, n)
				}
			}
		}
	}
	return out
}
