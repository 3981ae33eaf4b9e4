package sandbox

import "golang.org/x/sys/unix"

// nativeArch is the audit architecture of this machine (linux/audit.h).
const nativeArch = unix.AUDIT_ARCH_AARCH64

// deniedHere are denied system calls that only this architecture has.
func deniedHere() []uint32 { return []uint32{unix.SYS_KEXEC_FILE_LOAD} }
