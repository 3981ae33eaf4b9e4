package kernel_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// folder is a runtime folder prepared for namespaces.
func folder(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("this test needs root, and CI must not skip it")
		}
		t.Skip("SKIPPED: this test makes network namespaces and needs root")
	}
	run := t.TempDir()
	if err := kernel.MountDir(kernel.Dir(run)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		names, err := kernel.List(kernel.Dir(run))
		for _, n := range names {
			err = errors.Join(err, kernel.Delete(kernel.Path(run, n)))
		}
		if err := errors.Join(err, kernel.UnmountDir(kernel.Dir(run))); err != nil {
			t.Error(err)
		}
	})
	return run
}

func create(t *testing.T, path string, sysctls ...kernel.Sysctl) {
	t.Helper()
	if made, err := kernel.Create(path, sysctls); err != nil || !made {
		t.Fatal(made, err)
	}
}

// No thread of ours stays in a namespace, however many enter at once.
func TestInLeavesNoThread(t *testing.T) {
	run := folder(t)
	var wg sync.WaitGroup
	for n := range 4 {
		path := kernel.Path(run, fmt.Sprint("n", n))
		create(t, path)
		for range 25 {
			wg.Go(func() {
				if err := kernel.In(path, func() error {
					links, err := net.Interfaces()
					if err == nil && len(links) != 1 {
						err = fmt.Errorf("interfaces %v", links)
					}
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for foreign := own; foreign != ""; {
		if foreign = ""; time.Now().After(deadline) {
			t.Fatal("a thread stays in another namespace")
		}
		tasks, err := filepath.Glob("/proc/self/task/*/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if at, err := os.Readlink(task); err == nil && at != own {
				foreign = task // it may be about to end
			}
		}
	}
}

// A socket opened in a namespace works from anywhere, and is in that namespace only; what is accepted carries the mark.
func TestSockets(t *testing.T) {
	run := folder(t)
	a, b := kernel.Path(run, "a"), kernel.Path(run, "b")
	create(t, a, kernel.Sysctl{Name: "ipv4/tcp_fwmark_accept", Value: "1"})
	create(t, b)
	addr := netip.MustParseAddrPort("127.0.0.1:80")
	l, err := kernel.ListenTCP(a, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mark := kernel.PortMark(3, 7)
	dial := func() error {
		d := net.Dialer{Timeout: time.Second, Control: func(_, _ string, c syscall.RawConn) (err error) {
			cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(mark)) })
			return errors.Join(err, cerr)
		}}
		c, err := d.Dial("tcp", addr.String())
		if err == nil {
			defer c.Close()
		}
		return err
	}
	if err := kernel.In(a, dial); err != nil {
		t.Fatal(err)
	}
	if err := kernel.In(b, dial); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("from another namespace: %v", err)
	}
	c, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := kernel.Mark(c); err != nil || got != mark {
		t.Errorf("mark %#x, %v; want %#x", got, err, mark)
	}
	u, err := kernel.ListenUDP(a, netip.MustParseAddrPort("10.0.0.2:53")) // no such address yet
	if err != nil {
		t.Fatal(err)
	}
	u.Close()
}

// The machine's namespace is refused however it is named; so are names that lead elsewhere.
func TestRefuse(t *testing.T) {
	run := folder(t)
	mounted := kernel.Path(run, "mounted")
	if err := os.WriteFile(mounted, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("/proc/self/ns/net", mounted, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	ran := func() error { t.Error("ran"); return nil }
	for _, path := range []string{"/proc/1/ns/net", "/proc/self/ns/net", mounted} {
		if err := kernel.In(path, ran); err == nil {
			t.Errorf("%s entered", path)
		}
		if err := kernel.SetSysctls(path, nil); err == nil {
			t.Errorf("%s: parameters set", path)
		}
		if _, err := kernel.NewHandle(path); err == nil {
			t.Errorf("%s: handle opened", path)
		}
	}
	if err := kernel.In(mounted, ran); !errors.Is(err, kernel.ErrForeign) {
		t.Errorf("%v, want ErrForeign", err)
	}
	plain := kernel.Path(run, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := kernel.In(plain, ran); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a plain file: %v", err)
	}
	if err := kernel.Delete(kernel.Dir(run) + "/.."); err == nil {
		t.Error("deleted ..")
	}
}

// A handle is of the namespace that is there now, not of an earlier one by the same name.
func TestHandles(t *testing.T) {
	run := folder(t)
	path := kernel.Path(run, "a")
	create(t, path)
	var hs kernel.Handles
	defer hs.Close()
	first, err := hs.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := hs.Get(path); err != nil || again != first {
		t.Error("another handle for the same namespace", err)
	}
	if err := kernel.Delete(path); err != nil {
		t.Fatal(err)
	}
	if _, err := hs.Get(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("deleted: %v", err)
	}
	create(t, path)
	if now, err := hs.Get(path); err != nil || now == first {
		t.Error("the handle of the namespace before", err)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		kernel.PortDevice("eni-0123456789abcdef0"): "e3456789abcdef0",
		kernel.LinkDevice("rgw-0123456789abcdef0"): "l3456789abcdef0",
		kernel.ConsumerDevice(65535):               "c65535",
		kernel.Path("/run", "vpc-1"):               "/run/netns/vpc-1",
		fmt.Sprintf("%#x", kernel.PortMark(2, 5)):  "0x200005",
	} {
		if got != want || len(got) > 15 && want[0] != '/' {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
