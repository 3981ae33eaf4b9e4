package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Limits of request bodies in bytes. A batch of log events has at most 1,048,576 bytes of text (CloudWatch Logs API Reference,
// PutLogEvents), which JSON can make several times as long.
const (
	maxBody     = 1 << 20
	maxLogsBody = 8 << 20
)

// Config is what a Server needs.
type Config struct {
	Services    []wire.Service
	Credentials Credentials
	// Open accepts an access key id of 12 digits, with any secret, as the account of that number.
	Open bool
	// Authorize decides whether the caller may do an operation; nil allows everything. Its error is answered like a handler's.
	Authorize func(ctx context.Context, c world.Caller, service, op string, in any) error
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: slog.Default()
}

// Server serves the APIs. It has no goroutines of its own.
type Server struct {
	config   Config
	services map[string]served
	guesses  map[wire.Protocol]served // for requests to services that are not built
	keys     keyCache
}

// served is a service with its codec.
type served struct {
	wire.Codec
	name     string
	protocol wire.Protocol
}

// New makes a Server. It fails if a service's description is not sound.
func New(c Config) (*Server, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{config: c, services: map[string]served{}, guesses: map[wire.Protocol]served{}}
	for _, service := range c.Services {
		codec, err := wire.New(service)
		if err != nil {
			return nil, fmt.Errorf("api: %w", err)
		}
		s.services[service.Name] = served{codec, service.Name, service.Protocol}
	}
	for _, p := range []wire.Protocol{wire.EC2Query, wire.AWSQuery, wire.JSON10, wire.JSON11, wire.RestJSON, wire.S3XML} {
		codec, err := wire.New(wire.Service{Protocol: p})
		if err != nil {
			return nil, fmt.Errorf("api: %w", err)
		}
		s.guesses[p] = served{codec, "", p}
	}
	return s, nil
}

// exchange is one request on its way through the server.
type exchange struct {
	*http.Request
	served
	id string
	op string // once it is known
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.config.Now()
	r = r.WithContext(WithWay(r.Context(), wayOf(r)))
	x := &exchange{Request: r, id: requestID(), served: s.guess(r)}
	answer := s.answer(w, x)
	h := w.Header()
	for name, values := range answer.Header {
		h[name] = values
	}
	h.Set("X-Amzn-Requestid", x.id)
	h.Set("Date", s.config.Now().UTC().Format(http.TimeFormat))
	if answer.ContentType != "" {
		h.Set("Content-Type", answer.ContentType)
	}
	if answer.Status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // the client may be gone
	s.config.Log.Debug("api request", "op", x.name+":"+x.op, "id", x.id, "status", answer.Status, "took", s.config.Now().Sub(start))
}

// answer does the request. Panics become internal errors.
func (s *Server) answer(w http.ResponseWriter, x *exchange) (answer wire.Response) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.config.Log.Error("api handler panics", "op", x.name+":"+x.op, "id", x.id, "panic", p, "stack", string(debug.Stack()))
			answer = x.EncodeError(wire.Fault(x.name, x.protocol, wire.Internal, ""), x.id)
		}
	}()
	op, out, err := s.do(w, x)
	if err == nil {
		return x.Encode(op, out, x.id)
	}
	e := awserr.From(err, x.name)
	if e == nil {
		level := slog.LevelError
		if x.Context().Err() != nil { // the client is gone, and nobody will read the answer
			level = slog.LevelDebug
		}
		s.config.Log.Log(x.Context(), level, "api handler fails", "op", x.name+":"+x.op, "id", x.id, "err", err)
		e = wire.Fault(x.name, x.protocol, wire.Internal, "")
	}
	return x.EncodeError(e.Brief(), x.id)
}

// do takes the steps of a request in the order AWS takes them.
func (s *Server) do(w http.ResponseWriter, x *exchange) (*wire.Operation, any, error) {
	body, tooLarge, err := read(w, x.Request)
	if err != nil {
		return nil, nil, wire.Fault(x.name, x.protocol, wire.Unreadable, "The body cannot be read.")
	}
	claim, e := s.find(x)
	if e != nil {
		return nil, nil, e
	}
	if tooLarge || len(body) > maxBody && x.name != awserr.Logs {
		w.Header().Set("Connection", "close")
		return nil, nil, wire.Fault(x.name, x.protocol, wire.TooLarge, "")
	}
	caller, e := s.authenticate(x, claim, body)
	if e != nil {
		return nil, nil, e
	}
	request := &wire.Request{Method: x.Method, Path: x.URL.EscapedPath(), Query: x.URL.RawQuery, Header: x.Header, Body: body}
	op, e := x.Route(request)
	if e != nil {
		return nil, nil, e
	}
	x.op = op.Name
	in, e := x.Decode(request, op)
	if e != nil {
		return nil, nil, e
	}
	if s.config.Authorize != nil {
		if err := s.config.Authorize(x.Context(), caller, x.name, op.Name, in); err != nil {
			var denied *Denied
			if errors.As(err, &denied) {
				return nil, nil, wire.Fault(x.name, x.protocol, wire.Denied, denied.Text)
			}
			return nil, nil, err
		}
	}
	out, err := op.Call(x.Context(), caller, in)
	return op, out, err
}

// read reads the body up to the largest limit.
func read(w http.ResponseWriter, r *http.Request) (body []byte, tooLarge bool, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxLogsBody))
	var limit *http.MaxBytesError
	if errors.As(err, &limit) {
		return nil, true, nil
	}
	return body, false, err
}

// requestID draws a version 4 UUID. (RFC 9562.)
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// guess is the protocol of a request whose service is not known.
func (s *Server) guess(r *http.Request) served {
	if host, _ := awsHost(r.Host); isS3(host) {
		return s.guesses[wire.S3XML]
	}
	target, content := r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type")
	switch {
	case target != "" && strings.Contains(content, "json-1.0"):
		return s.guesses[wire.JSON10]
	case target != "":
		return s.guesses[wire.JSON11]
	case strings.Contains(content, "x-www-form-urlencoded"), r.URL.Query().Has("Action"), r.URL.Path == "/":
		return s.guesses[wire.AWSQuery]
	}
	return s.guesses[wire.RestJSON]
}
