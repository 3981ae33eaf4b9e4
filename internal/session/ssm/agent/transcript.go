package agent

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"kumiko/internal/session/ssm/frame"
)

// Limits of a session's log. (Amazon CloudWatch Logs API Reference, PutLogEvents.)
const (
	maxTranscript = 512 << 10
	deliverTime   = 15 * time.Second
)

// transcript is what a session has shown, if somebody wants to know: its beginning, when there is too much.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// show sends output to the client, and keeps it for the log.
func (s *session) show(kind frame.PayloadType, b []byte) error {
	if s.doc.Inputs.LogGroup != "" && s.doc.SessionType != portSession {
		s.shown.mu.Lock()
		if rest := maxTranscript - s.shown.text.Len(); rest > 0 {
			s.shown.text.Write(b[:min(len(b), rest)])
		}
		s.shown.mu.Unlock()
	}
	return s.stream.Write(kind, b)
}

// event is an event of a log.
type event struct {
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// deliver sends what was shown to the log group that the session's document names, as the instance's role may or may not.
func (s *session) deliver() error {
	s.shown.mu.Lock()
	text := strings.ToValidUTF8(s.shown.text.String(), "")
	s.shown.mu.Unlock()
	if text == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), deliverTime)
	defer cancel()
	group, stream := s.doc.Inputs.LogGroup, s.task.SessionID
	if err := s.json(ctx, "logs", "Logs_20140328.CreateLogStream", map[string]string{"logGroupName": group, "logStreamName": stream}); err != nil {
		return err
	}
	var events []event
	now := time.Now().UnixMilli()
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			events = append(events, event{now, line})
		}
	}
	for len(events) > 0 {
		n := min(len(events), 5000)
		if err := s.json(ctx, "logs", "Logs_20140328.PutLogEvents", map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": events[:n]}); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}
