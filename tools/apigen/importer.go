package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// importModel trims the model in file to the operations of models/svc.ops and stores it as models/svc.json.
func importModel(file, svc string) error {
	ops, err := readOps("models/" + svc + ".ops")
	if err != nil {
		return err
	}
	full, err := readFull(file)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	trimmed, err := trim(full, ops)
	if err != nil {
		return err
	}
	text, err := print(trimmed)
	if err != nil {
		return err
	}
	return os.WriteFile("models/"+svc+".json", text, 0o644)
}

// readFull reads a model as botocore distributes it, compressed or not.
func readFull(file string) (*model, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	var m model
	return &m, json.NewDecoder(r).Decode(&m)
}

// trim keeps the listed operations and what they reach.
func trim(full *model, ops map[string]level) (*model, error) {
	m := &model{Metadata: full.Metadata, Operations: map[string]operation{}, Shapes: map[string]shape{}}
	for name, op := range full.Operations {
		m.All = append(m.All, known{name, op.HTTP.Method, op.HTTP.URI})
	}
	for _, op := range full.Operations { // rest-xml models name it with each request; all are the same
		if m.Metadata.XMLNamespace == "" && op.Input != nil && op.Input.XMLNamespace != nil {
			m.Metadata.XMLNamespace = op.Input.XMLNamespace.URI
		}
	}
	slices.SortFunc(m.All, func(a, b known) int { return cmp.Compare(a.Name, b.Name) })
	for name := range ops {
		op, ok := full.Operations[name]
		if !ok {
			return nil, fmt.Errorf("the model has no operation %s", name)
		}
		m.Operations[name] = op
		keep(full, m, op.Input)
		keep(full, m, op.Output)
	}
	return m, nil
}

// keep copies the shape r names, and those it reaches, from full to m.
func keep(full, m *model, r *ref) {
	if r == nil {
		return
	}
	if _, ok := m.Shapes[r.Shape]; ok {
		return
	}
	s := full.Shapes[r.Shape]
	m.Shapes[r.Shape] = s
	for _, e := range s.Members {
		keep(full, m, &e.ref)
	}
	keep(full, m, s.Member)
	keep(full, m, s.Key)
	keep(full, m, s.Value)
}

// print writes a model with one operation or shape a line.
func print(m *model) ([]byte, error) {
	var b bytes.Buffer
	meta, err := json.Marshal(m.Metadata)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "{\n\"metadata\":%s,\n\"operations\":{\n", meta)
	if err := printMap(&b, m.Operations); err != nil {
		return nil, err
	}
	b.WriteString("},\n\"shapes\":{\n")
	if err := printMap(&b, m.Shapes); err != nil {
		return nil, err
	}
	b.WriteString("},\n\"allOperations\":[\n")
	for i, k := range m.All {
		data, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		b.Write(data)
		b.WriteString(separator(i, len(m.All)))
	}
	b.WriteString("]\n}\n")
	return b.Bytes(), nil
}

// printMap writes the entries of a map in the order of their keys.
func printMap[V any](b *bytes.Buffer, entries map[string]V) error {
	for i, k := range slices.Sorted(maps.Keys(entries)) {
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		fmt.Fprintf(b, "%q:", k)
		if err := e.Encode(entries[k]); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1)
		b.WriteString(separator(i, len(entries)))
	}
	return nil
}

func separator(i, n int) string {
	if i == n-1 {
		return "\n"
	}
	return ",\n"
}
