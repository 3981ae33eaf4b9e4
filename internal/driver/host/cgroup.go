package host

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kumiko/internal/world"
)

// cgroups is the folder of this state folder's cgroups in the cgroup2
// hierarchy; empty where there is none. They group an instance's processes,
// so that all can be killed at once; nothing depends on them.
type cgroups string

// findCgroups looks for a cgroup2 mount. (proc_pid_mountinfo(5).)
func findCgroups(state string) cgroups {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.Sum256([]byte(state))
	for s := bufio.NewScanner(f); s.Scan(); {
		before, after, _ := strings.Cut(s.Text(), " - ")
		fields := strings.Fields(before)
		if len(fields) > 5 && strings.HasPrefix(after, "cgroup2 ") && !strings.HasPrefix(fields[5], "ro") {
			return cgroups(filepath.Join(fields[4], "kumiko-"+hex.EncodeToString(sum[:6])))
		}
	}
	return ""
}

func (c cgroups) of(id world.InstanceID) string { return filepath.Join(string(c), string(id)) }

// create makes an instance's cgroup and opens its folder.
func (c cgroups) create(id world.InstanceID) (*os.File, error) {
	if c == "" {
		return nil, nil
	}
	if err := os.MkdirAll(c.of(id), 0o755); err != nil {
		return nil, fmt.Errorf("host: make cgroup: %w", err)
	}
	f, err := os.Open(c.of(id))
	if err != nil {
		return nil, fmt.Errorf("host: open cgroup: %w", err)
	}
	return f, nil
}

// kill ends all processes of an instance. The kernel may lack cgroup.kill (before 5.14); then the end of init does it.
func (c cgroups) kill(id world.InstanceID) {
	if c != "" {
		os.WriteFile(filepath.Join(c.of(id), "cgroup.kill"), []byte("1"), 0)
	}
}

// delete removes an instance's cgroup, with the ones it may have made in it.
func (c cgroups) delete(id world.InstanceID) {
	if c != "" {
		removeGroup(c.of(id))
	}
}

// remove removes the folder of all.
func (c cgroups) remove() {
	if c != "" {
		removeGroup(string(c))
	}
}

// removeGroup removes a cgroup after those in it. Its files go with it.
func removeGroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeGroup(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
