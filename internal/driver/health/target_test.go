package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// An HTTP target is well when the status code is one of those that are; who does not speak HTTP is not.
func TestAskOverHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code := 0
		fmt.Sscanf(r.URL.Path, "/%d", &code)
		w.WriteHeader(code)
	}))
	defer server.Close()
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	go func() {
		for {
			c, err := deaf.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "SSH-2.0-x\r\n")
			c.Close()
		}
	}()
	for _, tt := range []struct {
		at, path string
		well     bool
	}{
		{server.Listener.Addr().String(), "/200", true}, {server.Listener.Addr().String(), "/399", true}, {server.Listener.Addr().String(), "/400", false},
		{deaf.Addr().String(), "/200", false},
	} {
		r := &asking{
			probe: fabric.Probe{To: netip.MustParseAddrPort(tt.at), Nodes: []int{0, 1}, Check: world.TargetCheck{Protocol: "HTTP", Path: tt.path, Timeout: 5, FirstCode: 200, LastOne: 399}},
			dial: func(ctx context.Context, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", to.String())
			},
		}
		if got := r.round(t.Context()); got != tt.well {
			t.Errorf("%s%s is well: %t", tt.at, tt.path, got)
		}
	}
}

// A target that nobody knows is well with its first good answer, or ill after some bad ones; after that, so many answers in a
// row that say otherwise change the opinion.
func TestOpinionOfATarget(t *testing.T) {
	for _, tt := range []struct{ name, answers, told string }{
		{"well at once", "+", "+"},
		{"ill after two", "--", ".-"},
		{"one bad answer is none", "+-+-+", "+...."},
		{"well again after three", "--+++", ".-..+"},
		{"not in a row", "--++-+++", ".-.....+"},
		{"late but well", "-+", ".+"},
	} {
		o, got := opinion{healthy: 3, unhealthy: 2}, ""
		for _, a := range tt.answers {
			switch {
			case !o.count(a == '+'):
				got += "."
			case o.well:
				got += "+"
			default:
				got += "-"
			}
		}
		if got != tt.told {
			t.Errorf("%s: %s is told as %s, want %s", tt.name, tt.answers, got, tt.told)
		}
	}
}
