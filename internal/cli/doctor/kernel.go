package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
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
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return []Finding{found("network namespaces", "", err, "a kernel with CONFIG_NET_NS, and leave to use it (not in an unprivileged container)")}
	}
	out := []Finding{{Name: "network namespaces", Level: OK, Text: "a fresh one can be made"}}
	out = append(out,
		found("veth", "cables can be made", veth(), "modprobe veth (CONFIG_VETH)"),
		found("policy routing", "rules by firewall mark", rule(), "a kernel with CONFIG_IP_MULTIPLE_TABLES"))
	for _, t := range []struct {
		name string
		hook *nftables.ChainHook
		typ  nftables.ChainType
		rule []expr.Any
		mods string
	}{
		{"nftables", nftables.ChainHookForward, nftables.ChainTypeFilter, nil, "nf_tables (CONFIG_NF_TABLES_INET)"},
		{"nftables conntrack", nftables.ChainHookForward, nftables.ChainTypeFilter, []expr.Any{&expr.Ct{Key: expr.CtKeySTATE, Register: 1}}, "nft_ct (CONFIG_NFT_CT)"},
		{"nftables log", nftables.ChainHookForward, nftables.ChainTypeFilter, []expr.Any{&expr.Log{Group: 18, Key: 1 << unix.NFTA_LOG_GROUP}}, "nft_log nfnetlink_log (CONFIG_NFT_LOG, CONFIG_NETFILTER_NETLINK_LOG)"},
		{"nftables nat", nftables.ChainHookPostrouting, nftables.ChainTypeNAT, []expr.Any{&expr.Masq{}}, "nft_chain_nat nft_masq (CONFIG_NFT_NAT)"},
	} {
		out = append(out, found(t.name, "works", nft(t.hook, t.typ, t.rule), "modprobe "+t.mods))
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

func nft(hook *nftables.ChainHook, typ nftables.ChainType, e []expr.Any) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "doctor"})
	priority := nftables.ChainPriorityFilter
	if typ == nftables.ChainTypeNAT {
		priority = nftables.ChainPriorityNATSource
	}
	ch := c.AddChain(&nftables.Chain{Name: "c", Table: t, Type: typ, Hooknum: hook, Priority: priority})
	if e != nil {
		c.AddRule(&nftables.Rule{Table: t, Chain: ch, Exprs: e})
	}
	c.DelTable(t)
	return c.Flush()
}

// overlay layers two folders on a tmpfs of a mount namespace of its own.
func overlay() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	const at = "/tmp"
	if err := unix.Mount("tmpfs", at, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("tmpfs: %w", err)
	}
	for _, d := range []string{"upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(at, d), 0o700); err != nil {
			return err
		}
	}
	return unix.Mount("overlay", at+"/merged", "overlay", 0, "lowerdir=/usr,upperdir="+at+"/upper,workdir="+at+"/work")
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
