package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/logsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/record"
	"kumiko/internal/service/logs/pattern"
	"kumiko/internal/world"
)

// The limits of batches and pages of events. (CloudWatch Logs API Reference, PutLogEvents, GetLogEvents.)
const (
	maxEvents = 10_000
	maxBytes  = 1 << 20
	maxSpan   = 24 * time.Hour
	maxAhead  = 2 * time.Hour
	maxBehind = 14 * 24 * time.Hour
)

// sequenceToken is the token that clients no longer have to send back; it always is the same.
const sequenceToken = "49654321098765432109876543210987654321098765432109876543"

// PutLogEvents adds events to a stream; those that are too old or too new are left out and told of.
func (s *Service) PutLogEvents(ctx context.Context, c world.Caller, in *logsapi.PutLogEventsInput) (*logsapi.PutLogEventsOutput, error) {
	group, name, err := streamNames(in.LogGroupName, in.LogStreamName)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	s.deleting.RLock()
	defer s.deleting.RUnlock()
	w := s.store.World()
	g, err := find(&w, c, group)
	if err != nil {
		return nil, err
	}
	if _, err := findStream(&w, g, name); err != nil {
		return nil, err
	}
	from, to, rejected := s.acceptable(g, in.LogEvents)
	var events []record.Event
	for _, e := range in.LogEvents[from:to] {
		events = append(events, record.Event{Time: *e.Timestamp, Message: *e.Message})
	}
	if len(events) > 0 {
		if err := s.log.Append(g.RowID(), name, events); err != nil {
			return nil, fmt.Errorf("logs: put events: %w", err)
		}
	}
	return &logsapi.PutLogEventsOutput{NextSequenceToken: new(sequenceToken), RejectedLogEventsInfo: rejected}, nil
}

