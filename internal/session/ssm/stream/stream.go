package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"kumiko/internal/session/ssm/frame"
)

// Limits of a stream in messages: how many may be on their way unacknowledged, and how many that came too early are kept.
// The plugin keeps 10,000. (session-manager-plugin, src/config.)
const (
	window = 1_000
	early  = 10_000
)

// Times of resending: RFC 6298 with the constants of the agent and the plugin.
const (
	firstRTO    = 200 * time.Millisecond
	firstRTT    = 100 * time.Millisecond
	maxRTO      = time.Second
	granularity = 10 * time.Millisecond
)

// ErrClosed is returned by what is called after Close.
var ErrClosed = errors.New("stream: closed")

// ErrFlood is returned when a peer sends far more than it may before what is missing.
var ErrFlood = errors.New("stream: too many messages out of order")

// Role is which end of the session a stream is.
type Role struct{ out, in frame.Type }

// The two ends.
var (
	Agent  = Role{out: frame.Output, in: frame.Input}
	Client = Role{out: frame.Input, in: frame.Output}
)

// Config is what a Stream needs. Send and Receive are never called by two goroutines at once each.
type Config struct {
	Role Role
	// Send writes one message to the connection there is now. Its error loses nothing: the message is sent again.
	Send func([]byte) error
	// Receive takes the peer's messages in order. It may take its time: acknowledgements are not held up by it, and the peer
	// is told of a message when it has been received. Its error is returned by the next Take.
	Receive func(frame.Message) error
	Now     func() time.Time // nil: time.Now
}

// Stream is one end of a data channel.
type Stream struct {
	c Config

	mu       sync.Mutex
	room     *sync.Cond // of unacked, or closed
	next     int64      // number of the next message out
	unacked  []sent     // by number
	fresh    int        // how many of unacked, at its end, have not been sent yet
	acks     [][]byte   // to be sent; a peer that does not read them sends nothing either
	again    bool       // the oldest of unacked is to be sent again
	leaving  *sync.Cond // of something to send, or closed
	expected int64      // number of the next message for Receive
	waiting  map[int64]frame.Message
	arrived  *sync.Cond    // of waiting, or closed
	failed   error         // of Receive
	settled  chan struct{} // closed when Receive has all that can be had; nil while nobody waits
	rtt, dev time.Duration
	rto      time.Duration
	closed   bool
	drained  chan struct{} // closed when nothing is unacked; nil while nobody waits

	timer   *time.Timer
	running sync.WaitGroup // of the sender and the receiver
}

// sent is a message on its way.
type sent struct {
	number int64
	bytes  []byte
	at     time.Time
	again  bool
}

// New makes a stream. Close ends it.
func New(c Config) *Stream {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Stream{c: c, waiting: map[int64]frame.Message{}, rtt: firstRTT, rto: firstRTO}
	s.room, s.arrived, s.leaving = sync.NewCond(&s.mu), sync.NewCond(&s.mu), sync.NewCond(&s.mu)
	s.mu.Lock() // until the timer is in its place
	defer s.mu.Unlock()
	s.running.Go(s.deliver)
	s.running.Go(s.send)
	s.timer = time.AfterFunc(maxRTO, s.resend)
	return s
}

// Write sends the payload in messages of at most [frame.MaxPayload] bytes. It waits while too much is on its way.
func (s *Stream) Write(kind frame.PayloadType, payload []byte) error {
	for len(payload) > 0 {
		n := min(len(payload), frame.MaxPayload)
		if err := s.write(kind, payload[:n]); err != nil {
			return err
		}
		payload = payload[n:]
	}
	return nil
}

func (s *Stream) write(kind frame.PayloadType, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.unacked) >= window && !s.closed {
		s.room.Wait()
	}
	if s.closed {
		return ErrClosed
	}
	m := frame.New(s.c.Role.out, kind, payload, s.c.Now(), frame.NewID())
	m.Sequence = s.next
	if m.Sequence == 0 && s.c.Role == Agent {
		m.Flags = frame.SYN
	}
	s.next++
	s.unacked = append(s.unacked, sent{number: m.Sequence, bytes: m.Append(nil)})
	s.fresh++
	s.leaving.Signal()
	return nil
}

