package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// temporary writes a file for a peer to read.
func temporary(name, text string) (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "kumiko-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("write %s: %w", name, err)
	}
	path, remove = filepath.Join(dir, name), func() error { return os.RemoveAll(dir) }
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", nil, errors.Join(fmt.Errorf("write %s: %w", name, err), remove())
	}
	return path, remove, nil
}
