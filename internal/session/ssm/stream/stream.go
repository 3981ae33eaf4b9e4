package stream

import (
	"encoding/json"
	"errors"
	"fmt"
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
	// Receive takes the peer's messages in order. Its error is returned by Take.
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
	expected int64      // number of the next message in
	waiting  map[int64]frame.Message
	rtt, dev time.Duration
	rto      time.Duration
	closed   bool
	drained  chan struct{} // closed when nothing is unacked; nil while nobody waits

	sending sync.Mutex
	timer   *time.Timer
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
	s.room = sync.NewCond(&s.mu)
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
	s.sending.Lock() // numbers leave in their order
	defer s.sending.Unlock()
	s.mu.Lock()
	for len(s.unacked) >= window && !s.closed {
		s.room.Wait()
	}
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	now := s.c.Now()
	m := frame.New(s.c.Role.out, kind, payload, now, frame.NewID())
	m.Sequence = s.next
	if m.Sequence == 0 && s.c.Role == Agent {
		m.Flags = frame.SYN
	}
	s.next++
	b := m.Append(nil)
	s.unacked = append(s.unacked, sent{number: m.Sequence, bytes: b, at: now})
	if len(s.unacked) == 1 {
		s.timer.Reset(s.rto)
	}
	s.mu.Unlock()
	_ = s.c.Send(b) // what is lost is sent again
	return nil
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
	switch {
	case m.Sequence > s.expected && len(s.waiting) >= early:
		s.mu.Unlock()
		return ErrFlood
	case m.Sequence > s.expected:
		m.Payload = append([]byte(nil), m.Payload...)
		s.waiting[m.Sequence] = m
		s.mu.Unlock()
		s.ack(m)
		return nil
	case m.Sequence < s.expected:
		s.mu.Unlock()
		s.ack(m) // the acknowledgement before was lost
		return nil
	}
	s.mu.Unlock()
	s.ack(m)
	for {
		if err := s.c.Receive(m); err != nil {
			return err
		}
		s.mu.Lock()
		s.expected++
		next, ok := s.waiting[s.expected]
		delete(s.waiting, s.expected)
		s.mu.Unlock()
		if !ok {
			return nil
		}
		m = next
	}
}

func (s *Stream) ack(m frame.Message) {
	b := frame.AckOf(m, s.c.Now()).Append(nil)
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.c.Send(b) // if it is lost, the peer sends the message again
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
		s.unacked = append(s.unacked[:i], s.unacked[i+1:]...)
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

// resend sends the oldest message again when it has waited too long for its acknowledgement.
func (s *Stream) resend() {
	s.mu.Lock()
	if s.closed || len(s.unacked) == 0 {
		s.mu.Unlock()
		return
	}
	oldest := &s.unacked[0]
	if wait := s.rto - s.c.Now().Sub(oldest.at); wait > 0 {
		s.timer.Reset(wait)
		s.mu.Unlock()
		return
	}
	oldest.at, oldest.again = s.c.Now(), true
	b := oldest.bytes
	s.timer.Reset(s.rto)
	s.mu.Unlock()
	s.sending.Lock()
	defer s.sending.Unlock()
	_ = s.c.Send(b)
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

// Close ends the stream: who waits in Write returns, and nothing is sent again.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.timer.Stop()
	s.room.Broadcast()
}
