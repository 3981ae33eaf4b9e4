package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// loopback makes the sockets of every namespace on 127.0.0.1, on a port the kernel picks.
type loopback struct{ at map[string]string }

func (l loopback) ListenUDP(ns string, addr netip.AddrPort) (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err == nil {
		l.at[ns+addr.Addr().String()] = c.LocalAddr().String()
	}
	return c, err
}

// Dial connects from anywhere: the addresses of endpoints are not there.
func (l loopback) Dial(ctx context.Context, _, network string, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, to.String())
}

func (l loopback) ListenTCP(ns string, addr netip.AddrPort) (*net.TCPListener, error) {
	at, err := net.ResolveTCPAddr("tcp4", l.at[ns+addr.Addr().String()])
	if err != nil {
		return nil, err
	}
	return net.ListenTCP("tcp4", at)
}

var resolverAddr = netip.MustParseAddr("10.0.0.2")

func zone(name string, records map[string][]fabric.Record) *fabric.Zone {
	z := fabric.NewZone(fabric.HostedZone, "Z1", name, fabric.SOA{
		NS: "ns." + name, Mailbox: "hostmaster." + name, Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minimum: 86400, TTL: 900,
	})
	for n, r := range records {
		z.Add(n, r...)
	}
	return z
}

func address(s string) fabric.Record {
	return fabric.Record{Type: fabric.TypeA, TTL: 60, Addr: netip.MustParseAddr(s)}
}

func alias(to string) fabric.Record {
	return fabric.Record{Type: fabric.TypeCNAME, TTL: 30, Target: to}
}

// testVPC has one zone with a record of every kind.
func testVPC(id world.VPCID) *fabric.VPC {
	many := make([]fabric.Record, 300)
	for i := range many {
		many[i] = address(fmt.Sprintf("10.1.%d.%d", i/250, i%250))
	}
	v := &fabric.VPC{
		ID: id, Resolver: fabric.Resolver{Enabled: true, Addrs: []netip.Addr{resolverAddr}},
		View: fabric.NewView(
			zone("example.internal", map[string][]fabric.Record{
				"db.example.internal":     {address("10.0.0.5")},
				"pair.example.internal":   {address("10.0.0.6"), address("10.0.0.7")},
				"www.example.internal":    {alias("web.example.internal")},
				"web.example.internal":    {alias("db.example.internal")},
				"gone.example.internal":   {alias("nothing.example.internal")},
				"away.example.internal":   {alias("elsewhere.test")},
				"loop.example.internal":   {alias("pool.example.internal")},
				"pool.example.internal":   {alias("loop.example.internal")},
				"many.example.internal":   many,
				"a.deep.example.internal": {address("10.0.0.8")},
				"mail.example.internal":   {{Type: miekg.TypeMX, TTL: 5, Text: "10 db.example.internal."}, {Type: miekg.TypeTXT, TTL: 5, Text: `"caf\195\169" "b"`}},
				"six.example.internal":    {{Type: fabric.TypeAAAA, TTL: 5, Addr: netip.MustParseAddr("fd00::1")}},
			}),
			zone("0.10.in-addr.arpa", map[string][]fabric.Record{
				"5.0.0.10.in-addr.arpa": {{Type: fabric.TypePTR, TTL: 60, Target: "db.example.internal"}},
			}),
		),
	}
	return v
}

// serve runs a driver with v and gives the address of its resolver.
func serve(t *testing.T, v *fabric.VPC) (*Driver, string) {
	t.Helper()
	l := loopback{at: map[string]string{}}
	d := New(Config{Sockets: l})
	t.Cleanup(d.Close)
	if err := d.Apply(context.Background(), &fabric.Fabric{VPCs: []*fabric.VPC{v}}); err != nil {
		t.Fatal(err)
	}
	return d, l.at[kernel.Path("", v.ID)+resolverAddr.String()]
}

// summary is a reply in one line: rcode, flags, then the sections.
func summary(m *miekg.Msg) string {
	var b strings.Builder
	b.WriteString(miekg.RcodeToString[m.Rcode])
	for _, f := range []struct {
		on   bool
		name string
	}{{m.Authoritative, "aa"}, {m.Truncated, "tc"}, {!m.RecursionAvailable, "no-ra"}, {!m.Response, "no-qr"}, {m.AuthenticatedData, "ad"}} {
		if f.on {
			b.WriteString(" " + f.name)
		}
	}
	for _, rr := range m.Answer {
		b.WriteString(" | " + strings.Join(strings.Fields(rr.String()), " "))
	}
	for _, rr := range m.Ns {
		b.WriteString(" / " + strings.Join(strings.Fields(rr.String()), " "))
	}
	return b.String()
}

const soaText = " / example.internal. 900 IN SOA ns.example.internal. hostmaster.example.internal. 1 7200 900 1209600 86400"

