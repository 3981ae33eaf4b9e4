package sandbox

import "os"

// Spec says what to start.
type Spec struct {
	NetNS    string   // path of the network namespace
	Hostname string   // of the uts namespace
	Root     Root     // the file system
	Args     []string // of the init program; Args[0] is its name
	Env      []string
	Files    []*os.File // become descriptors 0, 1, 2, …
	Cgroup   *os.File   // folder of the cgroup to be in, nil for the caller's
}

// Root says what the root file system is made of.
type Root struct {
	Mount   string   // an empty folder to build it on; outside the new mount namespace it stays empty
	Base    Overlay  // of /
	Usr     Overlay  // of /usr; none when Lower is empty
	Folders []string // of the machine, shown read-only at the same path
	Program string   // the init program, shown read-only at ProgramPath
}

// Overlay is a writable layer over read-only ones.
type Overlay struct {
	Lower []string // uppermost first
	Upper string   // keeps what is written
	Work  string   // an empty folder on the file system of Upper, for the kernel
}

// ProgramPath is where the init program is found in the new root file system.
const ProgramPath = "/run/kumiko/guest"

// Process is a process that was started. Its creator owns the file.
type Process struct {
	PID   int
	PIDFD *os.File // readable once the process has ended; in the runtime's poller
}
