package health

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kumiko/internal/world"
)

// How long an endpoint has for an answer, and how much of it is searched. (Amazon Route 53 Developer Guide, "How Route
// 53 determines the status of health checks that monitor an endpoint".)
const (
	tcpTime     = 10 * time.Second
	connectTime = 4 * time.Second
	answerTime  = 2 * time.Second
	searched    = 5120
)

// ask asks the endpoint once.
func (c *Checker) ask(ctx context.Context, h world.HealthCheck, from netip.Addr) (string, bool) {
	to, err := c.endpoint(h)
	if err != nil {
		return "Failure: " + err.Error(), false
	}
	if h.Type == "TCP" {
		ctx, cancel := context.WithTimeout(ctx, tcpTime)
		defer cancel()
		conn, err := c.cfg.Dial(ctx, from, to)
		if err != nil {
			return failure(err), false
		}
		conn.Close()
		return "Success: TCP connection to " + to.String() + " succeeded", true
	}
	return c.get(ctx, h, from, to)
}

// endpoint is where a check asks.
func (c *Checker) endpoint(h world.HealthCheck) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(h.Address)
	if h.Address == "" {
		known := false
		if a, known = c.cfg.Resolve(h.Domain); !known {
			return netip.AddrPort{}, fmt.Errorf("DNS resolution failed: %s has no address on the Internet", h.Domain)
		}
		err = nil
	}
	return netip.AddrPortFrom(a, uint16(h.Port)), err
}

// get makes an HTTP request.
func (c *Checker) get(ctx context.Context, h world.HealthCheck, from netip.Addr, to netip.AddrPort) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, connectTime+2*answerTime)
	defer cancel()
	connected := false
	t := &http.Transport{
		DisableKeepAlives: true, ResponseHeaderTimeout: answerTime, TLSHandshakeTimeout: connectTime,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connectTime)
			defer cancel()
			conn, err := c.cfg.Dial(ctx, from, to)
			connected = err == nil
			return conn, err
		},
		// Certificates are not validated by health checks of Route 53 either. (Amazon Route 53 Developer Guide, "Values
		// that you specify when you create or update health checks".)
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: serverName(h)},
	}
	defer t.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url(h, to), nil)
	if err != nil {
		return "Failure: " + err.Error(), false
	}
	if h.Domain != "" {
		req.Host = hostOf(h)
	}
	req.Header.Set("User-Agent", "Amazon-Route53-Health-Check-Service (ref "+string(h.ID)+"; report http://amzn.to/1vsZADi)")
	resp, err := t.RoundTrip(req)
	if err != nil {
		if connected && timeout(err) {
			return "Failure: The endpoint did not respond in time.", false
		}
		return failure(err), false
	}
	defer resp.Body.Close()
	return judge(h, resp)
}

// judge says what an answer means.
func judge(h world.HealthCheck, resp *http.Response) (string, bool) {
	status := fmt.Sprintf("HTTP Status Code %d, %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode < 200 || resp.StatusCode > 399 {
		return "Failure: " + status, false
	}
	if h.Search == "" {
		return "Success: " + status, true
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, searched))
	if !bytes.Contains(body, []byte(h.Search)) {
		if err != nil {
			return failure(err), false
		}
		return "Failure: " + status + ". The search string was not found in the first 5120 bytes of the body.", false
	}
	return "Success: " + status, true
}

func url(h world.HealthCheck, to netip.AddrPort) string {
	scheme := "http"
	if strings.HasPrefix(h.Type, "HTTPS") {
		scheme = "https"
	}
	return scheme + "://" + to.String() + "/" + strings.TrimPrefix(h.Path, "/")
}

// hostOf is the Host header of a check with a domain name: with the port where that is not the usual one.
func hostOf(h world.HealthCheck) string {
	if h.Port == 80 && strings.HasPrefix(h.Type, "HTTP") || h.Port == 443 && strings.HasPrefix(h.Type, "HTTPS") {
		return h.Domain
	}
	return net.JoinHostPort(h.Domain, strconv.Itoa(h.Port))
}

func serverName(h world.HealthCheck) string {
	if !h.SNI {
		return ""
	}
	return strings.TrimSuffix(h.Domain, ".")
}

func timeout(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// failure says what an error means.
func failure(err error) string {
	switch {
	case timeout(err):
		return "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being blocked by your firewall."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Failure: Connection refused. Nothing accepts connections on the port."
	}
	return "Failure: " + err.Error()
}
