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
)

// skeletonFormat grows when the generated part of the skeleton changes.
const skeletonFormat = 2

// buildSkeleton makes the base layer of the default image: folders, links into
// /usr, and an /etc that is generated or copied by allow-list. It is named by
// what it is made from, so it is made once and never changes under a running
// instance.
func buildSkeleton(images string, ca []byte) (string, error) {
	stamp := sha256.New()
	fmt.Fprintln(stamp, skeletonFormat)
	stamp.Write(ca)
	sources := []string{"/etc/passwd", "/etc/group"}
	for _, name := range copied() {
		err := filepath.WalkDir(filepath.Join("/etc", name), func(path string, e fs.DirEntry, err error) error {
			if err == nil {
				sources = append(sources, path)
			}
			return nil // what cannot be read is not copied
		})
		if err != nil {
			return "", fmt.Errorf("host: list /etc: %w", err)
		}
	}
	for _, path := range sources {
		if info, err := os.Lstat(path); err == nil {
			fmt.Fprintln(stamp, path, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	dir := filepath.Join(images, "default-"+hex.EncodeToString(stamp.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(images, 0o755); err != nil {
		return "", fmt.Errorf("host: make skeleton: %w", err)
	}
	next, err := os.MkdirTemp(images, "new-")
	if err != nil {
		return "", fmt.Errorf("host: make skeleton: %w", err)
	}
	if err := fillSkeleton(next, ca); err != nil {
		os.RemoveAll(next)
		return "", fmt.Errorf("host: make skeleton: %w", err)
	}
	if err := os.Rename(next, dir); err != nil {
		os.RemoveAll(next)
		return "", fmt.Errorf("host: make skeleton: %w", err)
	}
	return dir, nil
}

// dropSkeletons deletes the layers that are not in use. Only safe while no instance runs.
func dropSkeletons(images, current string) error {
	entries, err := os.ReadDir(images)
	if err != nil {
		return fmt.Errorf("host: clean images: %w", err)
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(images, e.Name())
		if path != current && (strings.HasPrefix(e.Name(), "default-") || strings.HasPrefix(e.Name(), "new-")) {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	return errors.Join(errs...)
}

// usrLinks are the folders of / that are links into /usr.
func usrLinks() []string { return []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} }

// fillSkeleton writes all of the layer.
func fillSkeleton(root string, ca []byte) error {
	if err := os.Chmod(root, 0o755); err != nil {
		return err
	}
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
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil {
		return err
	}
	etc := filepath.Join(root, "etc")
	for _, name := range copied() {
		if err := copyTree(filepath.Join("/etc", name), filepath.Join(etc, name)); err != nil {
			return err
		}
	}
	if err := generateEtc(etc, ca); err != nil {
		return err
	}
	for _, name := range []string{"lastlog", "wtmp", "btmp"} { // programs write records of logins only where the files are
		if err := os.WriteFile(filepath.Join(root, "var/log", name), nil, 0o664); err != nil {
			return err
		}
	}
	for name, text := range homeFiles() {
		if err := os.WriteFile(filepath.Join(root, "root", name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
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
