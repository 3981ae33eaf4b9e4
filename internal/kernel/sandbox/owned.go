package sandbox

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// everybody maps all user and group ids onto themselves. (user_namespaces(7).)
const everybody = "0 0 4294967295"

// OwnedNetwork makes a network namespace that belongs to a user namespace of
// its own, in which ids mean what they mean outside. Whoever enters that user
// namespace has network capabilities for this network only: without it, the
// root of an instance could change the network at the other end of its cable.
func OwnedNetwork() (*os.File, error) {
	pid, errno := forkOwner()
	if errno != 0 {
		return nil, fmt.Errorf("sandbox: fork: %w", errno)
	}
	defer func() {
		unix.Kill(pid, unix.SIGKILL)
		for {
			if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
				return
			}
		}
	}()
	for _, m := range []string{"uid_map", "gid_map"} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, m), []byte(everybody), 0); err != nil {
			return nil, fmt.Errorf("sandbox: map ids: %w", err)
		}
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, fmt.Errorf("sandbox: open network namespace: %w", err)
	}
	return f, nil
}

// forkOwner makes a process in new user and network namespaces that waits to be killed.
//
//go:norace
func forkOwner() (pid int, errno syscall.Errno) {
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	beforeFork()
	n, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_NEWNET|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || n != 0 {
		afterFork()
		return int(n), errno
	}
	afterForkInChild()
	waitForKill()
	return 0, 0
}

// waitForKill is the child: it dies with its parent and otherwise waits.
//
//go:norace
//go:nosplit
func waitForKill() {
	syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 0, 1<<31-1, 0)
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	for {
		syscall.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}
