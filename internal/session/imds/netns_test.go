package imds

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"kumiko/internal/driver/dns"
	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/nft"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// lab is a world made real: routers, hosts and their cables, the resolvers and the metadata service.
type lab struct {
	t   *testing.T
	run string
}

func newLab(t *testing.T, w world.World) *lab {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("this test needs root, and nothing may be skipped here")
		}
		t.Skip("SKIPPED, PROVES NOTHING: this test makes network namespaces and needs root")
	}
	l := &lab{t: t, run: t.TempDir()}
	ctx, f := context.Background(), fabric.Compile(w)
	spaces, err := netns.New(l.run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := spaces.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(spaces.Ensure(ctx, f))
	rules, routes := nft.New(func(name string) string { return kernel.Path(l.run, name) }), route.New(l.run, spaces)
	for _, v := range f.VPCs {
		must(rules.ApplyVPC(ctx, v))
		must(spaces.ApplyVPC(ctx, v))
		must(routes.ApplyVPC(ctx, v))
	}
	names := dns.New(dns.Config{Run: l.run})
	t.Cleanup(names.Close)
	must(names.Apply(ctx, f))
	s, err := New(Config{Run: l.run, Key: testKey})
	must(err)
	t.Cleanup(s.Close)
	must(s.Apply(ctx, f, w))
	return l
}

// dial connects from an instance, from a source address of its choice if it is valid.
func (l *lab) dial(from, network, addr string, source netip.Addr) (c net.Conn, err error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		d.Timeout = time.Second
	}
	err = kernel.In(kernel.Path(l.run, from), func() (err error) {
		c, err = d.Dial(network, addr)
		return err
	})
	return c, err
}

// client is what runs in an instance.
func (l *lab) client(from string) *http.Client {
	tr := &http.Transport{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		return l.dial(from, network, addr, netip.Addr{})
	}}
	l.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

const metadata = "http://169.254.169.254"

func TestInstancesSeeThemselves(t *testing.T) {
	t.Parallel()
	l := newLab(t, testWorld(t, asGiven))
	tokens := map[string]string{}
	for _, i := range []string{"i-one", "i-two", "i-three"} { // i-one and i-three have the same address
		c := l.client(i)
		if status, got, _ := call(t, c, "GET", metadata+"/latest/meta-data/instance-id"); status != 200 || got != i {
			t.Errorf("%s is told %d %s", i, status, got)
		}
		_, tokens[i], _ = call(t, c, "PUT", metadata+"/latest/api/token", ttlHeader, "60")
	}
	for user, want := range map[string]int{"i-one": 200, "i-two": 401, "i-three": 401} {
		if got, _, _ := call(t, l.client(user), "GET", metadata+"/latest/meta-data/", tokenHeader, tokens["i-one"]); got != want {
			t.Errorf("%s with the token of i-one: %d", user, got)
		}
	}
	if c, err := l.dial("i-one", "tcp4", "10.0.1.1:80", netip.MustParseAddr("10.0.1.10")); err == nil {
		c.Close()
		t.Error("served at another address of the router")
	}
}

func TestSpoofedSourceGetsNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, testWorld(t, asGiven))
	two := netip.MustParseAddr("10.0.1.11")
	err := kernel.In(kernel.Path(l.run, "i-one"), func() error { return addToLoopback(two) })
	if err != nil {
		t.Fatal(err)
	}
	if c, err := l.dial("i-one", "tcp4", "169.254.169.254:80", two); err == nil {
		c.Close()
		t.Error("connected from a neighbour's address")
	}
	if _, got, _ := call(t, l.client("i-one"), "GET", metadata+"/latest/meta-data/instance-id"); got != "i-one" {
		t.Errorf("from its own address: %s", got)
	}
}

// addToLoopback gives the calling thread's namespace an address of its own, on an alias of lo.
func addToLoopback(a netip.Addr) error {
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(sock)
	req, err := unix.NewIfreq("lo:1")
	if err != nil {
		return err
	}
	if err := req.SetInet4Addr(a.AsSlice()); err != nil {
		return err
	}
	return unix.IoctlIfreq(sock, unix.SIOCSIFADDR, req)
}

func TestHopLimitIsOfTokensOnly(t *testing.T) {
	l := newLab(t, testWorld(t, func(i *world.Instance) { i.Metadata.HopLimit = 3 }))
	var sniffer int
	err := kernel.In(kernel.Path(l.run, "i-one"), func() (err error) {
		sniffer, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(binary.NativeEndian.Uint16([]byte{8, 0})))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sniffer)
	if err := unix.SetsockoptTimeval(sniffer, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
		t.Fatal(err)
	}
	c := l.client("i-one") // one connection for all
	for _, step := range []struct {
		method string
		want   byte
	}{{"PUT", 3}, {"GET", 64}, {"PUT", 3}} {
		path := map[string]string{"PUT": "/latest/api/token", "GET": "/latest/meta-data/instance-id"}[step.method]
		if got, body, _ := call(t, c, step.method, metadata+path, ttlHeader, "60"); got != 200 {
			t.Fatal(got, body)
		}
		if got := ttlOfReply(t, sniffer); got != step.want {
			t.Errorf("%s: the reply may travel %d hops, want %d", step.method, got, step.want)
		}
	}
}

// ttlOfReply reads packets until an HTTP reply, and gives its time to live. (RFC 791 §3.1.)
func ttlOfReply(t *testing.T, sniffer int) byte {
	t.Helper()
	b := make([]byte, 9100)
	for {
		n, _, err := unix.Recvfrom(sniffer, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n > 20 && bytes.Contains(b[:n], []byte("HTTP/1.1 200 OK\r\n")) {
			return b[8]
		}
	}
}

func TestNamesFromInstances(t *testing.T) {
	l := newLab(t, testWorld(t, asGiven))
	for _, network := range []string{"udp", "tcp"} {
		for _, at := range []string{"10.0.0.2:53", "169.254.169.253:53"} {
			c, err := l.dial("i-two", network, at, netip.Addr{})
			if err != nil {
				t.Errorf("%s %s: %v", network, at, err)
				continue
			}
			m, _, err := new(miekg.Client).ExchangeWithConn(new(miekg.Msg).SetQuestion("ip-10-0-1-10.ec2.internal.", miekg.TypeA), &miekg.Conn{Conn: c})
			c.Close()
			if err != nil || len(m.Answer) != 1 || !strings.HasSuffix(m.Answer[0].String(), "10.0.1.10") {
				t.Errorf("%s %s: %v %v", network, at, m, err)
			}
		}
	}
}

func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	url, _ := start(t, testWorld(t, asGiven), nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * headerTime))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost:"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); os.IsTimeout(err) {
		t.Error("a request without an end is waited for")
	}
}
