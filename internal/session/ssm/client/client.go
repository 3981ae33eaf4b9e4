package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/link"
	"kumiko/internal/session/ssm/stream"
)

// Version is what the client says of itself: a release of the plugin whose features it has. (Agents multiplex ports from
// 1.1.70 on, and keep quiet in them from 1.2.331 on.)
const Version = "1.2.650.0"

// attempts is how often in a row a lost connection is opened again: for half a minute, in which a daemon is started anew.
// (The plugin tries five times: session-manager-plugin, src/config.)
const attempts = 12

// settleTime is how long the last output may take.
const settleTime = 2 * time.Second

// Options say which session to join.
type Options struct {
	ID        string
	URL       string
	Token     string
	Resume    func(context.Context) (token string, err error) // a token for a lost connection; empty: the session is over
	Terminate func(context.Context) error                     // asks the service to end the session
	HTTP      *http.Client                                    // nil: the default one

	In       *os.File // keys, or the stream to send
	Out, Err io.Writer
	Signals  <-chan os.Signal // interrupts, for the instance or for us
}

// Run joins the session and returns when it is over.
func Run(ctx context.Context, o Options) error {
	c := &client{Options: o, began: make(chan handler, 1), closed: make(chan frame.ChannelClosed, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	fmt.Fprintf(o.Out, "\nStarting session with SessionId: %s\n", o.ID)
	c.link = link.New(link.Config{Open: c.open, Take: c.take, Attempts: attempts})
	c.stream = stream.New(stream.Config{Role: stream.Client, Send: c.link.Send, Receive: c.receive})
	defer c.stream.Close()
	ended := make(chan error, 1)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { ended <- c.link.Run(ctx) })
	return c.wait(ctx, ended)
}

// client is one session.
type client struct {
	Options
	link   *link.Link
	stream *stream.Stream

	opened  bool // once
	handler handler
	began   chan handler
	closed  chan frame.ChannelClosed
	session frame.SessionTypeParameters
	agent   string // version
}

// handler is what a session does once it is known of which kind it is.
type handler interface {
	// take takes the instance's data.
	take(frame.Message) error
	// run does the rest, until ctx ends or there is nothing more to do.
	run(context.Context) error
}

// errLeft ends a session that the user left.
var errLeft = errors.New("client: left")

// wait runs the session's handler when it is known, until the session is over.
func (c *client) wait(ctx context.Context, ended <-chan error) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for {
		select {
		case h := <-c.began:
			running.Go(func() { done <- h.run(ctx) })
		case last := <-c.closed:
			c.settle()
			cancel()
			running.Wait() // the terminal is as it was
			if last.Output == "" {
				fmt.Fprintf(c.Out, "\n\nExiting session with sessionId: %s.\n\n", c.ID)
			} else {
				fmt.Fprintf(c.Out, "\n\nSessionId: %s : %s\n\n", c.ID, last.Output)
			}
			return nil
		case err := <-done:
			if errors.Is(err, errLeft) {
				fmt.Fprintf(c.Out, "\n\nExiting session with sessionId: %s.\n\n", c.ID)
				return nil
			}
			if err != nil {
				return err
			}
		case err := <-ended:
			select {
			case last := <-c.closed:
				c.closed <- last
				continue
			default:
			}
			if errors.Is(err, link.ErrOver) {
				cancel()
				running.Wait()
				fmt.Fprintf(c.Out, "Session: %s timed out.\n", c.ID)
				return nil
			}
			return err
		}
	}
}

// settle waits until what came before the end has been shown; not for ever, since a port may lead to somebody who does
// not read.
func (c *client) settle() {
	t := time.NewTimer(settleTime)
	defer t.Stop()
	select {
	case <-c.stream.Settled():
	case <-t.C:
	}
}

// open opens the channel, the second time with a new token.
func (c *client) open(ctx context.Context) (*websocket.Conn, error) {
	if c.opened {
		token, err := c.Resume(ctx)
		if err != nil {
			return nil, err
		}
		if token == "" {
			return nil, link.ErrOver
		}
		c.Token = token
	}
	conn, err := link.Dial(ctx, c.URL, c.HTTP, nil, frame.OpenChannel{
		MessageSchemaVersion: "1.0", RequestID: frame.NewID().String(), TokenValue: c.Token, ClientID: frame.NewID().String(), ClientVersion: Version,
	})
	if err == nil {
		c.opened = true
	}
	return conn, err
}

// take takes a message of the channel.
func (c *client) take(m frame.Message) error {
	if m.Type != frame.Closed {
		return c.stream.Take(m)
	}
	var last frame.ChannelClosed
	if err := json.Unmarshal(m.Payload, &last); err != nil {
		return fmt.Errorf("client: the last message: %w", err)
	}
	c.closed <- last
	return link.ErrOver
}

// receive takes the agent's messages in order.
func (c *client) receive(m frame.Message) error {
	switch m.Kind {
	case frame.HandshakeRequest:
		return c.shakeHands(m.Payload)
	case frame.HandshakeComplete:
		var end frame.HandshakeEnd
		if err := json.Unmarshal(m.Payload, &end); err != nil {
			return fmt.Errorf("client: end of handshake: %w", err)
		}
		if end.CustomerMessage != "" {
			fmt.Fprintln(c.Out, end.CustomerMessage)
		}
		return c.begin()
	}
	if c.handler == nil { // without a handshake it is a shell
		if err := c.begin(); err != nil {
			return err
		}
	}
	return c.handler.take(m)
}

// begin starts what the session is for.
func (c *client) begin() error {
	if c.handler != nil {
		return nil
	}
	h, err := c.handlerFor(c.session)
	if err != nil {
		return err
	}
	c.handler = h
	c.began <- h
	return nil
}

func (c *client) handlerFor(s frame.SessionTypeParameters) (handler, error) {
	if s.SessionType != "Port" {
		return &shell{client: c}, nil
	}
	var p portProperties
	if err := json.Unmarshal(s.Properties, &p); err != nil {
		return nil, fmt.Errorf("client: properties of the session: %w", err)
	}
	if p.Type == "LocalPortForwarding" {
		return newPort(c, p)
	}
	return &pipe{client: c}, nil
}
