package proxy

import (
	"io"
	"net/http"
	"net/netip"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Served is a request that was answered for a service.
type Served struct {
	Start, End time.Time
	ID         string
	VPC        *fabric.VPC // the client's
	Service    *fabric.Service
	Listener   world.LatticeListenerID
	Group      *fabric.TargetGroup // nil: no target was asked
	Client     netip.AddrPort
	Target     netip.AddrPort

	Host, Method, Path, Agent, Protocol string

	Status               int
	Received, Sent       int64         // bytes of bodies
	ToTarget, FromTarget time.Duration // until the target had the request, and from then until it began to answer
	Failure              string        // why no target answered. (VPC Lattice User Guide, "Access log contents", failureReason.)
}

// Reasons why no target answered.
const (
	failedConnection = "TargetConnectionError"
	failedTime       = "TargetDataTimeout"
	failedProtocol   = "TargetProtocolError"
)

// begin notes what is known of a request when it comes.
func begin(r *http.Request) *Served {
	s := &Served{Start: time.Now(), Host: r.Host, Method: r.Method, Path: r.URL.RequestURI(), Agent: r.UserAgent(), Protocol: r.Proto}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		s.Client = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	}
	return s
}

// answer counts what is sent to a client.
type answer struct {
	http.ResponseWriter
	of *Served
}

func (a answer) WriteHeader(status int) {
	if a.of.Status == 0 && status >= http.StatusOK {
		a.of.Status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a answer) Write(b []byte) (int, error) {
	if a.of.Status == 0 {
		a.of.Status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.of.Sent += int64(n)
	return n, err
}

// Unwrap lets what is written be flushed.
func (a answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// body counts what comes from a client.
type body struct {
	io.ReadCloser
	of *Served
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.of.Received += int64(n)
	return n, err
}