func TestAnswers(t *testing.T) {
	_, at := serve(t, testVPC("vpc-1"))
	for _, c := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"db.example.internal.", miekg.TypeA, "NOERROR | db.example.internal. 60 IN A 10.0.0.5"},
		{"dB.eXample.INTERNAL.", miekg.TypeA, "NOERROR | dB.eXample.INTERNAL. 60 IN A 10.0.0.5"},
		{"db.example.internal.", miekg.TypeANY, "NOERROR | db.example.internal. 60 IN A 10.0.0.5"},
		{"six.example.internal.", miekg.TypeAAAA, "NOERROR | six.example.internal. 5 IN AAAA fd00::1"},
		{"mail.example.internal.", miekg.TypeMX, "NOERROR | mail.example.internal. 5 IN MX 10 db.example.internal."},
		{"mail.example.internal.", miekg.TypeTXT, `NOERROR | mail.example.internal. 5 IN TXT "caf\195\169" "b"`},
		{"5.0.0.10.in-addr.arpa.", miekg.TypePTR, "NOERROR | 5.0.0.10.in-addr.arpa. 60 IN PTR db.example.internal."},
		{"www.example.internal.", miekg.TypeA, "NOERROR | www.example.internal. 30 IN CNAME web.example.internal." +
			" | web.example.internal. 30 IN CNAME db.example.internal. | db.example.internal. 60 IN A 10.0.0.5"},
		{"www.example.internal.", miekg.TypeCNAME, "NOERROR | www.example.internal. 30 IN CNAME web.example.internal."},
		{"www.example.internal.", miekg.TypeAAAA, "NOERROR | www.example.internal. 30 IN CNAME web.example.internal." +
			" | web.example.internal. 30 IN CNAME db.example.internal." + soaText},
		{"gone.example.internal.", miekg.TypeA, "NXDOMAIN | gone.example.internal. 30 IN CNAME nothing.example.internal." + soaText},
		{"away.example.internal.", miekg.TypeA, "NXDOMAIN | away.example.internal. 30 IN CNAME elsewhere.test."},
		{"loop.example.internal.", miekg.TypeA, "SERVFAIL"},
		{"db.example.internal.", miekg.TypeTXT, "NOERROR" + soaText},
		{"none.example.internal.", miekg.TypeA, "NXDOMAIN" + soaText},
		{"deep.example.internal.", miekg.TypeA, "NOERROR" + soaText},
		{"example.internal.", miekg.TypeA, "NOERROR" + soaText},
		{"example.internal.", miekg.TypeSOA, "NOERROR | " + soaText[3:]},
		{"elsewhere.test.", miekg.TypeA, "NXDOMAIN"},
		{"example.internal.", miekg.TypeAXFR, "REFUSED"},
		{"example.internal.", miekg.TypeTKEY, "NOTIMP"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			for range 2 { // the second answer is a remembered one
				q := new(miekg.Msg).SetQuestion(c.name, c.qtype)
				m, _, err := (&miekg.Client{Net: network}).Exchange(q, at)
				if err != nil {
					t.Fatalf("%s %d over %s: %v", c.name, c.qtype, network, err)
				}
				if got := summary(m); got != c.want || m.Question[0].Name != c.name || !m.RecursionDesired {
					t.Errorf("%s %d over %s:\n got %s\nwant %s", c.name, c.qtype, network, got, c.want)
				}
			}
		}
	}
}

func TestTurnsAddresses(t *testing.T) {
	_, at := serve(t, testVPC("vpc-1"))
	first := map[string]bool{}
	c, err := miekg.Dial("tcp", at) // one connection has one reader, so turns do not depend on luck
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 4 {
		m, _, err := new(miekg.Client).ExchangeWithConn(new(miekg.Msg).SetQuestion("pair.example.internal.", miekg.TypeA), c)
		if err != nil || len(m.Answer) != 2 {
			t.Fatal(m, err)
		}
		first[m.Answer[0].(*miekg.A).A.String()] = true
	}
	if len(first) != 2 {
		t.Errorf("first addresses: %v", first)
	}
}

func TestTruncatesUDP(t *testing.T) {
	_, at := serve(t, testVPC("vpc-1"))
	for _, c := range []struct {
		network string
		edns    uint16
		want    int
	}{{"udp", 0, 0}, {"udp", 1232, 0}, {"udp", 65535, 0}, {"tcp", 0, 300}, {"tcp", 512, 300}} {
		q := new(miekg.Msg).SetQuestion("many.example.internal.", miekg.TypeA)
		if c.edns > 0 {
			q.SetEdns0(c.edns, true)
		}
		m, _, err := (&miekg.Client{Net: c.network, UDPSize: 65535}).Exchange(q, at)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Answer) != c.want || m.Truncated != (c.want == 0) {
			t.Errorf("%v: %d records, tc %v", c, len(m.Answer), m.Truncated)
		}
		if opt := m.IsEdns0(); (opt != nil) != (c.edns > 0) || opt != nil && (opt.UDPSize() != 4096 || !opt.Do()) {
			t.Errorf("%v: edns %v", c, opt)
		}
	}
}

