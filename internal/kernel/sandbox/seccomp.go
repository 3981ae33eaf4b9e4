package sandbox

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (linux/seccomp.h).
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArg0   = 16
)

// x32Bit marks system calls of the x32 ABI, which would pass by the numbers of the filter.
const x32Bit = 0x40000000

// denied are the system calls that reach beyond an instance or have no use in one; they answer EPERM.
// Most of them need a capability that is gone as well.
func denied() []uint32 {
	return append([]uint32{
		unix.SYS_ACCT,
		unix.SYS_ADD_KEY,
		unix.SYS_BPF,
		unix.SYS_CLOCK_ADJTIME,
		unix.SYS_CLOCK_SETTIME,
		unix.SYS_DELETE_MODULE,
		unix.SYS_FANOTIFY_INIT,
		unix.SYS_FINIT_MODULE,
		unix.SYS_FSCONFIG,
		unix.SYS_FSMOUNT,
		unix.SYS_FSOPEN,
		unix.SYS_FSPICK,
		unix.SYS_INIT_MODULE,
		unix.SYS_IO_URING_ENTER,
		unix.SYS_IO_URING_REGISTER,
		unix.SYS_IO_URING_SETUP,
		unix.SYS_KEXEC_LOAD,
		unix.SYS_KEYCTL,
		unix.SYS_LOOKUP_DCOOKIE,
		unix.SYS_MOUNT,
		unix.SYS_MOUNT_SETATTR,
		unix.SYS_MOVE_MOUNT,
		unix.SYS_NFSSERVCTL,
		unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_OPEN_TREE,
		unix.SYS_PERF_EVENT_OPEN,
		unix.SYS_PIVOT_ROOT,
		unix.SYS_QUOTACTL,
		unix.SYS_REBOOT,
		unix.SYS_REQUEST_KEY,
		unix.SYS_SETNS,
		unix.SYS_SETTIMEOFDAY,
		unix.SYS_SWAPOFF,
		unix.SYS_SWAPON,
		unix.SYS_SYSLOG,
		unix.SYS_UMOUNT2,
		unix.SYS_USERFAULTFD,
		unix.SYS_VHANGUP,
	}, deniedHere()...)
}

// filter is the system call filter of an instance: everything is allowed but
// the denied calls, new user namespaces, and ABIs other than the native one.
// clone3 answers ENOSYS, so that the C library takes clone, whose flags a
// filter can see.
func filter() []unix.SockFilter {
	const (
		allow = unix.SECCOMP_RET_ALLOW
		perm  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		nosys = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	)
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	jump := func(op uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, Jt: yes, Jf: no, K: k}
	}
	ret := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }

	prog := []unix.SockFilter{
		load(offsetArch),
		jump(unix.BPF_JEQ, nativeArch, 1, 0),
		ret(nosys),
		load(offsetNumber),
		jump(unix.BPF_JGE, x32Bit, 0, 1),
		ret(nosys),
		jump(unix.BPF_JEQ, unix.SYS_CLONE3, 0, 1),
		ret(nosys),
	}
	for _, nr := range denied() {
		prog = append(prog, jump(unix.BPF_JEQ, nr, 0, 1), ret(perm))
	}
	return append(prog,
		jump(unix.BPF_JEQ, unix.SYS_CLONE, 2, 0),
		jump(unix.BPF_JEQ, unix.SYS_UNSHARE, 1, 0),
		ret(allow),
		load(offsetArg0), // the low half on little-endian machines
		jump(unix.BPF_JSET, unix.CLONE_NEWUSER, 0, 1),
		ret(perm),
		ret(allow),
	)
}

// filterProgram is the filter in the form prctl takes.
func filterProgram() *unix.SockFprog {
	f := filter()
	return &unix.SockFprog{Len: uint16(len(f)), Filter: unsafe.SliceData(f)}
}
