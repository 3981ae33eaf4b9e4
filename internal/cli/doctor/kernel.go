package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// kernel tries the features the data plane and the instances stand on.
func kernel() []Finding {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return []Finding{found("kernel", "", err, "")}
	}
	out := []Finding{{Name: "kernel", Level: OK, Text: unix.ByteSliceToString(u.Release[:])}}
	if os.Geteuid() != 0 {
		return append(out, Finding{Name: "kernel features", Level: Warning, Text: "not tried without root", Remedy: "run doctor with sudo"})
	}
	tried := make(chan []Finding)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread, and its namespaces with it, ends with this goroutine
		tried <- try()
	}()
	out = append(out, <-tried...)
	return append(out, cgroups())
}

// try runs on a thread of its own.
func try() []Finding {
	own, err := os.Open(threadSpace())
	if err != nil {
		return []Finding{found("network namespaces", "", err, "a kernel with CONFIG_NET_NS")}
	}
	defer own.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return []Finding{found("network namespaces", "", err, "a kernel with CONFIG_NET_NS, and leave to use it (not in an unprivileged container)")}
	}
	out := []Finding{{Name: "network namespaces", Level: OK, Text: "a fresh one can be made"}}
	if err := private(); err != nil {
		return append(out, found("mount namespaces", "", err, "leave to make them (not in an unprivileged container)"))
	}
	out = append(out,
		found("veth", "cables can be made", veth(), "modprobe veth (CONFIG_VETH)"),
		found("policy routing", "rules by firewall mark", rule(), "a kernel with CONFIG_IP_MULTIPLE_TABLES"))
	// Filters are set through the namespace's name, by the code that sets those of routers; it refuses the one it is in.
	if err := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); err != nil {
		return append(out, found("nftables", "", err, "leave to change namespaces"))
	}
	for _, f := range filters() {
		out = append(out, found("nftables "+f.name, "works", apply(&f.table), "modprobe "+f.modules))
	}
	return append(out, found("overlay", "file systems can be layered", overlay(), "modprobe overlay (CONFIG_OVERLAY_FS)"))
}

func veth() error {
	a := netlink.NewLinkAttrs()
	a.Name = "doctor0"
	return netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: "doctor1"})
}

func rule() error {
	r := netlink.NewRule()
	r.Priority, r.Mark, r.Table, r.Family = 300, 1<<20, 1001, unix.AF_INET
	return netlink.RuleAdd(r)
}

// scratch is where a tmpfs lies in the thread's mount namespace, and space the name of its network namespace there.
const (
	scratch = "/tmp"
	space   = scratch + "/netns"
)

// threadSpace is the network namespace of the calling thread.
func threadSpace() string { return fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()) }

// private gives the thread a mount namespace with a scratch folder, and its network namespace a name.
func private() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := unix.Mount("tmpfs", scratch, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("tmpfs: %w", err)
	}
	if err := os.WriteFile(space, nil, 0o600); err != nil {
		return err
	}
	return unix.Mount(threadSpace(), space, "", unix.MS_BIND, "")
}

// overlay layers two folders.
func overlay() error {
	for _, d := range []string{"upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(scratch, d), 0o700); err != nil {
			return err
		}
	}
	return unix.Mount("overlay", scratch+"/merged", "overlay", 0, "lowerdir=/usr,upperdir="+scratch+"/upper,workdir="+scratch+"/work")
}

// cgroups looks for a mounted version 2 hierarchy, in which a whole instance can be ended at once.
func cgroups() Finding {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err == nil && !slices.ContainsFunc(strings.Split(string(raw), "\n"), isCgroup2) {
		err = errors.New("no version 2 hierarchy is mounted")
	}
	if err != nil {
		return Finding{Name: "cgroup", Level: Warning, Text: err.Error(), Remedy: "instances run without; mount -t cgroup2 none /sys/fs/cgroup"}
	}
	return Finding{Name: "cgroup", Level: OK, Text: "version 2 is mounted"}
}

func isCgroup2(mount string) bool {
	f := strings.Fields(mount)
	return len(f) > 2 && f[2] == "cgroup2"
}