// ask sends raw bytes and waits for the reply to them, and to a good query behind them on the same socket: what is
// not answered is known by the good answer alone, not by a time-out.
func exchangeRaw(t *testing.T, at string, raw []byte) (reply []byte) {
	t.Helper()
	c, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	good, err := new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	good[0], good[1] = 0xbe, 0xef
	in := make([]byte, 4096)
	for _, b := range [][]byte{raw, good} {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		n, err := c.Read(in)
		if err != nil {
			t.Fatal(err)
		}
		if in[0] == 0xbe && in[1] == 0xef {
			if reply != nil {
				break
			}
			continue
		}
		reply = append([]byte{}, in[:n]...)
		break
	}
	return reply
}

func TestRefusesWhatIsNoQuery(t *testing.T) {
	_, at := serve(t, testVPC("vpc-1"))
	build := func(change func(*miekg.Msg)) []byte {
		m := new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA)
		change(m)
		raw, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"notify":     {build(func(m *miekg.Msg) { m.Opcode = miekg.OpcodeNotify }), "NOTIMP"},
		"update":     {build(func(m *miekg.Msg) { m.SetUpdate("example.internal.") }), "NOTIMP"},
		"chaos":      {build(func(m *miekg.Msg) { m.Question[0].Qclass = miekg.ClassCHAOS }), "REFUSED"},
		"two":        {build(func(m *miekg.Msg) { m.Question = append(m.Question, m.Question[0]) }), "FORMERR"},
		"none":       {build(func(m *miekg.Msg) { m.Question = nil }), "FORMERR"},
		"cut":        {build(func(m *miekg.Msg) {})[:20], "FORMERR"},
		"pointer":    {append(build(func(m *miekg.Msg) {})[:12], 0xc0, 12, 0, 1, 0, 1), "FORMERR"},
		"edns1":      {build(func(m *miekg.Msg) { m.SetEdns0(4096, false); m.IsEdns0().SetVersion(1) }), "BADVERS"},
		"two opts":   {build(func(m *miekg.Msg) { m.SetEdns0(4096, false); m.Extra = append(m.Extra, m.Extra[0]) }), "FORMERR"},
		"count lies": {func() []byte { b := build(func(*miekg.Msg) {}); b[11] = 1; return b }(), "FORMERR"},
	} {
		m := new(miekg.Msg)
		if err := m.Unpack(exchangeRaw(t, at, c.raw)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rcode := miekg.RcodeToString[m.Rcode]
		if rcode == "BADSIG" {
			rcode = "BADVERS" // both are 16
		}
		if rcode != c.want {
			t.Errorf("%s: got %s, want %s", name, rcode, c.want)
		}
	}
}

func TestOnlyQueriesAreAnswered(t *testing.T) {
	a := newAnswerer()
	raw, err := new(miekg.Msg).SetReply(new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA)).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{raw, raw[:11], nil} {
		if got := a.answer(testVPC("vpc-1"), b, udp); got != nil {
			t.Errorf("% x answered with % x", b, got)
		}
	}
}

func TestApplyFollowsFabric(t *testing.T) {
	v := testVPC("vpc-1")
	d, at := serve(t, v)
	query := func() string {
		m, err := miekg.Exchange(new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA), at)
		if err != nil {
			return "silent"
		}
		return summary(m)
	}
	query()
	next := *v
	next.View = fabric.NewView(zone("example.internal", map[string][]fabric.Record{"db.example.internal": {address("10.9.9.9")}}))
	if err := d.Apply(context.Background(), &fabric.Fabric{VPCs: []*fabric.VPC{&next}}); err != nil {
		t.Fatal(err)
	}
	if got := query(); !strings.HasSuffix(got, " 10.9.9.9") {
		t.Errorf("after a change: %s", got)
	}
	off := next
	off.Resolver.Enabled = false
	if err := d.Apply(context.Background(), &fabric.Fabric{VPCs: []*fabric.VPC{&off}}); err != nil {
		t.Fatal(err)
	}
	if got := query(); got != "silent" {
		t.Errorf("with the resolver off: %s", got)
	}
	if len(d.servers) != 0 {
		t.Error("sockets of a VPC without resolver are open")
	}
}

func TestDig(t *testing.T) {
	dig, err := exec.LookPath("dig")
	if err != nil {
		t.Log("dig is not installed; what stock clients make of replies goes untested here")
		return
	}
	_, at := serve(t, testVPC("vpc-1"))
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"+short db.example.internal":             "10.0.0.5\n",
		"+short www.example.internal":            "web.example.internal.\ndb.example.internal.\n10.0.0.5\n",
		"+short -x 10.0.0.5":                     "db.example.internal.\n",
		"+noall +comments none.example.internal": "flags: qr rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1",
		"+noall +comments db.example.internal":   "; EDNS: version: 0, flags:; udp: 4096",
		"+noall +stats many.example.internal":    "(TCP)",
	} {
		out, err := exec.Command(dig, append([]string{"@" + host, "-p", port, "+tries=1"}, strings.Fields(args)...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "WARNING") {
			t.Errorf("dig %s: %v\n%s\nwant %s", args, err, out, want)
		}
	}
}
