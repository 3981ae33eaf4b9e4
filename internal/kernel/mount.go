package kernel

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// MountDir makes the folder for namespace files: a private mount of itself, so that what is mounted in it does not
// propagate to other mount namespaces. Twice is once.
//
// A mount namespace that is cloned later gets copies of the mounts below, which keep the network namespaces alive:
// whoever clones one must detach the old root there.
func MountDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("kernel: make namespace folder: %w", err)
	}
	mounted, err := isMountPoint(dir)
	if err != nil {
		return err
	}
	if !mounted {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("kernel: mount namespace folder %s: %w", dir, err)
		}
	}
	if err := unix.Mount("", dir, "", unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("kernel: make namespace folder %s private: %w", dir, err)
	}
	return nil
}

// UnmountDir removes the folder for namespace files, which must be empty. It is no error when there is none.
func UnmountDir(dir string) error {
	for {
		mounted, err := isMountPoint(dir)
		if err != nil {
			return err
		}
		if !mounted {
			break
		}
		if err := unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("kernel: unmount namespace folder %s: %w", dir, err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kernel: remove namespace folder: %w", err)
	}
	return nil
}

// isMountPoint looks for the folder among the mount points of this process. (proc_pid_mountinfo(5).)
func isMountPoint(dir string) (bool, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false, fmt.Errorf("kernel: namespace folder: %w", err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false, fmt.Errorf("kernel: read mounts: %w", err)
	}
	defer f.Close()
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && unescape.Replace(fields[4]) == dir {
			return true, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("kernel: read mounts: %w", err)
	}
	return false, nil
}
