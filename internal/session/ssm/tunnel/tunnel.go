// Package tunnel carries many connections in the one stream of bytes of a port session: the protocol is that of
// xtaci/smux, version 1, which agent and plugin agree on.
package tunnel

import (
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/xtaci/smux"

	"kumiko/internal/session/ssm/frame"
)

// Tunnel is one end of such a stream.
type Tunnel struct {
	near net.Conn // what the other end sent is written to it, and what it shall get is read from it
	mux  *smux.Session
}

// Client makes the end that opens connections.
func Client() (*Tunnel, error) { return open(smux.Client) }

// Server makes the end that accepts them.
func Server() (*Tunnel, error) { return open(smux.Server) }

func open(end func(io.ReadWriteCloser, *smux.Config) (*smux.Session, error)) (*Tunnel, error) {
	near, far := net.Pipe()
	config := smux.DefaultConfig()
	config.KeepAliveDisabled = true // a session in which nothing is said shall be seen as that
	mux, err := end(far, config)
	if err != nil {
		return nil, fmt.Errorf("tunnel: %w", err)
	}
	return &Tunnel{near: near, mux: mux}, nil
}

// Take takes bytes from the other end. They are lost when the tunnel is closed.
func (t *Tunnel) Take(b []byte) { _, _ = t.near.Write(b) }

// Send gives what the other end shall get to f, until the tunnel is closed or f fails.
func (t *Tunnel) Send(f func([]byte) error) error {
	buf := make([]byte, frame.MaxPayload)
	for {
		n, err := t.near.Read(buf)
		if n > 0 {
			if err := f(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("tunnel: %w", err)
		}
	}
}

// Open opens a connection.
func (t *Tunnel) Open() (io.ReadWriteCloser, error) { return t.mux.OpenStream() }

// Accept waits for the next connection.
func (t *Tunnel) Accept() (io.ReadWriteCloser, error) { return t.mux.AcceptStream() }

// Close ends all connections.
func (t *Tunnel) Close() {
	t.mux.Close()
	t.near.Close()
}

// Join copies between two connections until both directions have ended.
func Join(a, b io.ReadWriteCloser) {
	var both sync.WaitGroup
	for _, d := range [][2]io.ReadWriteCloser{{a, b}, {b, a}} {
		both.Go(func() {
			_, _ = io.Copy(d[0], d[1]) // either side may go
			d[0].Close()
		})
	}
	both.Wait()
}
