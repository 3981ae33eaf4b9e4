package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/link"
)

// openControl opens the control channel.
func (a *agent) openControl(ctx context.Context) (*websocket.Conn, error) {
	path := "/v1/control-channel/" + a.Instance
	token, err := a.token(ctx, path, frame.OpenChannel{MessageSchemaVersion: "1.0", RequestID: frame.NewID().String()})
	if err != nil {
		return nil, err
	}
	address := "https://" + a.host("ssmmessages") + path + "?role=subscribe&stream=input"
	header, err := a.signed(ctx, address)
	if err != nil {
		return nil, err
	}
	return link.Dial(ctx, address, a.http, header, frame.OpenChannel{
		MessageSchemaVersion: "1.0", RequestID: frame.NewID().String(), TokenValue: token, AgentVersion: Version, PlatformType: "linux",
	})
}

func (a *agent) controlUp() {
	a.mu.Lock()
	a.up = true
	a.mu.Unlock()
	a.log.info("MessageGatewayService", "[MGSInteractor] Successfully established websocket connection to: wss://%s/v1/control-channel/%s", a.host("ssmmessages"), a.Instance)
}

func (a *agent) controlFailed(err error, wait time.Duration) {
	a.mu.Lock()
	a.up = false
	a.mu.Unlock()
	a.log.error("MessageGatewayService", "[MGSInteractor] SetupControlChannel failed: %v, retrying in %v", err, wait.Round(time.Millisecond))
}

// fromControl takes a message of the control channel. What it asks for runs on its own.
func (a *agent) fromControl(m frame.Message) error {
	var err error
	switch m.Type {
	case frame.Shell:
		err = a.startSession(m)
	case frame.Closed:
		var c frame.ChannelClosed
		if err = json.Unmarshal(m.Payload, &c); err == nil {
			a.stopSession(c.SessionID)
		}
	case frame.TaskAcknowledge:
		var ack frame.TaskAck
		if err = json.Unmarshal(m.Payload, &ack); err == nil {
			a.acknowledged(ack.TaskID)
		}
	case frame.Job:
		err = a.startJob(m)
	}
	if err != nil { // one message that makes no sense is not the end of the channel
		a.log.error("MessageGatewayService", "[MGSInteractor] message %s of type %s: %v", m.ID, m.Type, err)
	}
	return nil
}

func (a *agent) startSession(m frame.Message) error {
	var t frame.Task
	if err := json.Unmarshal(m.Payload, &t); err != nil {
		return fmt.Errorf("agent: task: %w", err)
	}
	var task frame.SessionTask
	if err := json.Unmarshal([]byte(t.Content), &task); err != nil {
		return fmt.Errorf("agent: task: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions[task.SessionID] != nil {
		return nil // told twice
	}
	s := newSession(a, task)
	a.sessions[task.SessionID] = s
	a.running.Go(s.run)
	return nil
}

func (a *agent) stopSession(id string) {
	a.mu.Lock()
	s := a.sessions[id]
	a.mu.Unlock()
	if s != nil {
		s.stop("")
	}
}

// report tells the service that a session has ended, up to three times until it is acknowledged. (amazon-ssm-agent,
// agent/messageservice/interactor/mgsinteractor.)
func (a *agent) report(id, status, output string) {
	acked := make(chan struct{})
	a.mu.Lock()
	delete(a.sessions, id)
	a.acks[id] = acked
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.acks, id)
		a.mu.Unlock()
	}()
	for n := 1; n <= 3; n++ {
		result := frame.TaskResult{
			SchemaVersion: 1, TaskID: id, Topic: string(frame.TaskComplete), FinalTaskStatus: status, InstanceID: a.Instance, Output: output, RetryNumber: n,
		}
		_ = a.control.Send(frame.New(frame.TaskComplete, frame.NoPayload, frame.Encode(result), time.Now(), frame.NewID()).Append(nil)) // it is sent again
		t := time.NewTimer(time.Second)
		select {
		case <-acked:
			t.Stop()
			return
		case <-t.C:
		}
	}
	a.log.warn("MessageGatewayService", "[MGSInteractor] the end of session %s was not acknowledged", id)
}

func (a *agent) acknowledged(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.acks[id]; c != nil {
		close(c)
		delete(a.acks, id)
	}
}