// checkBatch holds the rules of a batch as a whole.
func checkBatch(events []logsapi.InputLogEvent) error {
	if len(events) == 0 || len(events) > maxEvents {
		return awserr.LogsInvalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and %d", maxEvents)
	}
	size := 0
	for i, e := range events {
		switch {
		case e.Timestamp == nil || *e.Timestamp < 0 || value(e.Message) == "":
			return awserr.LogsInvalid("1 validation error detected: Value at 'logEvents.%d.member' failed to satisfy constraint: a timestamp and a message of at least one character are needed", i+1)
		case i > 0 && *e.Timestamp < *events[i-1].Timestamp:
			return awserr.LogsInvalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		size += len(*e.Message) + record.PerEvent
	}
	if size > maxBytes {
		return awserr.LogsInvalid("Upload too large: %d bytes exceeds limit of %d", size, maxBytes)
	}
	if span := *events[len(events)-1].Timestamp - *events[0].Timestamp; span > maxSpan.Milliseconds() {
		return awserr.LogsInvalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// acceptable is the part of a batch that is taken: from and to are indexes.
func (s *Service) acceptable(g world.LogGroup, events []logsapi.InputLogEvent) (from, to int, rejected *logsapi.RejectedLogEventsInfo) {
	now := s.now()
	before := func(t time.Time) int {
		i, _ := slices.BinarySearchFunc(events, t.UnixMilli(), func(e logsapi.InputLogEvent, t int64) int { return int(min(1, max(-1, *e.Timestamp-t))) })
		return i
	}
	tooOld, tooNew, expired := before(now.Add(-maxBehind)), before(now.Add(maxAhead).Add(time.Millisecond)), 0
	if g.RetentionDays > 0 {
		expired = before(now.Add(-age(g)))
	}
	if tooOld == 0 && expired == 0 && tooNew == len(events) {
		return 0, len(events), nil
	}
	rejected = &logsapi.RejectedLogEventsInfo{}
	if tooNew < len(events) {
		rejected.TooNewLogEventStartIndex = new(int32(tooNew))
	}
	if tooOld > 0 {
		rejected.TooOldLogEventEndIndex = new(int32(tooOld))
	}
	if expired > tooOld {
		rejected.ExpiredLogEventEndIndex = new(int32(expired))
	}
	return min(max(tooOld, expired), tooNew), tooNew, rejected
}

// GetLogEvents shows a page of one stream. Tokens name the place between two events, and the direction to go on in; a
// page that has reached the end gives back the token it was asked with.
func (s *Service) GetLogEvents(_ context.Context, c world.Caller, in *logsapi.GetLogEventsInput) (*logsapi.GetLogEventsOutput, error) {
	group, err := groupOf(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if err := checkText("logStreamName", value(in.LogStreamName), streamPattern); err != nil {
		return nil, err
	}
	q, err := query(in.StartTime, in.EndTime, in.Limit)
	if err != nil {
		return nil, err
	}
	q.Backward = !value(in.StartFromHead)
	at := record.Position{Time: q.From}
	if in.NextToken != nil {
		if at, q.Backward, err = parseToken(*in.NextToken); err != nil {
			return nil, err
		}
		if q.Backward {
			q.End = at
		} else {
			q.Start = at
		}
	}
	w := s.store.World()
	g, err := find(&w, c, group)
	if err != nil {
		return nil, err
	}
	if _, err := findStream(&w, g, *in.LogStreamName); err != nil {
		return nil, err
	}
	events, err := s.log.Read(g.RowID(), *in.LogStreamName, q)
	if err != nil {
		return nil, fmt.Errorf("logs: get events: %w", err)
	}
	forward, backward := at, at
	out := &logsapi.GetLogEventsOutput{Events: []logsapi.OutputLogEvent{}}
	for _, e := range events {
		out.Events = append(out.Events, logsapi.OutputLogEvent{Timestamp: &e.Time, Message: &e.Message, IngestionTime: &e.Ingested})
	}
	if n := len(events); n > 0 {
		forward, backward = events[n-1].At.After(), events[0].At
	}
	out.NextForwardToken, out.NextBackwardToken = new("f/"+forward.String()+"/s"), new("b/"+backward.String()+"/s")
	return out, nil
}

// query is what both ways to read events have in common.
func query(start, end *int64, limit *int32) (record.Query, error) {
	q := record.Query{From: value(start), To: value(end), Limit: maxEvents, Bytes: maxBytes}
	if limit != nil {
		if *limit < 1 || *limit > maxEvents {
			return q, awserr.LogsInvalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", *limit, maxEvents)
		}
		q.Limit = int(*limit)
	}
	if q.From < 0 || q.To < 0 {
		return q, awserr.LogsInvalid("Timestamps must not be negative.")
	}
	if end != nil && q.From > q.To {
		return q, awserr.LogsInvalid("startTime must be less than or equal to endTime.")
	}
	if end != nil && q.To == 0 {
		q.To = 1
	}
	return q, nil
}

// parseToken reads f/…/s and b/…/s.
func parseToken(token string) (record.Position, bool, error) {
	direction, rest, _ := strings.Cut(token, "/")
	text, isToken := strings.CutSuffix(rest, "/s")
	at, err := record.ParsePosition(text)
	if err != nil || !isToken || direction != "f" && direction != "b" {
		return at, false, awserr.LogsInvalid("The specified nextToken is invalid.")
	}
	return at, direction == "b", nil
}

// FilterLogEvents shows the events of several streams that match a pattern.
func (s *Service) FilterLogEvents(_ context.Context, c world.Caller, in *logsapi.FilterLogEventsInput) (*logsapi.FilterLogEventsOutput, error) {
	group, err := groupOf(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	q, err := query(in.StartTime, in.EndTime, in.Limit)
	if err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		if q.Start, err = record.ParsePosition(*in.NextToken); err != nil {
			return nil, awserr.LogsInvalid("The specified nextToken is invalid.")
		}
	}
	p, err := pattern.Parse(value(in.FilterPattern))
	if err != nil || len(value(in.FilterPattern)) > 1024 {
		return nil, awserr.LogsInvalid("Invalid filter pattern")
	}
	w := s.store.World()
	g, err := find(&w, c, group)
	if err != nil {
		return nil, err
	}
	streams, err := chosen(&w, g, in)
	if err != nil {
		return nil, err
	}
	events, next, err := s.log.Filter(g.RowID(), streams, q, p.Match)
	if err != nil {
		return nil, fmt.Errorf("logs: filter events: %w", err)
	}
	out := &logsapi.FilterLogEventsOutput{Events: []logsapi.FilteredLogEvent{}, SearchedLogStreams: []logsapi.SearchedLogStream{}}
	if next != nil {
		out.NextToken = new(next.String())
	}
	for _, e := range events {
		out.Events = append(out.Events, logsapi.FilteredLogEvent{
			LogStreamName: &e.Stream, Timestamp: &e.Time, Message: &e.Message, IngestionTime: &e.Ingested, EventId: new(e.At.String()),
		})
	}
	return out, nil
}

// chosen are the names of the streams to look at.
func chosen(w *world.World, g world.LogGroup, in *logsapi.FilterLogEventsInput) ([]string, error) {
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, awserr.LogsInvalid("LogStream names and LogStream name prefix are mutually exclusive parameters.")
	}
	if len(in.LogStreamNames) > 100 {
		return nil, awserr.LogsInvalid("1 validation error detected: Value at 'logStreamNames' failed to satisfy constraint: Member must have length less than or equal to 100")
	}
	for _, name := range in.LogStreamNames {
		if _, err := findStream(w, g, name); err != nil {
			return nil, err
		}
	}
	if len(in.LogStreamNames) > 0 {
		return in.LogStreamNames, nil
	}
	names := []string{}
	for _, st := range streamsOf(w, g, value(in.LogStreamNamePrefix)) {
		names = append(names, st.Name)
	}
	return names, nil
}
