package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
)

// How a lost connection is opened again, and how often the far end is asked whether it is there: as the agent does.
// (amazon-ssm-agent, agent/session/config and agent/session/communicator.)
const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
	beat       = 54 * time.Second
	patience   = 60 * time.Second
)

// ErrOver is returned by a Config.Open, wrapped or not, that need not be tried again: the channel is no more.
var ErrOver = errors.New("link: the channel is over")

// ErrDown is returned by Send while there is no connection.
var ErrDown = errors.New("link: not connected")

// Config is what a Link needs.
type Config struct {
	// Open makes a connection and says who opens it; see [Dial].
	Open func(context.Context) (*websocket.Conn, error)
	// Take takes the messages that come. Its error ends the link, and is what Run returns.
	Take func(frame.Message) error
	// Attempts is how often in a row Open may fail; 0: for ever.
	Attempts int
	// Up is called when a connection was made; nil: nobody cares.
	Up func()
	// Failed is called with what Open returned, and how long it will be until it is called again; nil: nobody cares.
	Failed func(error, time.Duration)
}

// Link is one end of a channel.
type Link struct {
	c Config

	mu   sync.Mutex
	conn *websocket.Conn
	ctx  context.Context // of the connection
}

// New makes a link; Run connects it.
func New(c Config) *Link { return &Link{c: c} }

// Send writes a message to the connection there is.
func (l *Link) Send(b []byte) error {
	l.mu.Lock()
	conn, ctx := l.conn, l.ctx
	l.mu.Unlock()
	if conn == nil {
		return ErrDown
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return conn.Write(ctx, websocket.MessageBinary, b)
}

// Run keeps the link connected until ctx ends, Take returns an error, or Open has failed too often.
func (l *Link) Run(ctx context.Context) error {
	failures := 0
	for {
		conn, err := l.c.Open(ctx)
		if err == nil {
			failures = 0
			if err = l.serve(ctx, conn); err != nil {
				return err
			}
		} else {
			failures++
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrOver), l.c.Attempts > 0 && failures >= l.c.Attempts:
			return err
		}
		wait := delay(failures)
		if err != nil && l.c.Failed != nil {
			l.c.Failed(err, wait)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// delay grows with each failure in a row, with some chance in it.
func delay(failures int) time.Duration {
	d := firstDelay << min(failures, 10)
	return min(d+rand.N(d), maxDelay)
}

// serve reads from a connection until it breaks. Its error is Take's.
func (l *Link) serve(ctx context.Context, conn *websocket.Conn) error {
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(ctx)
	conn.SetReadLimit(frame.MaxMessage)
	l.set(conn, ctx)
	defer l.set(nil, nil)
	var heart sync.WaitGroup
	heart.Go(func() { l.beat(ctx, conn) })
	defer heart.Wait()
	defer cancel()
	if l.c.Up != nil {
		l.c.Up()
	}
	for {
		kind, b, err := conn.Read(ctx)
		if err != nil {
			return nil
		}
		if kind != websocket.MessageBinary {
			continue // the service has nothing to say in text
		}
		m, err := frame.Parse(b)
		if err != nil {
			return nil // what else comes by this connection cannot be trusted
		}
		if err := l.c.Take(m); err != nil {
			return err
		}
	}
}

func (l *Link) set(conn *websocket.Conn, ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn, l.ctx = conn, ctx
}

// beat breaks the connection when the far end does not answer.
func (l *Link) beat(ctx context.Context, conn *websocket.Conn) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			asked, cancel := context.WithTimeout(ctx, patience)
			err := conn.Ping(asked)
			cancel()
			if err != nil {
				conn.CloseNow()
				return
			}
		}
	}
}

// Dial opens a channel and says who opens it.
func Dial(ctx context.Context, url string, client *http.Client, header http.Header, open frame.OpenChannel) (*websocket.Conn, error) {
	conn, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		return nil, fmt.Errorf("link: open %s: %w", url, err)
	}
	b, err := json.Marshal(open)
	if err == nil {
		err = conn.Write(ctx, websocket.MessageText, b)
	}
	if err != nil {
		conn.CloseNow()
		return nil, fmt.Errorf("link: introduce: %w", err)
	}
	return conn, nil
}
