package dns

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// target is a resolver of somebody else's. What it is asked is counted.
func target(t *testing.T, asked *atomic.Int32) netip.AddrPort {
	t.Helper()
	handler := miekg.HandlerFunc(func(w miekg.ResponseWriter, q *miekg.Msg) {
		asked.Add(1)
		m := new(miekg.Msg).SetReply(q)
		m.Authoritative, m.AuthenticatedData = true, true
		name := strings.ToLower(q.Question[0].Name)
		add := func(text string) {
			rr, err := miekg.NewRR(text)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		switch {
		case strings.HasPrefix(name, "none."):
			m.Rcode = miekg.RcodeNameError
		case strings.HasPrefix(name, "broken."):
			m.Rcode = miekg.RcodeRefused
		case strings.HasPrefix(name, "long.") && w.RemoteAddr().Network() == "udp":
			m.Truncated = true
		case strings.HasPrefix(name, "cname."):
			add(name + " 7 IN CNAME db.partner.test.")
			add("db.partner.test. 7 IN A 192.0.2.7")
		default:
			add(name + " 7 IN A 192.0.2.7")
		}
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*miekg.Server{{PacketConn: c, Handler: handler}, {Listener: l, Handler: handler}} {
		done := make(chan error, 1)
		go func() { done <- s.ActivateAndServe() }()
		t.Cleanup(func() {
			c.Close()
			l.Close()
			<-done
		})
	}
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// forwarding is a fabric whose VPC forwards names of partner.test to the targets, with an inbound endpoint as well.
func forwarding(targets ...netip.AddrPort) *fabric.Fabric {
	v := testVPC("vpc-1")
	v.View.Rules = map[string]*fabric.Forward{"partner.test": {Rule: "rslvr-rr-1", Domain: "partner.test", Endpoint: "rslvr-out-1", Targets: targets}}
	v.View.Hosted["example.internal"].Add("far.example.internal", alias("db.partner.test"))
	v.View.Logged = true
	return &fabric.Fabric{VPCs: []*fabric.VPC{v}, Resolvers: []*fabric.ResolverEndpoint{
		{ID: "rslvr-in-1", VPC: v.ID, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.40")}},
		{ID: "rslvr-out-1", VPC: v.ID, Outbound: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.41"), netip.MustParseAddr("10.0.1.41")}},
	}}
}

// TestForwards asks others by the rules: what they say is what the client gets, and it is written down.
func TestForwards(t *testing.T) {
	var asked atomic.Int32
	dead := netip.MustParseAddrPort("127.0.0.1:1") // nobody listens there
	f := forwarding(dead, target(t, &asked))
	l := loopback{at: map[string]string{}}
	noted := make(chan Question, 64)
	d := New(Config{Sockets: l, Asked: func(q Question) { noted <- q }})
	t.Cleanup(d.Close)
	if err := d.Apply(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	at := l.at[kernel.Path("", "vpc-1")+resolverAddr.String()]
	for name, want := range map[string]string{
		"dB.partner.test.":      "NOERROR | dB.partner.test. 7 IN A 192.0.2.7",
		"partner.test.":         "NOERROR | partner.test. 7 IN A 192.0.2.7",
		"none.partner.test.":    "NXDOMAIN",
		"broken.partner.test.":  "REFUSED",
		"long.partner.test.":    "NOERROR | long.partner.test. 7 IN A 192.0.2.7",
		"cname.partner.test.":   "NOERROR | cname.partner.test. 7 IN CNAME db.partner.test. | db.partner.test. 7 IN A 192.0.2.7",
		"far.example.internal.": "NOERROR | far.example.internal. 30 IN CNAME db.partner.test. | db.partner.test. 7 IN A 192.0.2.7",
		"db.example.internal.":  "NOERROR | db.example.internal. 60 IN A 10.0.0.5",
	} {
		for _, network := range []string{"udp", "tcp"} {
			for where, addr := range map[world.ResolverEndpointID]string{"": at, "rslvr-in-1": l.at[kernel.Path("", "rslvr-in-1")+"10.0.0.40"]} {
				m, _, err := (&miekg.Client{Net: network, Timeout: 10 * time.Second}).Exchange(new(miekg.Msg).SetQuestion(name, miekg.TypeA), addr)
				if err != nil {
					t.Fatalf("%s over %s: %v", name, network, err)
				}
				if got := summary(m); got != want || m.Question[0].Name != name {
					t.Errorf("%s over %s:\n got %s\nwant %s", name, network, got, want)
				}
				q := <-noted
				if q.Name != name || q.Endpoint != where || q.TCP != (network == "tcp") || q.Rcode != miekg.RcodeToString[m.Rcode] || len(q.Answers) != len(m.Answer) {
					t.Errorf("noted %+v", q)
				}
			}
		}
	}
}

// TestCircleEnds: a rule that leads back to its own VPC does not ask for ever.
func TestCircleEnds(t *testing.T) {
	l := loopback{at: map[string]string{}}
	d := New(Config{Sockets: l})
	t.Cleanup(d.Close)
	f := forwarding()
	if err := d.Apply(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	f.VPCs[0].View.Rules["partner.test"].Targets = []netip.AddrPort{netip.MustParseAddrPort(l.at[kernel.Path("", "rslvr-in-1")+"10.0.0.40"])}
	at := l.at[kernel.Path("", "vpc-1")+resolverAddr.String()]
	m, _, err := (&miekg.Client{Timeout: 20 * time.Second}).Exchange(new(miekg.Msg).SetQuestion("db.partner.test.", miekg.TypeA), at)
	if err != nil || m.Rcode != miekg.RcodeServerFailure {
		t.Fatal(m, err)
	}
}

// TestManyAskOnce: those who ask the same while it is being asked wait with the first.
func TestManyAskOnce(t *testing.T) {
	var asked atomic.Int32
	f := newForwarder(Config{Sockets: loopback{}, Log: New(Config{}).cfg.Log})
	defer f.close()
	whole := forwarding(target(t, &asked))
	f.fabric.Store(whole)
	rule := whole.VPCs[0].View.Rules["partner.test"]
	k := asked1("db.partner.test.")
	f.mu.Lock()
	replies := make(chan *miekg.Msg, 8)
	for range cap(replies) {
		go func() { replies <- f.ask(k, rule, nil) }()
	}
	f.mu.Unlock()
	var got []string
	for range cap(replies) {
		got = append(got, summary(<-replies))
	}
	if slices.Sort(got); got[0] != got[7] || !strings.Contains(got[0], "192.0.2.7") || asked.Load() > 8 {
		t.Errorf("asked %d times: %v", asked.Load(), got)
	}
	if r := f.ask(asked1("x.partner.test."), &fabric.Forward{Rule: "rslvr-rr-1"}, nil); r.Rcode != miekg.RcodeServerFailure {
		t.Error(r)
	}
}

func asked1(name string) asked { return asked{"vpc-1", "rslvr-rr-1", name, miekg.TypeA, false} }

func FuzzReply(f *testing.F) {
	q, err := new(miekg.Msg).SetQuestion("db.partner.test.", miekg.TypeA).Pack()
	if err != nil {
		f.Fatal(err)
	}
	r, err := new(miekg.Msg).SetReply(new(miekg.Msg).SetQuestion("db.partner.test.", miekg.TypeA)).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r)
	f.Add(q)
	f.Fuzz(func(t *testing.T, raw []byte) {
		copy(raw, q[:2])
		m := replyTo(q, raw)
		if m == nil {
			return
		}
		p := pack("db.partner.test.", miekg.TypeA, result{name: "db.partner.test."}.forwarded(m))
		var a answerer
		query, _ := parseQuery(q)
		var out miekg.Msg
		if err := out.Unpack(a.compose(&query, p, tcp)); err != nil {
			t.Fatalf("a reply of %x leads to one that cannot be read: %v", raw, err)
		}
	})
}
