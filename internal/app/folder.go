package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrBusy is returned when another daemon has the state folder.
var ErrBusy = errors.New("another daemon runs with this state folder")

// folder is a state folder: what is kept over a restart of the machine lies in it, what is not lies in its run folder.
type folder string

func (f folder) world() string   { return filepath.Join(string(f), "world.db") }
func (f folder) record() string  { return filepath.Join(string(f), "record") }
func (f folder) run() string     { return filepath.Join(string(f), "run") }
func (f folder) secrets() string { return filepath.Join(string(f), "secrets") }

// make creates the folder, readable by its owner alone.
func (f folder) make() error {
	for _, d := range []string{string(f), f.run(), f.record(), f.secrets()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("state folder: %w", err)
		}
	}
	return nil
}

// lock takes the folder for this process until the returned file is closed, or the process ends.
func (f folder) lock() (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(string(f), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", string(f), ErrBusy)
		}
		return nil, fmt.Errorf("state folder: lock: %w", err)
	}
	return file, nil
}

// secret is a random key of n bytes kept in the folder under the given name; it is made when it is not there.
func (f folder) secret(name string, n int, random func([]byte) (int, error)) ([]byte, error) {
	path := filepath.Join(f.secrets(), name)
	key, err := os.ReadFile(path)
	if err == nil && len(key) == n {
		return key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("state folder: secret %s: %w", name, err)
	}
	key = make([]byte, n)
	if _, err := random(key); err != nil {
		return nil, err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, key, 0o600); err != nil {
		return nil, fmt.Errorf("state folder: secret %s: %w", name, err)
	}
	return key, os.Rename(tmp, path)
}
