package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// skeletonFormat grows when the generated part of the skeleton changes.
const skeletonFormat = 6

// skeletons are the base layers of the default image, one for each default
// user: folders, links into /usr, and an /etc that is generated or copied by
// allow-list. They are named by what they are made from, so each is made once
// and never changes under a running instance.
type skeletons struct {
	folder string
	prefix string
	ca     []byte

	mu sync.Mutex // held while one is made
}

// newSkeletons looks at what skeletons are made from now.
func newSkeletons(folder string, ca []byte) (*skeletons, error) {
	stamp := sha256.New()
	fmt.Fprintln(stamp, skeletonFormat)
	stamp.Write(ca)
	sources := []string{"/etc/passwd", "/etc/group", sudoProgram, ssmProgram}
	for _, name := range copied() {
		err := filepath.WalkDir(filepath.Join("/etc", name), func(path string, e fs.DirEntry, err error) error {
			if err == nil {
				sources = append(sources, path)
			}
			return nil // what cannot be read is not copied
		})
		if err != nil {
			return nil, fmt.Errorf("host: list /etc: %w", err)
		}
	}
	for _, path := range sources {
		if info, err := os.Lstat(path); err == nil {
			fmt.Fprintln(stamp, path, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("host: make images: %w", err)
	}
	return &skeletons{folder: folder, prefix: "default-" + hex.EncodeToString(stamp.Sum(nil)[:8]), ca: ca}, nil
}

// of is the layer for instances with the default user, made if need be.
func (s *skeletons) of(user string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := filepath.Join(s.folder, s.prefix+"-"+user)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	next, err := os.MkdirTemp(s.folder, "new-")
	if err != nil {
		return "", fmt.Errorf("host: make skeleton: %w", err)
	}
	err = fillSkeleton(next, user, s.ca)
	if err == nil {
		err = os.Rename(next, dir)
	}
	if err != nil {
		os.RemoveAll(next)
		return "", fmt.Errorf("host: make skeleton: %w", err)
	}
	return dir, nil
}

// clean deletes outdated layers. Only safe while no instance runs.
func (s *skeletons) clean() error {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return fmt.Errorf("host: clean images: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), s.prefix) {
			errs = append(errs, os.RemoveAll(filepath.Join(s.folder, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Folders of a skeleton: the layer of /, and the files that lie over the machine's /usr.
const (
	baseFolder = "base"
	shimFolder = "shims"
)

// usrLinks are the folders of / that are links into /usr.
func usrLinks() []string { return []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} }

// fillSkeleton writes all of the layer.
func fillSkeleton(dir, user string, ca []byte) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := writeShims(filepath.Join(dir, shimFolder)); err != nil {
		return err
	}
	root := filepath.Join(dir, baseFolder)
	if err := makeFolders(root); err != nil {
		return err
	}
	etc := filepath.Join(root, "etc")
	for _, name := range copied() {
		if err := copyTree(filepath.Join("/etc", name), filepath.Join(etc, name)); err != nil {
			return err
		}
	}
	if err := generateEtc(etc, user, ca); err != nil {
		return err
	}
	for _, name := range []string{"lastlog", "wtmp", "btmp"} { // programs write records of logins only where the files are
		if err := os.WriteFile(filepath.Join(root, "var/log", name), nil, 0o664); err != nil {
			return err
		}
	}
	if user != "" {
		if err := fillHome(filepath.Join(root, "home", user), defaultUID); err != nil {
			return err
		}
	}
	return fillHome(filepath.Join(root, "root"), 0)
}

// fillHome makes a home folder with what a new one holds.
func fillHome(home string, id int) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	for name, text := range homeFiles() {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
		if err := os.Chown(path, id, id); err != nil {
			return err
		}
	}
	return os.Chown(home, id, id)
}

// makeFolders makes the folders and links of the root.
func makeFolders(root string) error {
	folders := map[string]fs.FileMode{
		"dev": 0o755, "proc": 0o555, "sys": 0o555, "run": 0o755, "tmp": 0o1777, "usr": 0o755, "root": 0o700, "home": 0o755,
		"mnt": 0o755, "media": 0o755, "opt": 0o755, "srv": 0o755, "boot": 0o755, "etc": 0o755, "var": 0o755, "var/log": 0o755,
		"var/lib": 0o755, "var/lib/misc": 0o755, "var/cache": 0o755, "var/spool": 0o755, "var/mail": 0o755, "var/tmp": 0o1777, "var/empty": 0o755,
	}
	for f, mode := range folders {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(path, mode.Perm()|mode&0o1000); err != nil {
			return err
		}
		if mode&0o1000 != 0 {
			if err := os.Chmod(path, mode.Perm()|fs.ModeSticky); err != nil {
				return err
			}
		}
	}
	for _, l := range usrLinks() {
		to, err := os.Readlink("/" + l)
		if err != nil {
			continue // no such folder, or one that is not part of /usr
		}
		if err := os.Symlink(to, filepath.Join(root, l)); err != nil {
			return err
		}
	}
	return os.Symlink("/run", filepath.Join(root, "var/run"))
}

// copyTree copies a file, link or folder; what is missing or not readable by everybody is left out.
func copyTree(from, to string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case info.IsDir():
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		for _, e := range entries {
			if err := copyTree(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
		return nil
	case info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0:
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, info.Mode().Perm())
	}
	return nil
}
