package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kumiko/internal/driver/dns"
	"kumiko/internal/fabric"
)

// rounds is how often each resolver is measured; the median counts.
const rounds = 3

// BenchmarkAgainstUnbound gives queries per second of both, and ours as a part of unbound's: for names that are asked
// for again and again, and for so many names that each reply is made anew.
func BenchmarkAgainstUnbound(b *testing.B) {
	for _, tool := range []string{"unbound", "dnsperf"} {
		if _, err := exec.LookPath(tool); err != nil {
			b.Skipf("NOT MEASURED: %s is not installed", tool)
		}
	}
	for _, c := range []struct {
		name  string
		names int
	}{{"remembered", 1000}, {"fresh", 50_000}} {
		b.Run(c.name, func(b *testing.B) {
			names := make(map[string]netip.Addr, c.names)
			for i := range c.names {
				names[fmt.Sprintf("host-%d.example.internal", i)] = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			}
			queries := writeQueries(b, names)
			theirs, ours := startUnbound(b, names), startOurs(b, names)
			for b.Loop() {
				var qps [2][]float64
				for range rounds {
					for i, port := range []int{ours, theirs} {
						qps[i] = append(qps[i], load(b, queries, port))
					}
				}
				for i := range qps {
					slices.Sort(qps[i])
				}
				mine, other := qps[0][rounds/2], qps[1][rounds/2]
				b.ReportMetric(mine, "kumiko-qps")
				b.ReportMetric(other, "unbound-qps")
				b.ReportMetric(mine/other, "ratio")
			}
		})
	}
}

func writeQueries(b *testing.B, names map[string]netip.Addr) string {
	b.Helper()
	var text strings.Builder
	for n := range names { // in no order
		fmt.Fprintf(&text, "%s A\n", n)
	}
	return write(b, "queries", text.String())
}

func write(b *testing.B, name, text string) string {
	b.Helper()
	file := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	return file
}

// load is how many queries a second the resolver on the port answers at most.
func load(b *testing.B, queries string, port int) float64 {
	b.Helper()
	out, err := exec.Command("dnsperf", "-s", "127.0.0.1", "-p", strconv.Itoa(port), "-d", queries, "-c", "8", "-q", "200", "-l", "3", "-e").CombinedOutput()
	if err != nil {
		b.Fatalf("dnsperf: %v\n%s", err, out)
	}
	m := regexp.MustCompile(`Queries per second:\s+([0-9.]+)`).FindSubmatch(out)
	if m == nil || !strings.Contains(string(out), "NOERROR") || strings.Contains(string(out), "NXDOMAIN") {
		b.Fatalf("dnsperf:\n%s", out)
	}
	qps, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return qps
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

func startOurs(b *testing.B, names map[string]netip.Addr) (port int) {
	b.Helper()
	z := fabric.Zone{Name: "example.internal", Records: map[string][]fabric.Record{}}
	for n, a := range names {
		z.Records[n] = []fabric.Record{{Type: fabric.TypeA, TTL: 60, Addr: a}}
	}
	v := &fabric.VPC{ID: "vpc-1", Zones: []fabric.Zone{z}, Resolver: fabric.Resolver{Enabled: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}}
	d := dns.New(dns.Config{Sockets: ours{&port}})
	b.Cleanup(d.Close)
	if err := d.Apply(context.Background(), &fabric.Fabric{VPCs: []*fabric.VPC{v}}); err != nil {
		b.Fatal(err)
	}
	return port
}

// startUnbound runs unbound with the names as local data, and as many threads as there are processors.
func startUnbound(b *testing.B, names map[string]netip.Addr) (port int) {
	b.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	port = c.LocalAddr().(*net.UDPAddr).Port
	c.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "server:\n interface: 127.0.0.1\n port: %d\n num-threads: 2\n so-reuseport: yes\n do-daemonize: no\n", port)
	fmt.Fprintf(&text, " username: \"\"\n chroot: \"\"\n directory: \"\"\n pidfile: \"\"\n use-syslog: no\n module-config: \"iterator\"\n minimal-responses: yes\n local-zone: \"example.internal.\" static\n")
	for n, a := range names {
		fmt.Fprintf(&text, " local-data: \"%s. 60 IN A %s\"\n", n, a)
	}
	text.WriteString("remote-control:\n control-enable: no\n")
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "unbound", "-d", "-p", "-c", write(b, "unbound.conf", text.String()))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cancel(); _ = cmd.Wait() }) // ends by being killed
	awaitAnswers(b, port)
	return port
}

// awaitAnswers asks until the resolver on the port answers.
func awaitAnswers(b *testing.B, port int) {
	b.Helper()
	query := []byte("\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06host-0\x07example\x08internal\x00\x00\x01\x00\x01")
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		c, err := net.Dial("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			b.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(50 * time.Millisecond)) // bounds the wait for an answer that is lost
		_, _ = c.Write(query)
		n, err := c.Read(make([]byte, 512))
		c.Close()
		if err == nil && n > 0 {
			return
		}
	}
	b.Fatal("unbound does not answer")
}