// send sends what is to be sent: first what the peer waits for.
func (s *Stream) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		var b []byte
		switch {
		case len(s.acks) > 0:
			b, s.acks = s.acks[0], s.acks[1:]
		case s.again && len(s.unacked) > s.fresh:
			s.again, b = false, s.unacked[0].bytes
		case s.fresh > 0:
			u := &s.unacked[len(s.unacked)-s.fresh]
			u.at = s.c.Now()
			b = u.bytes
			if s.fresh == len(s.unacked) {
				s.timer.Reset(s.rto)
			}
			s.fresh--
		}
		if b == nil {
			s.leaving.Wait()
			continue
		}
		s.mu.Unlock()
		_ = s.c.Send(b) // what is lost is sent again
		s.mu.Lock()
	}
}

// Take takes a message of the peer: stream data or an acknowledgement; others are not the stream's.
func (s *Stream) Take(m frame.Message) error {
	switch m.Type {
	case frame.Acknowledge:
		var a frame.Ack
		if err := json.Unmarshal(m.Payload, &a); err != nil {
			return fmt.Errorf("stream: acknowledgement: %w", err)
		}
		s.acknowledged(a.Sequence)
		return nil
	case s.c.Role.in:
		return s.take(m)
	}
	return nil
}

func (s *Stream) take(m frame.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return s.failed
	case m.Sequence < s.expected: // the acknowledgement before was lost
		s.ack(m)
	case len(s.waiting) >= early && m.Sequence > s.expected+early:
		return ErrFlood
	case len(s.waiting) < early || m.Sequence == s.expected: // of what is dropped nobody is told, so it comes again
		m.Payload = append([]byte(nil), m.Payload...)
		s.waiting[m.Sequence] = m
		s.arrived.Signal()
	}
	return nil
}

// deliver gives messages to Receive as they are due.
func (s *Stream) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		m, ok := s.waiting[s.expected]
		switch {
		case s.closed || s.failed != nil:
			s.settle()
			return
		case !ok:
			s.settle()
			s.arrived.Wait()
			continue
		}
		s.mu.Unlock()
		err := s.c.Receive(m)
		s.mu.Lock()
		s.ack(m)
		delete(s.waiting, m.Sequence)
		s.expected++
		s.failed = err
	}
}

// settle says that there is nothing to receive. s.mu is held.
func (s *Stream) settle() {
	if s.settled != nil {
		close(s.settled)
		s.settled = nil
	}
}

// Settled is closed once all messages that came in order so far have been received.
func (s *Stream) Settled() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.failed != nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	if s.settled == nil {
		s.settled = make(chan struct{})
	}
	s.arrived.Signal()
	return s.settled
}

// ack acknowledges a message. s.mu is held.
func (s *Stream) ack(m frame.Message) {
	s.acks = append(s.acks, frame.AckOf(m, s.c.Now()).Append(nil))
	s.leaving.Signal()
}

func (s *Stream) acknowledged(number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, u := range s.unacked {
		if u.number != number {
			continue
		}
		if !u.again {
			s.learn(s.c.Now().Sub(u.at))
		}
		if i < len(s.unacked)-s.fresh { // only what was sent can be acknowledged
			s.unacked = slices.Delete(s.unacked, i, i+1)
			s.again = s.again && i > 0
		}
		break
	}
	if len(s.unacked) == 0 {
		s.timer.Stop()
		if s.drained != nil {
			close(s.drained)
			s.drained = nil
		}
	}
	s.room.Broadcast()
}

// learn takes a round trip into account.
func (s *Stream) learn(sample time.Duration) {
	diff := s.rtt - sample
	if diff < 0 {
		diff = -diff
	}
	s.dev = s.dev*3/4 + diff/4
	s.rtt = s.rtt*7/8 + sample/8
	s.rto = min(s.rtt+max(granularity, 4*s.dev), maxRTO)
}

// resend has the oldest message sent again when it has waited too long for its acknowledgement.
func (s *Stream) resend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.unacked) == s.fresh {
		return
	}
	oldest := &s.unacked[0]
	if wait := s.rto - s.c.Now().Sub(oldest.at); wait > 0 {
		s.timer.Reset(wait)
		return
	}
	oldest.at, oldest.again, s.again = s.c.Now(), true, true
	s.timer.Reset(s.rto)
	s.leaving.Signal()
}

// Drained is closed once the peer has acknowledged all that was written so far.
func (s *Stream) Drained() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unacked) == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	if s.drained == nil {
		s.drained = make(chan struct{})
	}
	return s.drained
}

// Close ends the stream: who waits in Write returns, nothing is sent again, and Receive is not called any more. It waits
// for a Receive and a Send under way.
func (s *Stream) Close() {
	s.mu.Lock()
	s.closed = true
	s.timer.Stop()
	s.room.Broadcast()
	s.arrived.Broadcast()
	s.leaving.Broadcast()
	s.mu.Unlock()
	s.running.Wait()
}
