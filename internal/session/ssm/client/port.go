package client

import (
	"context"
	"fmt"
	"net"
	"sync"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/tunnel"
)

// portProperties are those of a session of type Port.
type portProperties struct {
	PortNumber          string `json:"portNumber"`
	LocalPortNumber     string `json:"localPortNumber"`
	LocalUnixSocket     string `json:"localUnixSocket"`
	LocalConnectionType string `json:"localConnectionType"`
	Type                string `json:"type"`
}

// port listens on a port of the machine and leads each connection to the instance.
type port struct {
	*client
	listener net.Listener
	tunnel   *tunnel.Tunnel
}

func newPort(c *client, p portProperties) (*port, error) {
	network, address := "tcp", "localhost:"+p.LocalPortNumber
	switch {
	case p.LocalConnectionType == "unix":
		network, address = "unix", p.LocalUnixSocket
	case p.LocalPortNumber == "":
		address = "localhost:0"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	t, err := tunnel.Client()
	if err != nil {
		l.Close()
		return nil, err
	}
	if network == "unix" {
		fmt.Fprintf(c.Out, "Unix socket %s opened for sessionId %s.", address, c.ID)
	} else {
		fmt.Fprintf(c.Out, "Port %d opened for sessionId %s.", l.Addr().(*net.TCPAddr).Port, c.ID)
	}
	fmt.Fprint(c.Out, "\nWaiting for connections...\n")
	return &port{client: c, listener: l, tunnel: t}, nil
}

func (p *port) take(m frame.Message) error {
	switch m.Kind {
	case frame.Bytes:
		p.tunnel.Take(m.Payload)
	case frame.Flag:
		if frame.FlagOf(m.Payload) == frame.ConnectToPortError {
			fmt.Fprint(p.Out, "\nConnection to destination port failed, check SSM Agent logs.\n")
		}
	}
	return nil
}

func (p *port) run(ctx context.Context) error {
	ended := make(chan error, 2)
	var running sync.WaitGroup
	running.Go(func() {
		ended <- p.tunnel.Send(func(b []byte) error { return p.stream.Write(frame.Bytes, b) })
	})
	running.Go(func() { ended <- p.accept(&running) })
	defer running.Wait()
	defer p.tunnel.Close()
	defer p.listener.Close()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	case <-p.Signals:
		fmt.Fprintln(p.Out, "Terminate signal received, exiting.")
		return p.leave(ctx)
	}
}

func (p *port) accept(running *sync.WaitGroup) error {
	for first := true; ; first = false {
		conn, err := p.listener.Accept()
		if err != nil {
			return fmt.Errorf("client: %w", err)
		}
		if first {
			fmt.Fprintf(p.Out, "\nConnection accepted for session [%s]\n", p.ID)
		}
		s, err := p.tunnel.Open()
		if err != nil {
			conn.Close()
			return fmt.Errorf("client: %w", err)
		}
		running.Go(func() { tunnel.Join(conn, s) })
	}
}
