package health

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kumiko/internal/world"
)

// plainly connects without regard to where from.
func plainly(ctx context.Context, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp4", to.String())
}

// checkOf is a check of a server, asked once.
func checkOf(t *testing.T, server *httptest.Server, cfg world.HealthCheckConfig) (string, bool) {
	t.Helper()
	to := netip.MustParseAddrPort(server.Listener.Addr().String())
	if cfg.Domain == "" {
		cfg.Address = to.Addr().String()
	}
	if cfg.Port == 0 {
		cfg.Port = int(to.Port())
	}
	c := New(Config{Dial: plainly, Resolve: func(name string) (netip.Addr, bool) { return to.Addr(), name == "www.example.org" }})
	return c.ask(t.Context(), world.HealthCheck{ID: "check", HealthCheckConfig: cfg}, netip.Addr{})
}

func TestQuestions(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.UserAgent(), "Amazon-Route53-Health-Check-Service"):
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/gone":
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "/gone", http.StatusFound)
		case r.URL.Path == "/late":
			_, _ = w.Write([]byte(strings.Repeat("x", searched) + "needle"))
		default:
			_, _ = w.Write([]byte("a needle for " + r.Host))
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for _, c := range []struct {
		server *httptest.Server
		cfg    world.HealthCheckConfig
		ok     bool
		text   string
	}{
		{plain, world.HealthCheckConfig{Type: "HTTP"}, true, "Success: HTTP Status Code 200, OK"},
		{plain, world.HealthCheckConfig{Type: "HTTP", Path: "gone"}, false, "Failure: HTTP Status Code 404, Not Found"},
		{plain, world.HealthCheckConfig{Type: "HTTP", Path: "/moved"}, true, "Success: HTTP Status Code 302, Found"},
		{plain, world.HealthCheckConfig{Type: "HTTP_STR_MATCH", Search: "needle"}, true, "Success"},
		{plain, world.HealthCheckConfig{Type: "HTTP_STR_MATCH", Search: "for www.example.org", Domain: "www.example.org"}, true, "Success"},
		{plain, world.HealthCheckConfig{Type: "HTTP_STR_MATCH", Search: "needle", Path: "/late"}, false, "Failure: HTTP Status Code 200, OK. The search string"},
		{plain, world.HealthCheckConfig{Type: "HTTP", Domain: "nowhere.example.org"}, false, "Failure: DNS resolution failed"},
		{plain, world.HealthCheckConfig{Type: "HTTPS", SNI: true}, false, "Failure: "},
		{plain, world.HealthCheckConfig{Type: "TCP"}, true, "Success: TCP connection"},
		{plain, world.HealthCheckConfig{Type: "TCP", Port: 1}, false, "Failure: Connection refused"},
		{secure, world.HealthCheckConfig{Type: "HTTPS", SNI: true}, true, "Success"},
	} {
		if text, ok := checkOf(t, c.server, c.cfg); ok != c.ok || !strings.HasPrefix(text, c.text) {
			t.Errorf("%+v: %s", c.cfg, text)
		}
	}
}

// TestResultChanges: what was healthy is not after enough failures, and is told once.
func TestResultChanges(t *testing.T) {
	var refuses atomic.Bool
	told := make(chan bool, 8)
	c := New(Config{
		Dial: func(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
			if refuses.Load() {
				return nil, context.DeadlineExceeded
			}
			near, far := net.Pipe()
			far.Close()
			return near, nil
		},
		Changed: func(_ world.HealthCheckID, well bool) { told <- well },
	})
	h := world.HealthCheck{ID: "check", HealthCheckConfig: world.HealthCheckConfig{Type: "TCP", Address: "198.18.1.0", Port: 80, Interval: 30, FailureThreshold: 2}}
	r := c.start(h, true)
	r.stop()
	refuses.Store(true)
	r.round(t.Context())
	if len(told) > 0 {
		t.Error("one failure is enough")
	}
	r.round(t.Context())
	if len(told) != 1 || <-told {
		t.Error("two failures are not told")
	}
	refuses.Store(false)
	for range 2 {
		r.round(t.Context())
	}
	if len(told) != 1 || !<-told {
		t.Error("it is not told that it is well again")
	}
	if last := r.last(); len(last) != len(world.CheckerRegions()) || !last[0].OK || time.Since(last[0].Time) > time.Minute {
		t.Errorf("last: %+v", last)
	}
}
