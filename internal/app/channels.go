package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"kumiko/internal/api"
	"kumiko/internal/service/ssm"
	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/gateway"
	"kumiko/internal/world"
)

// channels join the service of Systems Manager with the gateway of its channels: each sees the other as it wants to.
type channels struct {
	*gateway.Gateway
	service *ssm.Service
	front   *api.Server
	errands sync.WaitGroup
}

// close ends the channels and what goes on because of them.
func (c *channels) close() {
	c.Gateway.Close()
	c.errands.Wait()
	c.service.Close()
}

// Begin asks the agent to begin a session.
func (c *channels) Begin(row world.NodeSession) error { return c.Gateway.Begin(task(row)) }

// Token is what a client joins a session with.
func (c *channels) Token(session string) string { return c.ClientToken(session) }

// Send asks an agent to run a command.
func (c *channels) Send(o ssm.Order) error {
	return c.Job(o.Instance, frame.JobRequest{
		Content: string(o.Content), JobID: "aws.ssm." + o.ID + "." + string(o.Instance), Topic: o.Topic, SchemaVersion: 1,
	})
}

// task is a session as the gateway knows it.
func task(row world.NodeSession) gateway.Session {
	s := gateway.Session{
		ID: row.ID, Instance: row.Target, Idle: row.Idle,
		Task: frame.SessionTask{
			DocumentName: row.Document, DocumentContent: json.RawMessage(row.Content), SessionID: row.ID, Parameters: row.Parameters,
			RunAsUser: row.RunAs, SessionOwner: row.Owner,
		},
	}
	if row.Limit > 0 {
		s.Until = row.Created.Add(row.Limit)
	}
	return s
}

// identify says which instance signed a request to the gateway, if it may make it.
func (c *channels) identify(r *http.Request, body []byte, action string) (world.InstanceID, error) {
	caller, err := c.front.Identify(r, body, api.Action{Service: "ssmmessages", Name: action})
	if err != nil {
		return "", err
	}
	i, ok := ssm.InstanceOf(caller)
	if !ok {
		return "", fmt.Errorf("%s is no instance", caller.ARN)
	}
	return i, nil
}

// book is what the gateway is told of sessions and tells of them.
type book struct{ *channels }

// Open is a session that has not ended.
func (b book) Open(id string) (gateway.Session, bool) {
	row, ok := b.service.Open(id)
	return task(row), ok
}

// Attached says whether both ends of a session are there.
func (b book) Attached(id string, both bool) { b.service.Attached(id, both) }

// Ended says that a session is over.
func (b book) Ended(id, why string) { b.service.Ended(id, why) }

// Reachable says whether an instance has a control channel: one that came gets what waits for it.
func (b book) Reachable(i world.InstanceID, is bool) {
	if is {
		b.errands.Go(func() { b.service.Reachable(i) }) // the gateway is not to be asked before it has told
	}
}

// Answered gives what an agent said about a job.
func (b book) Answered(i world.InstanceID, a frame.JobAnswer) {
	b.service.Answered(ssm.Answer{Instance: i, Job: a.JobID, Status: a.StatusCode, Reply: a.Content})
}

// serve answers what is for the gateway, and leaves the rest to the front door.
func (c *channels) serve(w http.ResponseWriter, r *http.Request) {
	if gateway.Serves(r) && api.WayOf(r.Context()).Reaches("ssmmessages") {
		c.Gateway.ServeHTTP(w, r)
		return
	}
	c.front.ServeHTTP(w, r)
}
