package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
)

// beat is how often the far end is asked whether it is there, and how long it may take to say so.
const beat = 15 * time.Second

// queued is how many messages may wait for a slow reader.
const queued = 1024

// channel is one websocket connection: a reader that calls take, a writer that sends what was offered, and a heart that
// notices when nobody is at the other end.
type channel struct {
	conn *websocket.Conn
	out  chan []byte
	gone chan struct{} // closed when the connection is
	once sync.Once
	busy atomic.Bool // the reader waits for somebody else, and hears no heart
}

func newChannel(conn *websocket.Conn) *channel {
	conn.SetReadLimit(frame.MaxMessage)
	return &channel{conn: conn, out: make(chan []byte, queued), gone: make(chan struct{})}
}

// offer puts a message in the queue; false when the connection is gone. It waits while the queue is full.
func (c *channel) offer(b []byte) bool {
	select {
	case <-c.gone:
		return false
	default:
	}
	select {
	case c.out <- b:
		return true
	case <-c.gone:
		return false
	}
}

// drop closes the connection at once.
func (c *channel) drop() {
	c.once.Do(func() { close(c.gone) })
	_ = c.conn.CloseNow() // it may be closed already
}

// finish closes the connection after what is in the queue was sent.
func (c *channel) finish() {
	c.once.Do(func() { close(c.gone) })
}

var errNotBinary = errors.New("gateway: a message that is not binary")

// serve reads messages until the connection ends or take refuses one, and returns why.
func (c *channel) serve(ctx context.Context, take func([]byte) error) error {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.drop()
	helpers.Go(func() { c.write(ctx) })
	helpers.Go(func() { c.beat(ctx) })
	for {
		kind, b, err := c.conn.Read(ctx)
		if err != nil {
			return err
		}
		if kind != websocket.MessageBinary {
			return errNotBinary
		}
		c.busy.Store(true)
		err = take(b)
		c.busy.Store(false)
		if err != nil {
			return err
		}
	}
}

// write sends what is in the queue. When the channel is finished it sends the rest and closes the connection properly.
func (c *channel) write(ctx context.Context) {
	send := func(b []byte) bool {
		ctx, cancel := context.WithTimeout(ctx, beat)
		defer cancel()
		return c.conn.Write(ctx, websocket.MessageBinary, b) == nil
	}
	for {
		select {
		case b := <-c.out:
			if !send(b) {
				c.drop()
				return
			}
		case <-ctx.Done():
			return
		case <-c.gone:
			for {
				select {
				case b := <-c.out:
					if !send(b) {
						c.drop()
						return
					}
				default:
					_ = c.conn.Close(websocket.StatusNormalClosure, "") // the far end may be gone
					return
				}
			}
		}
	}
}

// beat drops the connection when the far end does not answer any more.
func (c *channel) beat(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			asked, cancel := context.WithTimeout(ctx, beat)
			err := c.conn.Ping(asked)
			cancel()
			if err != nil && !c.busy.Load() {
				c.drop()
				return
			}
		}
	}
}
