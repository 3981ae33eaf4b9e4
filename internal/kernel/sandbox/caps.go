package sandbox

import "golang.org/x/sys/unix"

// lastCapability is the highest capability number dropped; higher ones unknown to the kernel answer EINVAL.
const lastCapability = 63

// kept are the capabilities the root user of an instance has: those of a
// container of common engines, and NET_ADMIN and NET_BROADCAST because an
// instance owns its network stack. In particular nothing that mounts, loads,
// makes device nodes, traces, reads by handle, or changes clocks and limits.
const kept = 1<<unix.CAP_CHOWN |
	1<<unix.CAP_DAC_OVERRIDE |
	1<<unix.CAP_FOWNER |
	1<<unix.CAP_FSETID |
	1<<unix.CAP_KILL |
	1<<unix.CAP_SETGID |
	1<<unix.CAP_SETUID |
	1<<unix.CAP_SETPCAP |
	1<<unix.CAP_NET_BIND_SERVICE |
	1<<unix.CAP_NET_BROADCAST |
	1<<unix.CAP_NET_ADMIN |
	1<<unix.CAP_NET_RAW |
	1<<unix.CAP_SYS_CHROOT |
	1<<unix.CAP_SETFCAP |
	1<<unix.CAP_LEASE

// keeps tells whether capability c stays in the bounding set.
//
//go:nosplit
func keeps(c uintptr) bool { return kept&(1<<c) != 0 }
