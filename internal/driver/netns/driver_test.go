package netns_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kumiko/internal/driver/netns"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/testkit"
	"kumiko/internal/world"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this test needs root, and CI must not skip it")
	}
	t.Skip("SKIPPED: this test makes network namespaces and needs root")
}

// open makes a driver for a folder, and takes everything down after the test.
func open(t *testing.T, run string) *netns.Driver {
	t.Helper()
	needRoot(t)
	d, err := netns.New(run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Down(context.Background()); err != nil {
			t.Error("down:", err)
		}
		if _, err := os.Stat(kernel.Dir(run)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder is still there: %v", err)
		}
		if m := mounts(t, run); m != "" {
			t.Errorf("mounts left behind:\n%s", m)
		}
	})
	return d
}

func mounts(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for line := range strings.Lines(string(all)) {
		if strings.Contains(line, dir) {
			out.WriteString(line)
		}
	}
	return out.String()
}

func apply(t *testing.T, d *netns.Driver, f *fabric.Fabric) {
	t.Helper()
	f = testkit.Copy(f)
	ctx := context.Background()
	if err := d.Ensure(ctx, f); err != nil {
		t.Fatal(err)
	}
	for _, v := range f.VPCs {
		if err := d.ApplyVPC(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Sweep(ctx, f); err != nil {
		t.Fatal(err)
	}
}

// fabricOf is a VPC with a subnet 10.0.0.0/24, a host, and that many ENIs attached to it: .10, .11, …
func fabricOf(host string, enis int) *fabric.Fabric {
	v := &fabric.VPC{ID: "vpc-a", Subnets: []fabric.Subnet{{CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1")}}}
	for n := range enis {
		v.Ports = append(v.Ports, fabric.Port{
			ENI: world.ENIID(fmt.Sprintf("eni-%d", n)), Index: uint32(n + 1), Mask: 24, MTU: fabric.MTU,
			Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(10 + n)})}, MAC: fmt.Sprintf("0a:00:00:00:00:%02x", n),
			Router: v.Subnets[0].Gateway, Peer: fabric.Peer{Host: world.InstanceID(host), Device: fmt.Sprintf("eth%d", n)},
		})
	}
	return &fabric.Fabric{VPCs: []*fabric.VPC{v}, Hosts: []*fabric.Host{{ID: world.InstanceID(host)}}}
}

// inside asks the kernel about a namespace.
func inside[T any](t *testing.T, run, name string, f func(h *netlink.Handle) (T, error)) T {
	t.Helper()
	h, err := kernel.NewHandle(kernel.Path(run, name))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	out, err := f(h)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func link(t *testing.T, run, name, device string) *netlink.LinkAttrs {
	t.Helper()
	return inside(t, run, name, func(h *netlink.Handle) (*netlink.LinkAttrs, error) {
		l, err := h.LinkByName(device)
		if err != nil {
			return nil, err
		}
		return l.Attrs(), nil
	})
}

func addrs(t *testing.T, run, name, device string) string {
	t.Helper()
	return inside(t, run, name, func(h *netlink.Handle) (string, error) {
		l, err := h.LinkByName(device)
		if err != nil {
			return "", err
		}
		list, err := h.AddrList(l, netlink.FAMILY_ALL)
		var out []string
		for _, a := range list {
			out = append(out, a.IPNet.String())
		}
		return strings.Join(out, " "), err
	})
}

// A host sees ordinary interfaces; each further one has a default route of its own for what it sends.
func TestHost(t *testing.T) {
	run := t.TempDir()
	d := open(t, run)
	apply(t, d, fabricOf("i-0", 2))
	for n, want := range []string{"10.0.0.10/24", "10.0.0.11/24"} {
		device := fmt.Sprintf("eth%d", n)
		if got := addrs(t, run, "i-0", device); got != want {
			t.Errorf("%s: %s, want %s", device, got, want)
		}
		a := link(t, run, "i-0", device)
		if a.MTU != fabric.MTU || a.HardwareAddr.String() != fmt.Sprintf("0a:00:00:00:00:%02x", n) || a.OperState != netlink.OperUp {
			t.Errorf("%s: %+v", device, a)
		}
		gateways := inside(t, run, "i-0", func(h *netlink.Handle) ([]netlink.Route, error) {
			table := unix.RT_TABLE_MAIN
			if n > 0 {
				table = 10000 + n
			}
			return h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: table, Gw: []byte{10, 0, 0, 1}}, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_GW)
		})
		if len(gateways) != 1 || gateways[0].LinkIndex != a.Index {
			t.Errorf("%s: default routes %v", device, gateways)
		}
	}
	if got := addrs(t, run, "vpc-a", "lo"); !strings.Contains(got, "10.0.0.1/32") || !strings.Contains(got, "169.254.169.254/32") {
		t.Errorf("router's addresses: %s", got)
	}
	forwards := map[string]string{"vpc-a": "1", "i-0": "0"}
	for name, want := range forwards {
		var got []byte
		if err := kernel.In(kernel.Path(run, name), func() (err error) {
			got, err = os.ReadFile("/proc/sys/net/ipv4/ip_forward")
			return err
		}); err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s forwards: %q, %v; want %s", name, got, err, want)
		}
	}
}

