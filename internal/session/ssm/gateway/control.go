package gateway

import (
	"encoding/json"
	"fmt"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/world"
)

// adopt makes c the control channel of the instance, in place of the one it had.
func (g *Gateway) adopt(i world.InstanceID, c *channel) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	if old := g.controls[i]; old != nil {
		old.drop()
	} else {
		g.c.Book.Reachable(i, true)
	}
	g.controls[i] = c
	return true
}

// release takes the control channel from the instance, if it is still its.
func (g *Gateway) release(i world.InstanceID, c *channel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.controls[i] == c {
		delete(g.controls, i)
		g.c.Book.Reachable(i, false)
	}
}

// fromControl takes a message an agent sent by its control channel c.
func (g *Gateway) fromControl(i world.InstanceID, c *channel, b []byte) error {
	m, err := frame.Parse(b)
	if err != nil {
		return err
	}
	switch m.Type {
	case frame.TaskComplete:
		var done frame.TaskResult
		if err := json.Unmarshal(m.Payload, &done); err != nil {
			return fmt.Errorf("gateway: result of a session: %w", err)
		}
		ack := frame.TaskAck{SchemaVersion: 1, MessageID: m.ID.String(), TaskID: done.TaskID, Topic: string(frame.TaskComplete)}
		c.offer(frame.New(frame.TaskAcknowledge, frame.NoPayload, frame.Encode(ack), g.c.Now(), frame.NewID()).Append(nil))
		if row, ok := g.c.Book.Open(done.TaskID); ok && row.Instance == i {
			g.End(done.TaskID, done.Output)
		}
	case frame.JobAck, frame.JobReply:
		var answer frame.JobAnswer
		if err := json.Unmarshal(m.Payload, &answer); err != nil {
			return fmt.Errorf("gateway: answer to a job: %w", err)
		}
		if m.Type == frame.JobReply {
			ack := frame.JobAnswer{JobID: answer.JobID, AcknowledgedMessageID: m.ID.String()}
			c.offer(frame.New(frame.JobReplyAck, frame.NoPayload, frame.Encode(ack), g.c.Now(), frame.NewID()).Append(nil))
		}
		g.c.Book.Answered(i, answer)
	}
	return nil
}
