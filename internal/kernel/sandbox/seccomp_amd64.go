package sandbox

import "golang.org/x/sys/unix"

// nativeArch is the audit architecture of this machine (linux/audit.h).
const nativeArch = unix.AUDIT_ARCH_X86_64

// deniedHere are denied system calls that only this architecture has.
func deniedHere() []uint32 {
	return []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS_MODIFY_LDT}
}
