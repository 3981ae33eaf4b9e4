package ssm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/world"
)

// runShell is the document of sessions that name none. An account can make its own of that name: its preferences.
const runShell = "SSM-SessionManagerRunShell"

// StartSession begins a session with an instance whose agent takes orders.
func (s *Service) StartSession(ctx context.Context, c world.Caller, in *ssmapi.StartSessionInput) (*ssmapi.StartSessionOutput, error) {
	name, w := runShell, s.Store.World()
	if in.DocumentName != nil {
		name = *in.DocumentName
	}
	doc, err := s.document(&w, c, name, "")
	if err != nil {
		return nil, err
	}
	if doc.kind != "Session" {
		return nil, awserr.SSMRefused("InvalidDocument", "Document type %s is not supported: a session needs one of type Session.", doc.kind)
	}
	parameters, err := doc.fill(in.Parameters)
	if err != nil {
		return nil, err
	}
	if !s.reachable(&w, c, val(in.Target)) {
		return nil, awserr.SSMRefused("TargetNotConnected", "%s is not connected.", val(in.Target))
	}
	row := world.NodeSession{
		Target: world.InstanceID(val(in.Target)), Document: name, Content: doc.json, Parameters: parameters, Owner: c.ARN, Reason: val(in.Reason),
		Status: world.SessionConnecting, Idle: doc.body.Inputs.idle(), Limit: doc.body.Inputs.limit(), LogGroup: doc.body.Inputs.LogGroup,
	}
	if doc.body.Inputs.RunAsEnabled {
		row.RunAs = runAs(&w, c)
	}
	_, err = s.Store.Update(ctx, func(tx *world.Tx) error {
		row.ID, row.Meta = callerName(c)+"-"+tx.Hex(17), tx.NewMeta(c, nil)
		tx.NodeSessions.Put(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.channels().Begin(row); err != nil {
		s.Ended(row.ID, "The agent is gone.")
		return nil, awserr.SSMRefused("TargetNotConnected", "%s is not connected.", row.Target)
	}
	return &ssmapi.StartSessionOutput{SessionId: &row.ID, TokenValue: new(s.channels().Token(row.ID)), StreamUrl: new(s.stream(ctx, c, row.ID))}, nil
}

// stream is where the caller joins a session: at this process, or by the network the caller is in.
func (s *Service) stream(ctx context.Context, c world.Caller, id string) string {
	at := "ws" + strings.TrimPrefix(s.URL, "http")
	if api.WayOf(ctx).Secure {
		at = "wss://ssmmessages." + c.Region + ".amazonaws.com"
	}
	return at + "/v1/data-channel/" + id + "?role=publish_subscribe"
}

// callerName is what ids of sessions begin with.
func callerName(c world.Caller) string {
	name := c.ARN[strings.LastIndexAny(c.ARN, "/:")+1:]
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-@", r) {
			return r
		}
		return '-'
	}, name)
}

// runAs is the user of the instance that the caller's tags name. (AWS Systems Manager User Guide, "Turn on Run As
// support".)
func runAs(w *world.World, c world.Caller) string {
	var tags []world.Tag
	if r, ok := guard.RoleOf(w, c); ok {
		tags = r.Tags
	} else if u, ok := guard.UserOf(w, c); ok {
		tags = u.Tags
	}
	if c.Session != nil {
		tags = world.MergeTags(tags, c.Session.Tags)
	}
	for _, t := range tags {
		if t.Key == "SSMSessionRunAs" {
			return t.Value
		}
	}
	return ""
}

// find is a session of the caller's account.
func (s *Service) find(c world.Caller, id *string) (world.NodeSession, error) {
	w := s.Store.World()
	row, ok := w.NodeSessions.Get(val(id))
	if !ok || !own(c, row.Meta) {
		return row, awserr.SSMRefused("DoesNotExistException", "Session %s does not exist", val(id))
	}
	return row, nil
}

// ResumeSession gives a new token for a session whose client lost its connection. When the session is over there is none.
func (s *Service) ResumeSession(ctx context.Context, c world.Caller, in *ssmapi.ResumeSessionInput) (*ssmapi.ResumeSessionOutput, error) {
	row, err := s.find(c, in.SessionId)
	if err != nil || row.Over() {
		return &ssmapi.ResumeSessionOutput{SessionId: in.SessionId}, err
	}
	return &ssmapi.ResumeSessionOutput{SessionId: &row.ID, TokenValue: new(s.channels().Token(row.ID)), StreamUrl: new(s.stream(ctx, c, row.ID))}, nil
}

// TerminateSession ends a session at both ends.
func (s *Service) TerminateSession(_ context.Context, c world.Caller, in *ssmapi.TerminateSessionInput) (*ssmapi.TerminateSessionOutput, error) {
	row, err := s.find(c, in.SessionId)
	if err != nil {
		return nil, err
	}
	if !row.Over() {
		s.channels().End(row.ID, "")
	}
	return &ssmapi.TerminateSessionOutput{SessionId: &row.ID}, nil
}

// Open is a session that has not ended.
func (s *Service) Open(id string) (world.NodeSession, bool) {
	w := s.Store.World()
	row, ok := w.NodeSessions.Get(id)
	return row, ok && !row.Over()
}

// Going are all sessions that have not ended.
func (s *Service) Going() []world.NodeSession {
	w := s.Store.World()
	return w.NodeSessions.Where(func(r world.NodeSession) bool { return !r.Over() })
}

// Attached writes down whether both ends of a session are there.
func (s *Service) Attached(id string, both bool) {
	s.change(id, func(row *world.NodeSession) {
		row.Status = world.SessionDisconnected
		if both {
			row.Status = world.SessionConnected
		}
	})
}

// Ended writes down that a session is over, and why if that is known.
func (s *Service) Ended(id, why string) {
	now := s.Now()
	s.change(id, func(row *world.NodeSession) {
		row.Ended, row.Details = now, why
		row.Status = world.SessionTerminated
	})
}

// change changes a session that is not over.
func (s *Service) change(id string, f func(*world.NodeSession)) {
	s.write(func(tx *world.Tx) error {
		if row, ok := tx.NodeSessions.Get(id); ok && !row.Over() {
			f(&row)
			tx.NodeSessions.Put(row)
		}
		return nil
	})
}

// minutes is a number of minutes in a document; usual when there is none.
func minutes(text any, usual time.Duration) time.Duration {
	var n int
	if _, err := fmt.Sscan(fmt.Sprint(text), &n); err != nil || n <= 0 {
		return usual
	}
	return time.Duration(n) * time.Minute
}
