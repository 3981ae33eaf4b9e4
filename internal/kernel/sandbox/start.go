package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Start starts the init program of the spec and returns once it is executing.
// It needs root in the initial user namespace. The process is a child of the
// caller but does not end with it.
func Start(spec Spec) (*Process, error) {
	net, err := os.Open(spec.NetNS)
	if err != nil {
		return nil, fmt.Errorf("sandbox: open network namespace: %w", err)
	}
	defer net.Close()
	user, err := ownerOf(net)
	if err != nil {
		return nil, err
	}
	if user != nil {
		defer user.Close()
	}
	var p *Process
	aside(func() { p, err = startHere(spec, net, user) })
	return p, err
}

// aside runs f on a thread that ends with it. The main thread never ends, and
// what /proc/self shows is its; so f does not run there.
func aside(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, and its namespaces with it
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		aside(f) // runs elsewhere, since this goroutine holds the main thread
		runtime.UnlockOSThread()
	}()
	<-done
}

// startHere turns the calling thread into one of the new instance and forks init from it.
func startHere(spec Spec, net, user *os.File) (*Process, error) {
	const apart = unix.CLONE_FS | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC
	if err := unix.Unshare(apart); err != nil {
		return nil, fmt.Errorf("sandbox: unshare: %w", err)
	}
	if err := unix.Setns(int(net.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("sandbox: enter network namespace: %w", err)
	}
	if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
		return nil, fmt.Errorf("sandbox: set host name: %w", err)
	}
	if err := buildRoot(spec.Root); err != nil {
		return nil, err
	}
	child, err := newPlan(spec, user)
	if err != nil {
		return nil, err
	}
	defer child.close()
	return child.start()
}

// ownerOf is the user namespace that owns the network namespace; nil when it is the caller's.
func ownerOf(net *os.File) (*os.File, error) {
	fd, err := unix.IoctlRetInt(int(net.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return nil, fmt.Errorf("sandbox: find owner of network namespace: %w", err)
	}
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), "owner")
	var theirs, ours unix.Stat_t
	if err := unix.Fstat(fd, &theirs); err != nil {
		f.Close()
		return nil, fmt.Errorf("sandbox: find owner of network namespace: %w", err)
	}
	if err := unix.Stat("/proc/thread-self/ns/user", &ours); err != nil {
		f.Close()
		return nil, fmt.Errorf("sandbox: find own user namespace: %w", err)
	}
	if theirs.Ino == ours.Ino && theirs.Dev == ours.Dev {
		f.Close()
		return nil, nil
	}
	return f, nil
}

// argv is a list of strings as execve takes it.
func argv(list []string) []*byte {
	out := make([]*byte, 0, len(list)+1)
	for _, s := range list {
		b := append([]byte(s), 0)
		out = append(out, unsafe.SliceData(b))
	}
	return append(out, nil)
}
