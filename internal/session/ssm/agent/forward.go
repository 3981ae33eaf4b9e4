package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/tunnel"
)

// target dials where a port session leads: a port of the instance, or of another host as the instance sees it.
type target struct {
	*session
	host, port string
}

func newTarget(s *session) target {
	t := target{session: s, host: s.doc.property("host"), port: s.doc.property("portNumber")}
	if t.host == "" {
		t.host = "localhost"
	}
	return t
}

// local tells whether the target is the instance itself.
func (t target) local() bool {
	return t.host == "localhost" || t.host == "127.0.0.1" || t.host == "::1"
}

// dial connects. Addresses that belong to AWS, not to a host, are forbidden. (amazon-ssm-agent, agent/session/plugins/port.)
func (t target) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: t.c.dial()}
	if t.local() {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(t.host, t.port))
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", t.host)
	if err != nil {
		return nil, err
	}
	last := error(&net.DNSError{Err: "no address", Name: t.host})
	for _, a := range addrs {
		if t.forbidden(ctx, a.Unmap()) {
			return nil, fmt.Errorf("Forwarding to IP address %s is forbidden.", t.host)
		}
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(a.Unmap().String(), t.port))
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, last
}

// forbidden tells whether an address is one of the services of the link, or reserved in a VPC the instance is in.
func (t target) forbidden(ctx context.Context, a netip.Addr) bool {
	if slices.Contains(t.c.Mgs.DeniedPortForwardingRemoteIP, a.String()) {
		return true
	}
	macs, err := t.Get(ctx, "meta-data/network/interfaces/macs/")
	if err != nil {
		return true // what cannot be told is not allowed
	}
	for mac := range strings.Lines(macs) {
		text, err := t.Get(ctx, "meta-data/network/interfaces/macs/"+strings.Trim(mac, "/\n")+"/vpc-ipv4-cidr-block")
		if err != nil {
			return true
		}
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err == nil && reserved(p, a) {
			return true
		}
	}
	return false
}

// reserved tells whether an address is one of the first four or the last of a range.
func reserved(p netip.Prefix, a netip.Addr) bool {
	if !p.Contains(a) {
		return false
	}
	for n, r := 0, p.Masked().Addr(); n < 4; n, r = n+1, r.Next() {
		if r == a {
			return true
		}
	}
	return !p.Contains(a.Next())
}

// forward leads the connections of a tunnel to the target.
type forward struct {
	target
	tunnel *tunnel.Tunnel
}

func newForward(s *session) (*forward, error) {
	t, err := tunnel.Server()
	if err != nil {
		return nil, err
	}
	f := &forward{newTarget(s), t}
	if !f.local() { // say at once what will never work
		addrs, err := net.DefaultResolver.LookupNetIP(s.ctx, "ip", f.host)
		if err == nil && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return f.forbidden(s.ctx, a.Unmap()) }) {
			return nil, fmt.Errorf("Forwarding to IP address %s is forbidden.", f.host)
		}
	}
	return f, nil
}

func (f *forward) take(m frame.Message) error {
	if m.Kind == frame.Bytes {
		f.tunnel.Take(m.Payload)
	}
	return nil
}

func (f *forward) run(ctx context.Context) error {
	ended := make(chan error, 2)
	var running sync.WaitGroup
	running.Go(func() {
		ended <- f.tunnel.Send(func(b []byte) error { return f.stream.Write(frame.Bytes, b) })
	})
	running.Go(func() { ended <- f.accept(ctx, &running) })
	defer running.Wait()
	defer f.tunnel.Close()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-ended:
		return err
	}
}

func (f *forward) accept(ctx context.Context, running *sync.WaitGroup) error {
	for {
		c, err := f.tunnel.Accept()
		if err != nil {
			return err
		}
		running.Go(func() {
			to, err := f.dial(ctx)
			if err != nil {
				f.log.error("MessageGatewayService", "[%s] Unable to dial connection to server: %v", f.task.SessionID, err)
				_ = f.stream.Write(frame.Flag, frame.FlagPayload(frame.ConnectToPortError)) // the session may be over
				c.Close()
				return
			}
			tunnel.Join(c, to)
		})
	}
}

// pipe is one connection to the target, without a tunnel.
type pipe struct {
	target
	conn net.Conn
}

func newPipe(s *session) (*pipe, error) {
	p := &pipe{target: newTarget(s)}
	var err error
	if p.conn, err = p.dial(s.ctx); err != nil {
		return nil, fmt.Errorf("Unable to connect to specified port: %w", err)
	}
	return p, nil
}

func (p *pipe) take(m frame.Message) error {
	switch {
	case m.Kind == frame.Bytes:
		_, _ = p.conn.Write(m.Payload) // reading tells that it is closed
	case m.Kind == frame.Flag && frame.FlagOf(m.Payload) == frame.DisconnectToPort:
		p.conn.Close()
	}
	return nil
}

func (p *pipe) run(ctx context.Context) error {
	over := context.AfterFunc(ctx, func() { p.conn.Close() })
	defer over()
	defer p.conn.Close()
	_, err := io.Copy(writer{p.session, frame.Bytes}, p.conn)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, net.ErrClosed):
		return nil
	}
	return err
}
