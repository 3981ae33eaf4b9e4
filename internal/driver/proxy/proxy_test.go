package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// bench is a proxy whose clients come over loopback, with one service whose targets the test has.
type bench struct {
	*Proxy
	f    *fabric.Fabric
	addr string // of the listener
}

func start(t *testing.T, target http.Handler) *bench {
	back := httptest.NewServer(target)
	t.Cleanup(back.Close)
	b := &bench{Proxy: New(Config{Log: slog.New(slog.DiscardHandler), Dial: func(ctx context.Context, from world.VPCID, to netip.AddrPort) (net.Conn, error) {
		if from != "vpc-b" || to.String() != "10.0.0.9:8080" {
			return nil, fmt.Errorf("nothing is at %s of %s", to, from)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", back.Listener.Addr().String())
	}})}
	action := world.LatticeAction{Groups: []world.LatticeWeight{{Group: "tg-1", Weight: 1}}}
	b.f = &fabric.Fabric{
		VPCs: []*fabric.VPC{{ID: "vpc-a", Account: "111111111111", Region: "eu-west-1", Network: "sn-1", NetworkARN: "arn:net"}},
		Services: []*fabric.Service{{ID: "svc-1", ARN: "arn:svc", Name: "web.example", Addr: netip.MustParseAddr("127.0.0.1"), Networks: []world.ServiceNetworkID{"sn-1"},
			Listeners: []fabric.ServiceListener{{ID: "listener-1", Port: 80, Rules: []fabric.ServiceRule{{Action: action}}}}}},
		TargetGroups: []*fabric.TargetGroup{{ID: "tg-1", ARN: "arn:tg", VPC: "vpc-b", Targets: []fabric.ServiceTarget{{Key: "t:8080", To: netip.MustParseAddrPort("10.0.0.9:8080")}}}},
	}
	b.fabric.Store(b.f)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := b.server(place{"vpc-a", 80}, &door{})
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	b.addr = l.Addr().String()
	return b
}

// ask sends bytes and reads the answer.
func (b *bench) ask(t *testing.T, text string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

// TestHeaders passes a request on as its client made it, but for what Lattice says of it.
func TestHeaders(t *testing.T) {
	b := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Said", "so")
		w.WriteHeader(418)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s\n", r.Method, r.RequestURI, r.Host, body)
		r.Header.Write(w)
	}))
	r, body := b.ask(t, "POST /a%2Fb?x=1;y HTTP/1.1\nHost: web.example:80\nContent-Length: 3\nx-amzn-lattice-identity: Principal=me\nX-Forwarded-For: 6.6.6.6\n"+
		"Connection: upgrade\nUpgrade: websocket\nX-Mine: 1\n\nabc")
	if r.StatusCode != 418 || r.Header.Get("X-Said") != "so" || !strings.HasPrefix(body, "POST /a%2Fb?x=1;y web.example:80 abc\n") {
		t.Errorf("%d %v %s", r.StatusCode, r.Header, body)
	}
	for _, want := range []string{"X-Mine: 1", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Port: 80", "X-Forwarded-Proto: http",
		"X-Amzn-Lattice-Network: SourceVpcArn=arn:aws:ec2:eu-west-1:111111111111:vpc/vpc-a",
		"X-Amzn-Lattice-Target: ServiceArn=arn:svc; ServiceNetworkArn=arn:net; TargetGroupArn=arn:tg", "X-Amzn-Requestid: "} {
		if !strings.Contains(body, want) {
			t.Errorf("the target was not told %s:\n%s", want, body)
		}
	}
	for _, not := range []string{"Principal=me", "6.6.6.6", "websocket", "User-Agent"} {
		if strings.Contains(body, not) {
			t.Errorf("the target was told %s:\n%s", not, body)
		}
	}
}

// TestRefusals are the answers that no target gives.
func TestRefusals(t *testing.T) {
	b := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(c, "no HTTP\r\n\r\n")
		c.Close()
	}))
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"nobody's name": {"GET / HTTP/1.1\nHost: other.example\n\n", 404},
		"no name":       {"GET / HTTP/1.0\n\n", 404},
		"no HTTP":       {"hello\n\n", 400},
		"many headers":  {"GET / HTTP/1.1\nHost: web.example\n" + strings.Repeat("a: b\n", 100) + "\n", 400},
		"two lengths":   {"POST / HTTP/1.1\nHost: web.example\nContent-Length: 1\nContent-Length: 2\n\nab", 400},
		"bad target":    {"GET / HTTP/1.1\nHost: web.example\n\n", 502},
	} {
		if r, _ := b.ask(t, c.text); r.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, r.StatusCode, c.want)
		}
	}
	b.f.TargetGroups[0].Targets[0].To = netip.MustParseAddrPort("10.0.0.10:8080")
	if r, _ := b.ask(t, "GET / HTTP/1.1\nHost: web.example\n\n"); r.StatusCode != 502 {
		t.Errorf("a target that is not there: %d", r.StatusCode)
	}
	b.f.TargetGroups[0].Targets = nil
	if r, _ := b.ask(t, "GET / HTTP/1.1\nHost: web.example\n\n"); r.StatusCode != 503 {
		t.Errorf("no target: %d", r.StatusCode)
	}
}

// TestOpinion changes after as many answers in a row as the check says; the first good one makes a new target healthy.
func TestOpinion(t *testing.T) {
	o := opinion{healthy: 3, unhealthy: 2}
	for _, x := range []struct{ answer, known, well bool }{
		{true, true, true}, {false, true, true}, {true, true, true}, {false, true, true}, {false, true, false},
		{true, true, false}, {true, true, false}, {true, true, true},
	} {
		if o.count(x.answer); o.known != x.known || o.well != x.well {
			t.Errorf("after %v: known %v, well %v", x, o.known, o.well)
		}
	}
	o = opinion{healthy: 3, unhealthy: 2}
	if o.count(false); o.known {
		t.Error("one bad answer makes a new target unhealthy")
	}
	if o.count(false); !o.known || o.well {
		t.Error("two bad answers do not make a new target unhealthy")
	}
}

// TestMatchesCode reads lists and ranges.
func TestMatchesCode(t *testing.T) {
	for _, c := range []struct {
		codes string
		code  int
		want  bool
	}{{"200", 200, true}, {"200", 201, false}, {"200,300-399", 302, true}, {"200,300-399", 400, false}} {
		if got := matchesCode(c.codes, c.code); got != c.want {
			t.Errorf("%s takes %d: %v", c.codes, c.code, got)
		}
	}
}
