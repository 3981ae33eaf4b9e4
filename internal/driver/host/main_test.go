package host

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/remote"
	"kumiko/internal/session/guest"
	"kumiko/internal/world"
)

// TestMain lets the test program be the init of the instances it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == remote.InitArgument {
		guest.Main()
	}
	os.Exit(m.Run())
}

// place is a state folder with network namespaces for hosts.
type place struct {
	*testing.T
	state, run string
	key        ssh.Signer
	keyFile    string
}

// Two hosts whose cables are joined directly.
const (
	idA = world.InstanceID("i-0aaaaaaaaaaaaaaaa")
	idB = world.InstanceID("i-0bbbbbbbbbbbbbbbb")
)

func newPlace(t *testing.T) *place {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("these tests need root")
		}
		t.Skip("SKIPPED: these tests need root")
	}
	state, err := os.MkdirTemp("/tmp", "kumiko-host-") // short paths are easier to read in failures
	if err != nil {
		t.Fatal(err)
	}
	p := &place{T: t, state: state, run: filepath.Join(state, "run")}
	t.Cleanup(func() { os.RemoveAll(state) })
	if err := kernel.MountDir(kernel.Dir(p.run)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(kernel.Dir(p.run), unix.MNT_DETACH) })
	p.makeKey()
	return p
}

func (p *place) makeKey() {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	p.must(err)
	p.key, err = ssh.NewSignerFromKey(private)
	p.must(err)
	block, err := ssh.MarshalPrivateKey(private, "")
	p.must(err)
	p.keyFile = filepath.Join(p.state, "key")
	p.must(os.WriteFile(p.keyFile, pem.EncodeToMemory(block), 0o600))
}

func (p *place) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// namespace makes the network namespace of a host.
func (p *place) namespace(id world.InstanceID) string {
	p.Helper()
	path := kernel.Path(p.run, id)
	_, err := kernel.CreateOwned(path, nil)
	p.must(err)
	p.Cleanup(func() { kernel.Delete(path) })
	return path
}

// join makes a cable between the two hosts' namespaces, straight into both.
func (p *place) join(a, b world.InstanceID, addrA, addrB string) {
	p.Helper()
	fa, err := kernel.Open(kernel.Path(p.run, a))
	p.must(err)
	defer fa.Close()
	fb, err := kernel.Open(kernel.Path(p.run, b))
	p.must(err)
	defer fb.Close()
	p.must(kernel.In(kernel.Path(p.run, a), func() error {
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: "eth0", Namespace: netlink.NsFd(int(fa.Fd()))},
			PeerName:  "eth0", PeerNamespace: netlink.NsFd(int(fb.Fd())),
		})
	}))
	for id, addr := range map[world.InstanceID]string{a: addrA, b: addrB} {
		p.must(kernel.In(kernel.Path(p.run, id), func() error {
			link, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			parsed, err := netlink.ParseAddr(addr)
			if err != nil {
				return err
			}
			if err := netlink.AddrAdd(link, parsed); err != nil {
				return err
			}
			return netlink.LinkSetUp(link)
		}))
	}
}

func (p *place) driver() *Driver {
	p.Helper()
	d, err := New(Config{Run: p.run, State: p.state})
	p.must(err)
	return d
}

// want is a host as the compiler would describe it.
func (p *place) want(id world.InstanceID, addr string, userData string) *fabric.Host {
	a := netip.MustParseAddr(addr)
	return &fabric.Host{
		ID: id, Boot: 1, Hostname: "ip-" + strings.ReplaceAll(addr, ".", "-"), Domain: "ec2.internal",
		Resolver: []netip.Addr{netip.MustParseAddr("10.9.0.2")},
		Ports:    []fabric.HostPort{{Device: "eth0", Addrs: []netip.Addr{a}, Mask: 24}},
		User:     "ec2-user", Keys: []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(p.key.PublicKey())))}, UserData: []byte(userData),
	}
}

// exec runs a command in an instance and returns its output and status.
func (p *place) exec(id world.InstanceID, argv ...string) (string, int) {
	p.Helper()
	return p.execInput(id, "", argv...)
}

func (p *place) execInput(id world.InstanceID, input string, argv ...string) (string, int) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	in, w, err := os.Pipe()
	p.must(err)
	go func() {
		io.WriteString(w, input)
		w.Close()
	}()
	r, out, err := os.Pipe()
	p.must(err)
	text := make(chan string)
	go func() {
		var b bytes.Buffer
		io.Copy(&b, r)
		text <- b.String()
	}()
	code, err := Exec(ctx, Command{Run: p.run, Instance: id, Argv: argv, Stdin: in, Stdout: out, Stderr: out})
	out.Close()
	in.Close()
	got := <-text
	r.Close()
	if err != nil {
		return got + err.Error(), max(code, 125)
	}
	return got, code
}

// expect runs a command that must succeed and print the text.
func (p *place) expect(id world.InstanceID, want string, argv ...string) {
	p.Helper()
	got, code := p.exec(id, argv...)
	if code != 0 || strings.TrimSpace(got) != want {
		p.Errorf("%v: %q, status %d; want %q", argv, got, code, want)
	}
}
