package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/link"
	"kumiko/internal/session/ssm/stream"
)

// Limits of a session's beginning and end. (amazon-ssm-agent, agent/session/datachannel and agent/session/plugins.)
const (
	handshakeTime = 15 * time.Second
	drainTime     = 2 * time.Second
	attempts      = 12 // to open a lost channel again; the original tries five times
)

// session is one session of the agent.
type session struct {
	*agent
	task   frame.SessionTask
	doc    document
	link   *link.Link
	stream *stream.Stream

	ctx    context.Context // until the session is to end
	cancel context.CancelCauseFunc

	answered chan frame.HandshakeAnswer
	mu       sync.Mutex
	plugin   plugin // once input is wanted
	ready    chan struct{}
	shown    transcript
}

// plugin is what a session is for.
type plugin interface {
	// take takes the client's data.
	take(frame.Message) error
	// run does the rest, until it is done or ctx ends. Its error is shown to the client.
	run(ctx context.Context) error
}

// errStopped ends a session that was asked to end.
var errStopped = errors.New("stopped")

func newSession(a *agent, t frame.SessionTask) *session {
	s := &session{agent: a, task: t, answered: make(chan frame.HandshakeAnswer, 1), ready: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

// stop ends the session.
func (s *session) stop(string) { s.cancel(errStopped) }

// run is the life of a session.
func (s *session) run() {
	s.log.info("MessageGatewayService", "[%s] session begins: document %s", s.task.SessionID, s.task.DocumentName)
	err := s.serve()
	status, output := "Success", ""
	if err != nil && !errors.Is(err, errStopped) {
		status, output = "Failed", err.Error()
		s.log.error("MessageGatewayService", "[%s] %v", s.task.SessionID, err)
	}
	s.log.info("MessageGatewayService", "[%s] session ends: %s", s.task.SessionID, status)
	if err := s.deliver(); err != nil {
		s.log.error("MessageGatewayService", "[%s] the output could not be sent to CloudWatch Logs: %v", s.task.SessionID, err)
	}
	s.report(s.task.SessionID, status, output)
}

// serve opens the data channel, does what the session is for, and closes the channel.
func (s *session) serve() error {
	var err error
	if s.doc, err = fill(s.task); err != nil {
		return err
	}
	p, err := s.pluginFor(s.doc)
	if err != nil {
		return err
	}
	s.link = link.New(link.Config{Open: s.open, Take: s.takeFrame, Up: s.connected, Failed: s.failed, Attempts: attempts})
	s.stream = stream.New(stream.Config{Role: stream.Agent, Send: s.link.Send, Receive: s.receive})
	defer s.stream.Close()
	linkCtx, hangUp := context.WithCancel(context.Background())
	var linked sync.WaitGroup
	linked.Go(func() {
		err := s.link.Run(linkCtx)
		s.cancel(fmt.Errorf("%w: the data channel ended: %w", errStopped, err))
	})
	defer linked.Wait()
	defer hangUp()
	err = s.work(p)
	t := time.NewTimer(drainTime)
	defer t.Stop()
	select {
	case <-s.stream.Drained():
	case <-t.C:
	case <-s.ctx.Done():
	}
	s.say("Terminating")
	return err
}

// work shakes hands, if the kind of session wants that, and runs the plugin.
func (s *session) work(p plugin) error {
	if t := s.doc.SessionType; t == portSession || t == nonInteractiveCommands {
		if err := s.shakeHands(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.plugin = p
	s.mu.Unlock()
	return p.run(s.ctx)
}

// shakeHands tells the client of which kind the session is, and waits for its word.
func (s *session) shakeHands() error {
	begun := time.Now()
	properties, err := json.Marshal(s.doc.Properties)
	if err != nil {
		return err
	}
	request := frame.Handshake{AgentVersion: Version, RequestedClientActions: []frame.Action{{
		ActionType:       frame.ActionSessionType,
		ActionParameters: frame.Encode(frame.SessionTypeParameters{SessionType: s.doc.SessionType, Properties: properties}),
	}}}
	if err := s.stream.Write(frame.HandshakeRequest, frame.Encode(request)); err != nil {
		return err
	}
	t := time.NewTimer(handshakeTime)
	defer t.Stop()
	select {
	case answer := <-s.answered:
		for _, r := range answer.ProcessedClientActions {
			if r.ActionStatus != frame.ActionSuccess {
				return fmt.Errorf("the client cannot do %s: %s", r.ActionType, r.Error)
			}
		}
	case <-t.C:
		return errors.New("Handshake timed out. Please ensure that you have the latest version of the session manager plugin.")
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
	return s.stream.Write(frame.HandshakeComplete, frame.Encode(frame.HandshakeEnd{HandshakeTimeToComplete: time.Since(begun).Nanoseconds()}))
}

// open opens the data channel.
func (s *session) open(ctx context.Context) (*websocket.Conn, error) {
	path := "/v1/data-channel/" + s.task.SessionID
	token, err := s.token(ctx, path, frame.OpenChannel{MessageSchemaVersion: "1.0", RequestID: frame.NewID().String()})
	if err != nil {
		if strings.Contains(err.Error(), "Session is already terminated") {
			return nil, fmt.Errorf("%w: %w", link.ErrOver, err)
		}
		return nil, err
	}
	address := "https://" + s.host("ssmmessages") + path + "?role=publish_subscribe"
	header, err := s.signed(ctx, address)
	if err != nil {
		return nil, err
	}
	return link.Dial(ctx, address, s.http, header, frame.OpenChannel{
		MessageSchemaVersion: "1.0", RequestID: frame.NewID().String(), TokenValue: token, ClientInstanceID: s.Instance,
	})
}

func (s *session) connected() { s.say("Connected") }

func (s *session) failed(err error, wait time.Duration) {
	s.log.error("MessageGatewayService", "[%s] data channel: %v, retrying in %v", s.task.SessionID, err, wait.Round(time.Millisecond))
}

// say tells the service how the session is.
func (s *session) say(state string) {
	m := frame.New(frame.State, frame.NoPayload, frame.Encode(frame.SessionState{SchemaVersion: 1, SessionState: state, SessionID: s.task.SessionID}), time.Now(), frame.NewID())
	m.Flags = frame.SYN | frame.FIN
	_ = s.link.Send(m.Append(nil)) // it only tells
}

// takeFrame takes a message of the data channel.
func (s *session) takeFrame(m frame.Message) error {
	if m.Type == frame.Closed {
		s.cancel(errStopped)
		return link.ErrOver
	}
	return s.stream.Take(m)
}

// receive takes the client's messages in order.
func (s *session) receive(m frame.Message) error {
	if m.Kind == frame.HandshakeResponse {
		var answer frame.HandshakeAnswer
		if err := json.Unmarshal(m.Payload, &answer); err != nil {
			return fmt.Errorf("agent: handshake: %w", err)
		}
		select {
		case s.answered <- answer:
		default: // said twice
		}
		return nil
	}
	if m.Kind == frame.Flag && frame.FlagOf(m.Payload) == frame.TerminateSession {
		s.cancel(errStopped)
		return nil
	}
	s.mu.Lock()
	p := s.plugin
	s.mu.Unlock()
	if p == nil {
		return nil // too early; the original drops it, too
	}
	return p.take(m)
}

func (s *session) pluginFor(d document) (plugin, error) {
	if d.Inputs.KMSKeyID != "" {
		return nil, errors.New("encryption by a KMS key is not built")
	}
	switch d.SessionType {
	case standardStream:
		return newShell(s, "", false)
	case interactiveCommands:
		c, err := d.command()
		if err != nil {
			return nil, err
		}
		return newShell(s, c.Commands, text(c.RunAsElevated) == "true")
	case nonInteractiveCommands:
		c, err := d.command()
		if err != nil {
			return nil, err
		}
		return newCommand(s, c)
	case portSession:
		if d.property("type") == "LocalPortForwarding" {
			return newForward(s)
		}
		return newPipe(s)
	}
	return nil, fmt.Errorf("sessions of type %q are not known", d.SessionType)
}
