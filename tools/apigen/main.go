package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// service is one AWS service the program generates code for.
type service struct {
	Name    string // of its files in models/, and its signing name
	Package string // of the generated code
}

// services are the services built, in the order of docs/coverage.md.
func services() []service {
	return []service{
		{"ec2", "ec2api"},
		{"vpc-lattice", "latticeapi"},
		{"logs", "logsapi"},
		{"route53", "route53api"},
		{"sts", "stsapi"},
		{"iam", "iamapi"},
		{"route53resolver", "resolverapi"},
		{"ssm", "ssmapi"},
		{"ram", "ramapi"},
		{"elasticloadbalancing", "elbapi"},
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "import":
		return importModel(args[1], args[2])
	case len(args) == 1 && args[0] == "generate":
		files, err := generate(".")
		if err != nil {
			return err
		}
		return write(".", files)
	}
	return errors.New("usage: apigen import FILE SERVICE | apigen generate")
}

// write stores the files whose bytes differ from those on disk.
func write(root string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(root, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate makes all generated files, by path relative to root.
func generate(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	var covered []coverage
	for _, s := range services() {
		m, err := readModel(filepath.Join(root, "models", s.Name+".json"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		ops, err := readOps(filepath.Join(root, "models", s.Name+".ops"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		g, err := newGenerator(s, m, ops)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		for name, text := range map[string]string{"types": g.types(), "service": g.descriptor(), "constraints": g.constraints()} {
			data, err := g.file(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.Name, name, err)
			}
			files["internal/api/"+s.Package+"/zz_"+name+".go"] = data
		}
		covered = append(covered, coverage{title: m.Metadata.FullName, all: m.All, ops: ops})
	}
	files["docs/coverage.md"] = coveragePage(covered)
	return files, nil
}
