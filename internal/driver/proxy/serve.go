package proxy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// turns count what was chosen, so that choices go round.
type turns struct{ of sync.Map }

func (t *turns) next(of string) uint64 {
	n, _ := t.of.LoadOrStore(of, new(atomic.Uint64))
	return n.(*atomic.Uint64).Add(1) - 1
}

// serve answers a request that came to a listener, and tells of it if it is for a service.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, at place) {
	of := begin(r)
	r.Body = body{r.Body, of}
	defer func() { // the end of a client breaks off an answer by a panic
		if of.End = time.Now(); of.Service != nil && p.cfg.Served != nil {
			p.cfg.Served(of)
		}
	}()
	p.answer(answer{w, of}, r, at, of)
}

// answer answers itself, or with what a target says.
func (p *Proxy) answer(w http.ResponseWriter, r *http.Request, at place, of *Served) {
	f := p.fabric.Load()
	v := f.VPC(at.vpc)
	host := hostOf(r.Host)
	s, l := f.ServiceOf(v, localAddr(r), at.port, host)
	of.VPC, of.Service, of.Listener = v, s, l.ID
	if headers(r) > mostHeaders {
		refuse(w, http.StatusBadRequest)
		return
	}
	request := fabric.Request{Method: r.Method, Path: r.URL.Path, Header: lowered(r.Header)}
	if c := f.Decide(v, netip.AddrPortFrom(localAddr(r), at.port), host, request); c.Status != 0 {
		refuse(w, c.Status)
		return
	}
	g, t, ok := p.choose(f, l, l.Choose(request))
	if !ok {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	of.Group, of.Target = g, t.To
	p.forward(t, trip{v, s, g, at.port, of}).ServeHTTP(w, r)
}

// choose is the target whose turn it is.
func (p *Proxy) choose(f *fabric.Fabric, l fabric.ServiceListener, rule fabric.ServiceRule) (*fabric.TargetGroup, fabric.ServiceTarget, bool) {
	id, ok := fabric.Pick(rule.Action, p.turns.next(string(l.ID)+"/"+string(rule.ID)))
	g := f.TargetGroup(id)
	if !ok || g == nil {
		return nil, fabric.ServiceTarget{}, false
	}
	targets := g.Among(func(key string) bool { well, known := p.health.of(id, key); return well && known })
	if len(targets) == 0 {
		return nil, fabric.ServiceTarget{}, false
	}
	return g, targets[p.turns.next(string(id))%uint64(len(targets))], true
}

// forward sends a request to a target, over a connection of its own, and brings back the answer.
func (p *Proxy) forward(t fabric.ServiceTarget, on trip) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", t.To.String()
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it is, readable or not
			on.dress(r.Out, r.In)
		},
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, ResponseHeaderTimeout: idleTime,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, connectTime)
				defer cancel()
				c, err := p.cfg.Dial(ctx, on.group.VPC, t.To)
				on.of.ToTarget = time.Since(on.of.Start)
				return c, err
			},
		},
		ModifyResponse: func(*http.Response) error {
			on.of.FromTarget = time.Since(on.of.Start) - on.of.ToTarget
			return nil
		},
		FlushInterval: -1, // what a target says is told at once
		ErrorLog:      slog.NewLogLogger(p.cfg.Log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			p.cfg.Log.Debug("a target does not answer", "target", t.Key, "err", err)
			on.of.Failure = failure(err)
			refuse(w, http.StatusBadGateway)
		},
	}
}

// trip is a request's way, besides its target.
type trip struct {
	from    *fabric.VPC
	service *fabric.Service
	group   *fabric.TargetGroup
	port    uint16
	of      *Served
}

// failure is AWS's word for why a target did not answer.
func failure(err error) string {
	var dialled *net.OpError
	switch {
	case errors.As(err, &dialled) && dialled.Op == "dial", errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, context.DeadlineExceeded):
		return failedConnection
	case errors.Is(err, os.ErrDeadlineExceeded), strings.Contains(err.Error(), "timeout awaiting response headers"):
		return failedTime
	}
	return failedProtocol
}

// dress gives a request to a target the headers that tell where it is from. Those of clients do not get on. Connections do not become
// anything else than HTTP. (VPC Lattice User Guide, "HTTP headers".)
func (t trip) dress(out, in *http.Request) {
	v := t.from
	out.Host = in.Host
	for name := range out.Header {
		if strings.HasPrefix(strings.ToLower(name), "x-amzn-lattice-") {
			delete(out.Header, name)
		}
	}
	out.Header.Del("Upgrade")
	out.Header.Del("Connection")
	if from, err := netip.ParseAddrPort(in.RemoteAddr); err == nil {
		out.Header.Set("X-Forwarded-For", from.Addr().Unmap().String())
	}
	out.Header.Set("X-Forwarded-Port", strconv.Itoa(int(t.port)))
	out.Header.Set("X-Forwarded-Proto", "http")
	out.Header.Set("X-Amzn-Lattice-Network", "SourceVpcArn="+world.ARN("ec2", v.Region, v.Account, "vpc/"+string(v.ID)))
	out.Header.Set("X-Amzn-Lattice-Target", "ServiceArn="+t.service.ARN+"; ServiceNetworkArn="+v.NetworkARN+"; TargetGroupArn="+t.group.ARN)
	if id := out.Header.Get("X-Amzn-Requestid"); id == "" || len(id) > 512 {
		out.Header.Set("X-Amzn-Requestid", requestID())
	}
	t.of.ID = out.Header.Get("X-Amzn-Requestid")
	if _, ok := in.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // else one would be made up
	}
}

// requestID is a fresh id, in the form of a UUID. (RFC 9562, version 4.)
func requestID() string {
	var b [16]byte
	rand.Read(b[:]) // which never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// refuse answers without a target.
func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// localAddr is the address the client connected to.
func localAddr(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if a == nil {
		return netip.Addr{}
	}
	at, _ := netip.ParseAddrPort(a.String())
	return at.Addr().Unmap()
}

// hostOf is a host header without its port.
func hostOf(host string) string {
	if name, port, ok := strings.Cut(host, ":"); ok && !strings.Contains(port, ":") {
		return name
	}
	return host
}

func headers(r *http.Request) int {
	n := 1 // the host's
	for _, values := range r.Header {
		n += len(values)
	}
	return n
}

func lowered(h http.Header) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		out[strings.ToLower(name)] = values
	}
	return out
}
