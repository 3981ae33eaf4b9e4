package dns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"kumiko/bench/measure"
	"kumiko/internal/driver/dns"
	"kumiko/internal/fabric"
)

// Compare gives queries per second of both resolvers: for names that are asked for again and again, and for so many
// names that each reply is made anew.
func Compare(ctx context.Context, rounds int) (measure.Table, error) {
	t := measure.Table{Title: "Resolver, A records from memory", Peer: "unbound, 2 threads"}
	for _, tool := range []string{"unbound", "dnsperf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Rows = append(t.Rows, measure.NotMeasured("all", tool+" is not installed"))
			return t, nil
		}
	}
	for _, asked := range []int{1000, loaded} {
		s, err := compare(ctx, rounds, asked)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, measure.Row{
			What: fmt.Sprintf("%d names asked for, of %d in %d zones", asked, loaded, zones), Unit: "/s", Ours: s[0], Peer: s[1], Target: "≥ .80",
		})
	}
	return t, nil
}

// How many names there are, and in how many zones.
const loaded, zones = 100_000, 1000

// zoneOf and nameOf are the names of zones, and of what is in them.
func zoneOf(zone int) string { return fmt.Sprintf("z%d.example.internal", zone) }
func nameOf(i int) string    { return fmt.Sprintf("host-%d.%s", i, zoneOf(i%zones)) }

func addrOf(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
}

// compare asks both for the first so many of the names.
func compare(ctx context.Context, rounds, asked int) (out []measure.Sample, err error) {
	dir, err := os.MkdirTemp("", "kumiko-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	queries := filepath.Join(dir, "queries")
	if err := writeQueries(queries, asked); err != nil {
		return nil, err
	}
	ours, stopOurs, err := startOurs(ctx)
	if err != nil {
		return nil, err
	}
	defer stopOurs()
	theirs, stopTheirs, err := startUnbound(ctx, filepath.Join(dir, "unbound.conf"))
	if err != nil {
		return nil, err
	}
	defer stopTheirs()
	side := func(port int) func() (float64, error) {
		return func() (float64, error) { return load(ctx, queries, port) }
	}
	return measure.Take(rounds, side(ours), side(theirs))
}

func writeQueries(file string, asked int) error {
	var text strings.Builder
	for _, i := range rand.Perm(asked) {
		fmt.Fprintf(&text, "%s A\n", nameOf(i))
	}
	return os.WriteFile(file, []byte(text.String()), 0o644)
}

// load is how many queries a second the resolver on the port answers at most.
func load(ctx context.Context, queries string, port int) (float64, error) {
	out, err := exec.CommandContext(ctx, "dnsperf", "-s", "127.0.0.1", "-p", strconv.Itoa(port), "-d", queries, "-c", "8", "-q", "200", "-l", "2", "-e").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("dnsperf: %w\n%s", err, out)
	}
	m := regexp.MustCompile(`Queries per second:\s+([0-9.]+)`).FindSubmatch(out)
	if m == nil || !strings.Contains(string(out), "NOERROR") || strings.Contains(string(out), "NXDOMAIN") {
		return 0, fmt.Errorf("dnsperf:\n%s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// ours makes sockets on loopback, on a free port for UDP; nobody asks over TCP.
type ours struct{ port *int }

func (o ours) ListenUDP(string, netip.AddrPort) (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err == nil {
		*o.port = c.LocalAddr().(*net.UDPAddr).Port
	}
	return c, err
}

func (ours) ListenTCP(string, netip.AddrPort) (*net.TCPListener, error) {
	return net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
}

func (ours) Dial(context.Context, string, string, netip.Addr, netip.AddrPort) (net.Conn, error) {
	return nil, errors.New("nothing is forwarded")
}

func startOurs(ctx context.Context) (port int, stop func(), err error) {
	all := make([]*fabric.Zone, zones)
	for i := range all {
		all[i] = fabric.NewZone(fabric.HostedZone, fmt.Sprint("Z", i), zoneOf(i), fabric.SOA{})
	}
	for i := range loaded {
		all[i%zones].Add(nameOf(i), fabric.Record{Type: fabric.TypeA, TTL: 60, Addr: addrOf(i)})
	}
	v := &fabric.VPC{ID: "vpc-1", View: fabric.NewView(all...), Resolver: fabric.Resolver{Enabled: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}}
	d := dns.New(dns.Config{Sockets: ours{&port}})
	if err := d.Apply(ctx, &fabric.Fabric{VPCs: []*fabric.VPC{v}}); err != nil {
		d.Close()
		return 0, nil, err
	}
	return port, d.Close, nil
}

// startUnbound runs unbound with the names as local data, and as many threads as there are processors here.
func startUnbound(ctx context.Context, conf string) (port int, stop func(), err error) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	port = c.LocalAddr().(*net.UDPAddr).Port
	c.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "server:\n interface: 127.0.0.1\n port: %d\n num-threads: 2\n so-reuseport: yes\n do-daemonize: no\n", port)
	fmt.Fprintf(&text, " username: \"\"\n chroot: \"\"\n directory: \"\"\n pidfile: \"\"\n use-syslog: no\n module-config: \"iterator\"\n minimal-responses: yes\n")
	for i := range zones {
		fmt.Fprintf(&text, " local-zone: \"%s.\" static\n", zoneOf(i))
	}
	for i := range loaded {
		fmt.Fprintf(&text, " local-data: \"%s. 60 IN A %s\"\n", nameOf(i), addrOf(i))
	}
	text.WriteString("remote-control:\n control-enable: no\n")
	if err := os.WriteFile(conf, []byte(text.String()), 0o644); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "unbound", "-d", "-p", "-c", conf)
	if err := cmd.Start(); err != nil {
		cancel()
		return 0, nil, fmt.Errorf("unbound: %w", err)
	}
	stop = func() {
		cancel()
		_ = cmd.Wait() // it ends by being killed
	}
	if err := awaitAnswers(port); err != nil {
		stop()
		return 0, nil, err
	}
	return port, stop, nil
}

// awaitAnswers asks until the resolver on the port answers.
func awaitAnswers(port int) error {
	query := []byte("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06host-0\x02z0\x07example\x08internal\x00\x00\x01\x00\x01")
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		c, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return err
		}
		_ = c.SetDeadline(time.Now().Add(50 * time.Millisecond)) // bounds the wait for an answer that is lost
		_, _ = c.Write(query)
		n, err := c.Read(make([]byte, 512))
		c.Close()
		if err == nil && n > 0 {
			return nil
		}
	}
	return errors.New("unbound does not answer")
}
