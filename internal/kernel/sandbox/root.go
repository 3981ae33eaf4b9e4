package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Common flags of mounts that hold neither devices nor programs with rights of their own.
const (
	plain  = unix.MS_NODEV | unix.MS_NOSUID
	inert  = plain | unix.MS_NOEXEC
	sealed = inert | unix.MS_RDONLY
)

// buildRoot puts the root file system together, all but /proc, and makes it
// the root of the calling thread's mount namespace, from which everything of
// the machine is then gone. The thread must have a mount namespace and file
// system attributes of its own and be in the network namespace, which /sys shows.
func buildRoot(r Root) error {
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mountOverlay(r.Base, r.Mount); err != nil {
		return err
	}
	at := func(path string) string { return filepath.Join(r.Mount, path) }
	if len(r.Usr.Lower) > 0 {
		if err := mountOverlay(r.Usr, at("usr")); err != nil {
			return err
		}
	}
	err := errors.Join(
		mount("tmpfs", at("run"), "tmpfs", plain, "mode=755,size=64m"),
		mount("tmpfs", at("tmp"), "tmpfs", plain, "mode=1777"),
		mount("sysfs", at("sys"), "sysfs", sealed, ""),
		buildDev(at("dev")),
	)
	if err != nil {
		return err
	}
	if err := bindReadOnly(r.Program, at(ProgramPath)); err != nil {
		return err
	}
	for _, f := range r.Folders {
		if err := bindReadOnly(f, at(f)); err != nil {
			return err
		}
	}
	for _, hidden := range []string{"sys/firmware", "sys/devices/virtual/powercap", "sys/kernel/security", "sys/kernel/debug"} {
		if err := mount("tmpfs", at(hidden), "tmpfs", sealed, "size=0"); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return pivot(r.Mount)
}

// pivot makes the folder the root and detaches the old one.
func pivot(folder string) error {
	if err := unix.Chdir(folder); err != nil {
		return fmt.Errorf("sandbox: enter root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil { // stacks the old root on the new one, see pivot_root(2)
		return fmt.Errorf("sandbox: pivot root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("sandbox: detach the machine's root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("sandbox: enter root: %w", err)
	}
	return nil
}

// device is a character device every instance has; numbers as in Documentation/admin-guide/devices.txt of Linux.
type device struct {
	path         string
	major, minor uint32
}

// buildDev mounts a /dev with the harmless devices, terminals and shared memory of its own.
func buildDev(dev string) error {
	if err := mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=1m"); err != nil {
		return err
	}
	for _, d := range []string{"pts", "shm", "net"} {
		if err := os.Mkdir(filepath.Join(dev, d), 0o755); err != nil {
			return fmt.Errorf("sandbox: make /dev/%s: %w", d, err)
		}
	}
	for _, d := range []device{
		{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}, {"net/tun", 10, 200},
	} {
		path := filepath.Join(dev, d.path)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor))); err != nil {
			return fmt.Errorf("sandbox: make /dev/%s: %w", d.path, err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			return fmt.Errorf("sandbox: make /dev/%s: %w", d.path, err)
		}
	}
	for _, l := range [][2]string{{"/proc/self/fd", "fd"}, {"fd/0", "stdin"}, {"fd/1", "stdout"}, {"fd/2", "stderr"}, {"pts/ptmx", "ptmx"}} {
		if err := os.Symlink(l[0], filepath.Join(dev, l[1])); err != nil {
			return fmt.Errorf("sandbox: make /dev/%s: %w", l[1], err)
		}
	}
	return errors.Join(
		mount("devpts", filepath.Join(dev, "pts"), "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"),
		mount("tmpfs", filepath.Join(dev, "shm"), "tmpfs", plain, "mode=1777"),
	)
}
