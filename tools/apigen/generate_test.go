package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGenerated fails when generated files are not what generate makes.
func TestGenerated(t *testing.T) {
	const root = "../.."
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not up to date: run go run ./tools/apigen generate", name)
		}
	}
}

// TestModels fails when a trimmed model holds more or less than its operations need, or is not in the form import writes.
func TestModels(t *testing.T) {
	for _, s := range services() {
		path := filepath.Join("../../models", s.Name)
		m, err := readModel(path + ".json")
		if err != nil {
			t.Fatal(err)
		}
		ops, err := readOps(path + ".ops")
		if err != nil {
			t.Fatal(err)
		}
		again, err := trim(m, ops)
		if err != nil {
			t.Fatalf("%s: import the model again: %v", s.Name, err)
		}
		again.All = m.All
		text, err := print(again)
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(path + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, have) {
			t.Errorf("%s.json is not what import writes for %s.ops: import the model again", s.Name, s.Name)
		}
	}
}
