package sandbox

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The hooks package syscall itself uses around fork; the runtime keeps them
// reachable for programs that must act between fork and exec (go.dev/issue/67401).
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// failure is what a child that could not execute the program tells its parent.
type failure struct {
	where  stage
	detail int32 // which of several
	errno  syscall.Errno
}

// stage names what the child was doing.
type stage int32

const (
	inSession stage = iota
	inCgroups
	inMount
	inFiles
	inLimits
	inUser
	inBounding
	inFilter
	inCapabilities
	inExec
)

// String says what failed.
func (s stage) String() string {
	return [...]string{"start session", "unshare cgroup namespace", "mount", "place descriptor", "set limits", "enter user namespace",
		"drop capability", "install system call filter", "set capabilities", "execute init"}[s]
}

// cloneArgs is struct clone_args. (clone(2).)
type cloneArgs struct {
	Flags, PIDFD, ChildTID, ParentTID, ExitSignal, Stack, StackSize, TLS, SetTID, SetTIDSize, Cgroup uint64
}

// fork makes the child in a new pid namespace. In the parent it returns the
// child's id and a descriptor for it; the child runs and never returns.
//
//go:norace
func (p *plan) fork() (pid, pidfd int, errno syscall.Errno) {
	var fd int32
	args := cloneArgs{Flags: unix.CLONE_NEWPID | unix.CLONE_PIDFD, PIDFD: uint64(uintptr(unsafe.Pointer(&fd))), ExitSignal: uint64(unix.SIGCHLD)}
	if p.cgroup >= 0 { // born in it: to move there takes an RCU grace period
		args.Flags |= unix.CLONE_INTO_CGROUP
		args.Cgroup = uint64(p.cgroup)
	}
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	beforeFork()
	n, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	if errno != 0 || n != 0 {
		afterFork()
		return int(n), int(fd), errno
	}
	afterForkInChild()
	p.run()
	return 0, 0, 0
}

// run is the child. It makes raw system calls only.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (p *plan) run() {
	var f failure
	p.child(&f)
	syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.report), uintptr(unsafe.Pointer(&f)), unsafe.Sizeof(f))
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 1, 0, 0)
	}
}

// child does the stages in order and returns only if one failed.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (p *plan) child(f *failure) {
	if _, _, f.errno = syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0); f.errno != 0 {
		return
	}
	f.where = inCgroups
	if _, _, f.errno = syscall.RawSyscall(unix.SYS_UNSHARE, unix.CLONE_NEWCGROUP, 0, 0); f.errno != 0 {
		return
	}
	f.where = inMount
	if p.mountProc(f); f.errno != 0 {
		return
	}
	f.where = inFiles
	if p.placeFiles(f); f.errno != 0 {
		return
	}
	f.where = inLimits
	if _, _, f.errno = syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&p.files64)), 0, 0, 0); f.errno != 0 {
		return
	}
	syscall.RawSyscall(unix.SYS_UMASK, 0o022, 0, 0)
	if p.giveUpPower(f); f.errno != 0 {
		return
	}
	f.where = inExec
	_, _, f.errno = syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(p.program)),
		uintptr(unsafe.Pointer(unsafe.SliceData(p.args))), uintptr(unsafe.Pointer(unsafe.SliceData(p.env))))
}

//go:norace
//go:nosplit
//go:nocheckptr
func (p *plan) mountProc(f *failure) {
	for i := 0; i < len(p.steps); i++ {
		s := &p.steps[i]
		_, _, f.errno = syscall.RawSyscall6(unix.SYS_MOUNT, uintptr(unsafe.Pointer(s.source)), uintptr(unsafe.Pointer(s.target)),
			uintptr(unsafe.Pointer(s.fstype)), s.flags, uintptr(unsafe.Pointer(s.data)), 0)
		if f.errno != 0 && !s.optional {
			f.detail = int32(i)
			return
		}
	}
	f.errno = 0
}

//go:norace
//go:nosplit
//go:nocheckptr
func (p *plan) placeFiles(f *failure) {
	for i := 0; i < len(p.files); i++ {
		if _, _, f.errno = syscall.RawSyscall(unix.SYS_DUP3, uintptr(p.files[i]), uintptr(i), 0); f.errno != 0 {
			f.detail = int32(i)
			return
		}
	}
	_, _, f.errno = syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(len(p.files)), 1<<31-1, unix.CLOSE_RANGE_CLOEXEC)
}

// giveUpPower enters the user namespace, installs the filter and drops capabilities, in the order in which each is still allowed.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (p *plan) giveUpPower(f *failure) {
	f.where = inUser
	if p.user >= 0 {
		if _, _, f.errno = syscall.RawSyscall(unix.SYS_SETNS, uintptr(p.user), unix.CLONE_NEWUSER, 0); f.errno != 0 {
			return
		}
	}
	if _, _, f.errno = syscall.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); f.errno != 0 {
		return
	}
	f.where = inBounding
	for c := uintptr(0); c <= lastCapability; c++ {
		if keeps(c) {
			continue
		}
		_, _, f.errno = syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0, 0, 0, 0)
		if f.errno != 0 && f.errno != unix.EINVAL { // EINVAL: the kernel does not know it
			f.detail = int32(c)
			return
		}
	}
	f.where = inFilter
	if _, _, f.errno = syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(p.filter)), 0, 0, 0); f.errno != 0 {
		return
	}
	f.where = inCapabilities
	_, _, f.errno = syscall.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&p.capHeader)), uintptr(unsafe.Pointer(&p.capData)), 0)
}
