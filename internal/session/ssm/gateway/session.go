package gateway

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"kumiko/internal/session/ssm/frame"
)

// held is how many messages are kept for an end that is not there. More stream data is dropped: it was not
// acknowledged, so its sender sends it again.
const held = 1024

// end is one end of a session: the channel it has now, and what waits for one.
type end struct {
	channel *channel
	held    [][]byte
}

// session passes messages between an agent and a client.
type session struct {
	g   *Gateway
	row Session

	mu     sync.Mutex
	agent  end
	client end
	both   bool // said in the book
	over   bool
	heard  time.Time // when something was last said
	idle   *time.Timer
	limit  *time.Timer
}

func newSession(g *Gateway, row Session) *session {
	s := &session{g: g, row: row, heard: g.c.Now()}
	s.mu.Lock() // a timer may run before it is in its place
	defer s.mu.Unlock()
	if row.Idle > 0 {
		s.idle = time.AfterFunc(row.Idle, s.tooQuiet)
	}
	if !row.Until.IsZero() {
		s.limit = time.AfterFunc(row.Until.Sub(g.c.Now()), func() { s.end("The session reached its maximum duration.") })
	}
	return s
}

// tooQuiet ends the session when nothing was said for too long.
func (s *session) tooQuiet() {
	s.mu.Lock()
	rest := s.row.Idle - s.g.c.Now().Sub(s.heard)
	if rest > 0 && !s.over {
		s.idle.Reset(rest)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.end("The session timed out because nothing was said.")
}

// attach gives an end its channel, in place of the one it had, with what was held for it.
func (s *session) attach(e *end, c *channel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	if e.channel != nil {
		e.channel.drop()
	}
	e.channel = c
	for _, b := range e.held {
		c.out <- b // fewer than the queue takes
	}
	e.held = nil
	s.tellBook()
	return true
}

// detach takes the channel from the end, if it is still its.
func (s *session) detach(e *end, c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.channel == c {
		e.channel = nil
		s.tellBook()
	}
}

// tellBook says when both ends have come, or one has gone. s.mu is held.
func (s *session) tellBook() {
	if both := s.agent.channel != nil && s.client.channel != nil; both != s.both && !s.over {
		s.both = both
		s.g.c.Book.Attached(s.row.ID, both)
	}
}

// pass gives a message to the other end, or keeps it until that is there.
func (s *session) pass(to *end, m frame.Message, b []byte) {
	s.mu.Lock()
	if m.Kind == frame.Bytes {
		s.heard = s.g.c.Now()
	}
	c := to.channel
	if c == nil && len(to.held) < held {
		to.held = append(to.held, b)
	}
	s.mu.Unlock()
	if c != nil {
		c.offer(b) // if it is gone, the sender sends again
	}
}

// fromAgent takes a message of the agent.
func (s *session) fromAgent(b []byte) error {
	m, err := frame.Parse(b)
	if err != nil {
		return err
	}
	switch m.Type {
	case frame.Output, frame.Acknowledge:
		s.pass(&s.client, m, b)
	case frame.State:
		var state frame.SessionState
		if err := json.Unmarshal(m.Payload, &state); err != nil {
			return fmt.Errorf("gateway: state of a session: %w", err)
		}
	}
	return nil
}

// fromClient takes a message of the client.
func (s *session) fromClient(b []byte) error {
	m, err := frame.Parse(b)
	if err != nil {
		return err
	}
	switch m.Type {
	case frame.Input, frame.Acknowledge:
		s.pass(&s.agent, m, b)
	}
	return nil
}

// end ends the session: both ends are told, and the book.
func (s *session) end(why string) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	s.over = true
	s.stopTimers()
	agent, client := s.agent.channel, s.client.channel
	s.mu.Unlock()
	s.g.forget(s)
	last := frame.CloseOf(s.row.ID, string(s.row.Instance), why, s.g.c.Now()).Append(nil)
	if client != nil {
		client.offer(last)
		client.finish()
	} else {
		s.g.part(s.row.ID, last)
	}
	if agent != nil {
		agent.offer(last)
		agent.finish()
	} else {
		_ = s.g.tell(s.row.Instance, frame.CloseOf(s.row.ID, string(s.row.Instance), why, s.g.c.Now())) // an agent without a channel has nothing to end
	}
	s.g.c.Book.Ended(s.row.ID, why)
}

// leave drops the connections without ending the session.
func (s *session) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimers()
	for _, e := range []*end{&s.agent, &s.client} {
		if e.channel != nil {
			e.channel.drop()
		}
	}
}

func (s *session) stopTimers() {
	for _, t := range []*time.Timer{s.idle, s.limit} {
		if t != nil {
			t.Stop()
		}
	}
}
