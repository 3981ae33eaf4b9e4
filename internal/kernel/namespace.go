package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/sandbox"
)

// ErrForeign is the error of asking for work in the machine's own network namespace, or the daemon's.
var ErrForeign = errors.New("this is the machine's or the daemon's own network namespace")

// procNet is the calling thread's network namespace.
const procNet = "/proc/thread-self/ns/net"

// Exists tells whether path is a file with a network namespace mounted on it.
func Exists(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.NSFS_MAGIC
}

// Create makes a network namespace, sets its sysctls, brings its loopback up and mounts it on the file at path, whose
// folder was prepared by [MountDir]. It reports false when there is one already, which is left as it is. What an
// interrupted Create left behind is replaced.
func Create(path string, sysctls []Sysctl) (bool, error) {
	return createAt(path, sysctls, func() error { return unix.Unshare(unix.CLONE_NEWNET) })
}

// CreateOwned is [Create] for the namespace of an instance: it belongs to a user namespace of its own, so that the
// instance's root, who enters that, has no say over networks it is joined with.
func CreateOwned(path string, sysctls []Sysctl) (bool, error) {
	return createAt(path, sysctls, func() error {
		f, err := sandbox.OwnedNetwork()
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
	})
}

// createAt makes a namespace that enterNew puts a thread into.
func createAt(path string, sysctls []Sysctl, enterNew func() error) (bool, error) {
	if err := checkName(filepath.Base(path)); err != nil {
		return false, err
	}
	if Exists(path) {
		return false, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return false, fmt.Errorf("kernel: create namespace: %w", err)
	}
	file.Close()
	if err := discard(func() error { return create(path, sysctls, enterNew) }); err != nil {
		return false, errors.Join(fmt.Errorf("kernel: create namespace %s: %w", filepath.Base(path), err), os.Remove(path))
	}
	return true, nil
}

// create runs on a thread that is thrown away.
func create(path string, sysctls []Sysctl, enterNew func() error) error {
	before, err := identify(procNet)
	if err != nil {
		return err
	}
	if err := enterNew(); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	after, err := identify(procNet)
	if err != nil {
		return err
	}
	if before == after {
		return ErrForeign
	}
	if err := setSysctls(sysctls); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	// Mounted last: a namespace that has a name is complete.
	if err := unix.Mount(procNet, path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return nil
}

// loopbackUp brings the calling thread's loopback interface up.
func loopbackUp() error {
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	defer unix.Close(sock)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	req.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(sock, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("loopback up: %w", err)
	}
	return nil
}

// Delete unmounts the namespace at path and removes the file. The kernel takes the namespace down once nobody is in it
// and no socket of it is open. It is no error when there is none.
func Delete(path string) error {
	if err := checkName(filepath.Base(path)); err != nil {
		return err
	}
	for Exists(path) { // more than once when it was mounted over itself
		if err := unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("kernel: unmount namespace %s: %w", filepath.Base(path), err)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("kernel: delete namespace: %w", err)
	}
	return nil
}

// List names the namespaces in a folder, and the files left there by an interrupted [Create], sorted.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kernel: list namespaces: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// In runs f on a thread that has entered the namespace at path. The thread is thrown away afterwards. What f starts on
// other threads (goroutines) is not in the namespace; sockets f made stay in it and can be used from anywhere.
func In(path string, f func() error) error {
	return discard(func() error {
		if err := enter(path); err != nil {
			return err
		}
		return f()
	})
}

// enter moves the calling thread into the namespace at path.
func enter(path string) error {
	fd, err := openNamespace(path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("kernel: enter namespace %s: %w", path, err)
	}
	return nil
}

// Open opens the namespace at path after the checks every way into a namespace passes. The caller closes it.
func Open(path string) (*os.File, error) {
	fd, err := openNamespace(path)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openNamespace opens a namespace file, and refuses the machine's namespace and the calling thread's own.
func openNamespace(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, fmt.Errorf("kernel: open namespace: %w", &os.PathError{Op: "open", Path: path, Err: err})
	}
	if err := refuseForeign(fd, path); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("kernel: namespace %s: %w", path, err)
	}
	return fd, nil
}

func refuseForeign(fd int, path string) error {
	var sfs unix.Statfs_t
	if err := unix.Fstatfs(fd, &sfs); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	if sfs.Type != unix.NSFS_MAGIC {
		return fmt.Errorf("not a namespace: %w", fs.ErrNotExist)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	got := identity{uint64(st.Dev), st.Ino}
	for _, own := range []string{procNet, "/proc/1/ns/net"} {
		id, err := identify(own)
		if errors.Is(err, fs.ErrPermission) {
			continue // who may not look at it may not enter it either
		}
		if err != nil {
			return err
		}
		if id == got {
			return ErrForeign
		}
	}
	return nil
}

// identity tells namespaces apart. (namespaces(7), "The /proc/pid/ns/ directory".)
type identity struct{ dev, ino uint64 }

func identify(path string) (identity, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return identity{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return identity{uint64(st.Dev), st.Ino}, nil
}

// discard runs f on a thread of its own that ends with it, because f changes the thread in ways that are not undone.
// The main thread never ends, and what /proc/self shows is its; so f does not run there.
func discard(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			done <- f()
			return // still locked: the thread ends
		}
		err := discard(f) // runs elsewhere, since this goroutine holds the main thread
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

// checkName refuses names that would lead out of the folder of namespaces.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return fmt.Errorf("kernel: %q is no name of a namespace", name)
	}
	return nil
}
