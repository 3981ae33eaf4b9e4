package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/world"
)

// Session is what the gateway needs to know of a session.
type Session struct {
	ID       string
	Instance world.InstanceID
	Task     frame.SessionTask // what the agent is told to do
	Idle     time.Duration     // how long nothing may be said; 0: for ever
	Until    time.Time         // when it ends in any case; zero: never
}

// Book knows the sessions there are and is told what becomes of them. Its methods must not call the gateway.
type Book interface {
	// Open is a session that has not ended; not ok for every other id.
	Open(id string) (Session, bool)
	// Attached says whether both ends of a session are there.
	Attached(id string, both bool)
	// Ended says that a session is over, and why if that is known.
	Ended(id, why string)
	// Reachable says whether an instance has a control channel.
	Reachable(i world.InstanceID, is bool)
	// Answered gives what an agent said about a job.
	Answered(i world.InstanceID, a frame.JobAnswer)
}

// Config is what a Gateway needs.
type Config struct {
	Key  []byte // proves tokens
	Book Book
	// Identify says which instance signed a request to do the named action, e.g. CreateControlChannel, or refuses it. It is
	// given the whole body.
	Identify func(r *http.Request, body []byte, action string) (world.InstanceID, error)
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: slog.Default()
}

// ErrNotConnected is returned when an instance has no control channel.
var ErrNotConnected = errors.New("gateway: the instance has no control channel")

// Gateway joins agents and clients. It serves HTTP; see [Gateway.Serves].
type Gateway struct {
	c Config

	mu       sync.Mutex
	closed   bool
	controls map[world.InstanceID]*channel
	sessions map[string]*session
	partings map[string][]byte // last messages for clients who come too late
	running  sync.WaitGroup
}

// New makes a gateway. Close ends it.
func New(c Config) *Gateway {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Gateway{c: c, controls: map[world.InstanceID]*channel{}, sessions: map[string]*session{}, partings: map[string][]byte{}}
}

// Connected tells whether the instance has a control channel now.
func (g *Gateway) Connected(i world.InstanceID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.controls[i] != nil
}

// Begin tells the instance's agent to begin a session, which must be in the book. It returns ErrNotConnected when there
// is no agent to tell.
func (g *Gateway) Begin(s Session) error {
	task := frame.Task{Content: string(frame.Encode(s.Task)), TaskID: s.ID, Topic: "aws.ssm.startSession", SchemaVersion: 1}
	if err := g.tell(s.Instance, frame.New(frame.Shell, frame.NoPayload, frame.Encode(task), g.c.Now(), frame.NewID())); err != nil {
		return err
	}
	_, err := g.session(s)
	return err
}

// Restore expects the ends of a session that another process began: when they stay away, its time runs out.
func (g *Gateway) Restore(s Session) {
	_, _ = g.session(s) // a gateway that is closed expects nobody
}

// Job asks the instance's agent to run a command.
func (g *Gateway) Job(i world.InstanceID, j frame.JobRequest) error {
	return g.tell(i, frame.New(frame.Job, frame.NoPayload, frame.Encode(j), g.c.Now(), frame.NewID()))
}

// tell sends a message by an instance's control channel.
func (g *Gateway) tell(i world.InstanceID, m frame.Message) error {
	g.mu.Lock()
	c := g.controls[i]
	g.mu.Unlock()
	if c == nil || !c.offer(m.Append(nil)) {
		return ErrNotConnected
	}
	return nil
}

// End ends a session at both ends and says so in the book. why is shown to the client; it may be empty.
func (g *Gateway) End(id, why string) {
	g.mu.Lock()
	s := g.sessions[id]
	g.mu.Unlock()
	if s == nil {
		if row, ok := g.c.Book.Open(id); ok {
			_ = g.tell(row.Instance, frame.CloseOf(id, string(row.Instance), why, g.c.Now())) // an agent that is away ends it when it is back
			g.part(id, frame.CloseOf(id, string(row.Instance), why, g.c.Now()).Append(nil))
			g.c.Book.Ended(id, why)
		}
		return
	}
	s.end(why)
}

// session is the session with that id, made if need be.
func (g *Gateway) session(row Session) (*session, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, http.ErrServerClosed
	}
	s := g.sessions[row.ID]
	if s == nil {
		s = newSession(g, row)
		g.sessions[row.ID] = s
	}
	return s, nil
}

// forget drops a session.
func (g *Gateway) forget(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sessions[s.row.ID] == s {
		delete(g.sessions, s.row.ID)
	}
}

// lateness is how long after its end a session's client is still told why it ended.
const lateness = time.Minute

// part keeps the last message of a session for a client who has not come yet.
func (g *Gateway) part(id string, last []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.partings[id] = last
	time.AfterFunc(lateness, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.partings, id)
	})
}

// Close drops all connections and waits for those who serve them. Sessions are not ended by it.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.closed = true
	for _, c := range g.controls {
		c.drop()
	}
	sessions := make([]*session, 0, len(g.sessions))
	for _, s := range g.sessions {
		sessions = append(sessions, s)
	}
	g.mu.Unlock()
	for _, s := range sessions {
		s.leave()
	}
	g.running.Wait()
}