// What root does in a host stays until the ENI changes; then the interface is as the ENI says.
func TestGuestsOwnSide(t *testing.T) {
	run := t.TempDir()
	d := open(t, run)
	f := fabricOf("i-0", 1)
	apply(t, d, f)
	own := &netlink.Addr{IPNet: netlink.NewIPNet([]byte{10, 0, 0, 200})}
	inside(t, run, "i-0", func(h *netlink.Handle) (int, error) {
		l, err := h.LinkByName("eth0")
		if err != nil {
			return 0, err
		}
		return 0, h.AddrAdd(l, own)
	})
	index := link(t, run, "i-0", "eth0").Index
	d.Forget("vpc-a")
	apply(t, d, f)
	if got := addrs(t, run, "i-0", "eth0"); !strings.Contains(got, "10.0.0.200/32") {
		t.Errorf("what root set is gone: %s", got)
	}
	g := fabricOf("i-0", 1)
	g.VPCs[0].Ports[0].Addrs = append(g.VPCs[0].Ports[0].Addrs, netip.MustParseAddr("10.0.0.77"))
	apply(t, d, g)
	if got := addrs(t, run, "i-0", "eth0"); got != "10.0.0.10/24 10.0.0.77/24" {
		t.Errorf("after a change of the ENI: %s", got)
	}
	if now := link(t, run, "i-0", "eth0").Index; now != index {
		t.Error("the cable was made again for a new address")
	}
	g.VPCs[0].Ports[0].MAC = "0a:00:00:00:00:99"
	apply(t, d, g)
	if got := link(t, run, "i-0", "eth0").HardwareAddr.String(); got != "0a:00:00:00:00:99" {
		t.Errorf("hardware address %s", got)
	}
}

// While the daemon was away an ENI went from one host to another; and some things were half made.
func TestTakeOver(t *testing.T) {
	run := t.TempDir()
	first := open(t, run)
	apply(t, first, fabricOf("i-old", 2))
	first.Close()
	f := fabricOf("i-new", 2)
	f.VPCs[0].Ports[1].Peer.Host = "i-old"
	f.Hosts = append(f.Hosts, &fabric.Host{ID: "i-old"}, &fabric.Host{ID: "i-half"})
	if err := os.WriteFile(kernel.Path(run, "i-half"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kernel.Path(run, "i-half-gone"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inside(t, run, "vpc-a", func(h *netlink.Handle) (int, error) { // not complete
		l, err := h.LinkByName(kernel.PortDevice("eni-1"))
		if err != nil {
			return 0, err
		}
		return 0, h.LinkSetDown(l)
	})
	d, err := netns.New(run)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	apply(t, d, f)
	if got := addrs(t, run, "i-new", "eth0"); got != "10.0.0.10/24" {
		t.Errorf("new host: %s", got)
	}
	if got := addrs(t, run, "i-old", "eth1"); got != "10.0.0.11/24" {
		t.Errorf("old host: %s", got)
	}
	if !kernel.Exists(kernel.Path(run, "i-half")) {
		t.Error("a half made namespace was not finished")
	}
	names, err := kernel.List(kernel.Dir(run))
	if err != nil || strings.Join(names, " ") != "i-half i-new i-old vpc-a" {
		t.Errorf("namespaces %v, %v", names, err)
	}
}

// Down works for a process that knows nothing, over things half made, and twice.
func TestDown(t *testing.T) {
	run := t.TempDir()
	apply(t, open(t, run), fabricOf("i-0", 3))
	dir := kernel.Dir(run)
	if err := os.WriteFile(filepath.Join(dir, "i-half"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // somebody's double mounts
		if err := unix.Mount(filepath.Join(dir, "i-0"), filepath.Join(dir, "i-half"), "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, run)
	if err := d.Down(context.Background()); err != nil {
		t.Fatal(err)
	}
	if m := mounts(t, run); m != "" {
		t.Errorf("mounts left behind:\n%s", m)
	}
	if err := d.Down(context.Background()); err != nil {
		t.Error("again:", err)
	}
}
