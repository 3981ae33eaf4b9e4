package sandbox

import "golang.org/x/sys/unix"

// step is a mount the forked child makes. It cannot allocate, so all is ready to pass to the kernel.
type step struct {
	source, target, fstype, data *byte
	flags                        uintptr
	optional                     bool // the kernel may lack the target
}

// procSteps mount /proc of the new pid namespace and take from it what
// belongs to the machine: what it does not name stays, /proc/sys/net stays
// writable because it is the instance's own network.
func procSteps() []step {
	var steps []step
	add := func(source, target, fstype string, flags uintptr, optional bool) {
		steps = append(steps, step{cstring(source), cstring(target), cstring(fstype), nil, flags, optional})
	}
	readOnly := func(path string, optional bool) {
		add("", path, "", unix.MS_BIND|unix.MS_REMOUNT|sealed, optional)
	}
	add("proc", "/proc", "proc", inert, false)
	add("/proc/sys/net", "/proc/sys/net", "", unix.MS_BIND, true)
	add("/proc/sys", "/proc/sys", "", unix.MS_BIND|unix.MS_REC, false)
	readOnly("/proc/sys", false)
	for _, p := range []string{"/proc/bus", "/proc/fs", "/proc/irq"} {
		add(p, p, "", unix.MS_BIND, true)
		readOnly(p, true)
	}
	for _, p := range []string{
		"/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/sysrq-trigger", "/proc/timer_list", "/proc/sched_debug",
		"/proc/latency_stats", "/proc/kallsyms", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/proc/slabinfo", "/proc/vmallocinfo", "/proc/pagetypeinfo",
	} {
		add("/dev/null", p, "", unix.MS_BIND, true)
	}
	for _, p := range []string{"/proc/acpi", "/proc/scsi", "/proc/asound", "/proc/driver", "/proc/dynamic_debug"} {
		add("tmpfs", p, "tmpfs", sealed, true)
	}
	return steps
}

// cstring is s with a NUL, or nil for the empty string.
func cstring(s string) *byte {
	if s == "" {
		return nil
	}
	b := append([]byte(s), 0)
	return &b[0]
}
