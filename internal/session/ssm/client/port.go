package client

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/xtaci/smux"

	"kumiko/internal/session/ssm/frame"
)

// portProperties are those of a session of type Port.
type portProperties struct {
	PortNumber          string `json:"portNumber"`
	LocalPortNumber     string `json:"localPortNumber"`
	LocalUnixSocket     string `json:"localUnixSocket"`
	LocalConnectionType string `json:"localConnectionType"`
	Type                string `json:"type"`
}

// port listens on a port of the machine and leads each connection to the instance, all by one stream.
type port struct {
	*client
	listener net.Listener
	inside   net.Conn // the bytes of the stream come out of it, and what is written to it goes into the stream
	mux      *smux.Session
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
	inside, outside := net.Pipe()
	config := smux.DefaultConfig()
	config.KeepAliveDisabled = true // a session in which nothing is said shall be seen as that
	mux, err := smux.Client(outside, config)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("client: %w", err)
	}
	if network == "unix" {
		fmt.Fprintf(c.Out, "Unix socket %s opened for sessionId %s.", address, c.ID)
	} else {
		fmt.Fprintf(c.Out, "Port %d opened for sessionId %s.", l.Addr().(*net.TCPAddr).Port, c.ID)
	}
	fmt.Fprint(c.Out, "\nWaiting for connections...\n")
	return &port{client: c, listener: l, inside: inside, mux: mux}, nil
}

func (p *port) take(m frame.Message) error {
	switch m.Kind {
	case frame.Bytes:
		_, _ = p.inside.Write(m.Payload) // it fails when the session is over
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
	running.Go(func() { ended <- p.send() })
	running.Go(func() { ended <- p.accept(&running) })
	defer running.Wait()
	defer p.inside.Close()
	defer p.mux.Close()
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

// send puts what the connections send into the stream.
func (p *port) send() error {
	buf := make([]byte, frame.MaxPayload)
	for {
		n, err := p.inside.Read(buf)
		if n > 0 {
			if err := p.stream.Write(frame.Bytes, buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("client: %w", err)
		}
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
		s, err := p.mux.OpenStream()
		if err != nil {
			conn.Close()
			return fmt.Errorf("client: %w", err)
		}
		running.Go(func() { join(conn, s) })
	}
}

// join copies between two connections until both directions have ended.
func join(a, b io.ReadWriteCloser) {
	var both sync.WaitGroup
	for _, d := range [][2]io.ReadWriteCloser{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(d[0], d[1]) // either side may go
			d[0].Close()
		})
	}
	both.Wait()
}
