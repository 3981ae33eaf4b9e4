package testkit

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mdlayher/netlink"
	rtnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Machine is what the machine's own kernel state looked like: a line a fact, sorted.
type Machine []string

// volatile are settings that change by themselves.
var volatile = [...]string{
	"nf_conntrack_count", "random", "ipv4/tcp_fastopen_key", "tcp_mem", "udp_mem",
	"/rand_", "route/flush", "nf_log/", "neigh/default/gc",
}

// Look takes down the links, addresses, routes, rules, neighbours' tables, nft tables and settings of the machine's own network, and
// the mounts, cgroups and kumiko processes there are.
func Look(t testing.TB) Machine {
	t.Helper()
	var m Machine
	for _, part := range []func() ([]string, error){links, routes, tables, settings, mounts, groups, processes} {
		facts, err := part()
		if err != nil {
			t.Fatalf("look at the machine: %v", err)
		}
		m = append(m, facts...)
	}
	slices.Sort(m)
	return m
}

// Unchanged fails the test unless the machine is now as it was.
func (m Machine) Unchanged(t testing.TB) {
	t.Helper()
	now := Look(t)
	for _, gone := range minus(m, now) {
		t.Errorf("gone from the machine: %s", gone)
	}
	for _, left := range minus(now, m) {
		t.Errorf("left on the machine: %s", left)
	}
}

// users are the tests that use the machine now, and what it looked like before the first of them.
var users struct {
	sync.Mutex
	n      int
	before Machine
}

// LeaveNothing fails the test, after everything else of it was ended, unless the machine is then as it was. Of tests
// that run at once the last to end answers for all.
func LeaveNothing(t testing.TB) {
	t.Helper()
	users.Lock()
	defer users.Unlock()
	if users.n == 0 {
		users.before = Look(t)
	}
	users.n++
	t.Cleanup(func() {
		users.Lock()
		defer users.Unlock()
		if users.n--; users.n == 0 {
			users.before.Unchanged(t)
		}
	})
}

// minus is what a has and b lacks; both are sorted.
func minus(a, b []string) (out []string) {
	for _, x := range a {
		if _, ok := slices.BinarySearch(b, x); !ok {
			out = append(out, x)
		}
	}
	return out
}

func links() (out []string, err error) {
	all, err := rtnetlink.LinkList()
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		a := l.Attrs()
		out = append(out, fmt.Sprintf("link %d %s %s mtu %d flags %s master %d", a.Index, a.Name, a.HardwareAddr, a.MTU, a.Flags, a.MasterIndex))
		addrs, err := rtnetlink.AddrList(l, rtnetlink.FAMILY_ALL)
		if err != nil {
			return nil, err
		}
		for _, x := range addrs {
			out = append(out, fmt.Sprintf("address %s of %s", x.IPNet, a.Name))
		}
	}
	return out, nil
}

func routes() (out []string, err error) {
	for _, family := range []int{rtnetlink.FAMILY_V4, rtnetlink.FAMILY_V6} {
		all, err := rtnetlink.RouteListFiltered(family, &rtnetlink.Route{Table: 0}, rtnetlink.RT_FILTER_TABLE)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			out = append(out, "route "+r.String())
		}
		rules, err := rtnetlink.RuleList(family)
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			out = append(out, "rule "+r.String())
		}
	}
	return out, nil
}

// dumps are the requests that list what nftables holds. (linux/netfilter/nf_tables.h, enum nf_tables_msg_types.)
var dumps = map[string]netlink.HeaderType{
	"table": unix.NFT_MSG_GETTABLE, "chain": unix.NFT_MSG_GETCHAIN, "rule": unix.NFT_MSG_GETRULE, "set": unix.NFT_MSG_GETSET,
}

func tables() (out []string, err error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for what, request := range dumps {
		all, err := c.Execute(netlink.Message{
			Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | request, Flags: netlink.Request | netlink.Dump},
			Data:   make([]byte, genericHeader),
		})
		if err != nil {
			return nil, fmt.Errorf("list nft %ss: %w", what, err)
		}
		for _, m := range all {
			if len(m.Data) > genericHeader {
				out = append(out, fmt.Sprintf("nft %s %x", what, m.Data[genericHeader:]))
			}
		}
	}
	return out, nil
}

// genericHeader is the size of struct nfgenmsg, whose last part changes with each transaction.
const genericHeader = 4

// settings are the readable files of /proc/sys/net.
func settings() (out []string, err error) {
	err = filepath.WalkDir("/proc/sys/net", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || slices.ContainsFunc(volatile[:], func(v string) bool { return strings.Contains(path, v) }) {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil // some can only be written
		}
		out = append(out, "setting "+path+" = "+string(bytes.TrimSpace(raw)))
		return nil
	})
	return out, err
}

// mounts are the mount points of this process, without ids and counters; those that other tests have in the temporary
// folder come and go, and are not the machine's.
func mounts() (out []string, err error) {
	raw, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	for l := range strings.Lines(string(raw)) {
		f := strings.Fields(l)
		if len(f) > 2 && (!strings.HasPrefix(f[1], os.TempDir()+"/") || strings.Contains(f[1], StatePrefix)) {
			out = append(out, "mount "+f[2]+" at "+f[1])
		}
	}
	return out, nil
}

// groups are the cgroups that carry our name.
func groups() (out []string, err error) {
	all, err := filepath.Glob("/sys/fs/cgroup/*kumiko*")
	if err != nil {
		return nil, err
	}
	deeper, err := filepath.Glob("/sys/fs/cgroup/*/*kumiko*")
	for _, g := range append(all, deeper...) {
		out = append(out, "cgroup "+g)
	}
	return out, err
}

// processes are those that run the program under test, or see the file system of one of its instances.
func processes() (out []string, err error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		exe, err := os.Readlink(p + "/exe")
		if err != nil {
			continue // a kernel thread, or it has ended
		}
		sees, err := os.ReadFile(p + "/mountinfo")
		if err != nil {
			continue // it has ended
		}
		if strings.HasPrefix(exe, os.Getenv(binaryVariable)) || inInstance(string(sees)) {
			out = append(out, "process "+filepath.Base(p)+" "+exe)
		}
	}
	return out, nil
}

// inInstance tells whether a process with these mounts has the root of an instance of a test.
func inInstance(mountinfo string) bool {
	for l := range strings.Lines(mountinfo) {
		f := strings.Fields(l) // id, parent, device, root within the file system, mount point, … (proc_pid_mountinfo(5))
		if len(f) > 4 && f[4] == "/" && strings.Contains(l, "/"+StatePrefix) {
			return true
		}
	}
	return false
}
