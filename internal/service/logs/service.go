package logs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"kumiko/internal/api/logsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/record"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what the service needs.
type Config struct {
	Store *store.Store
	Log   *record.Store
	Now   func() time.Time // default time.Now
}

// Service does the operations of CloudWatch Logs.
type Service struct {
	store *store.Store
	log   *record.Store
	now   func() time.Time

	// deleting keeps events from being put into what is being deleted.
	deleting sync.RWMutex
}

var _ logsapi.Handlers = (*Service)(nil)

// New makes the service. It tells the log the retention of all groups, and drops what the log has of groups and
// streams that no longer exist.
func New(c Config) *Service {
	s := &Service{store: c.Store, log: c.Log, now: c.Now}
	if s.now == nil {
		s.now = time.Now
	}
	w := s.store.World()
	for _, key := range s.log.Groups() {
		if !w.LogGroups.Has(key) {
			s.drop(s.log.DropGroup(key))
			continue
		}
		for _, stream := range s.log.Streams(key) {
			if !w.LogStreams.Has(world.LogStreamKey(key, stream)) {
				s.drop(s.log.DropStream(key, stream))
			}
		}
	}
	for g := range w.LogGroups.All() {
		s.log.Retain(g.RowID(), age(g))
	}
	return s
}

// drop notes that events of something that no longer exists could not be removed. They are tried again at next start.
func (s *Service) drop(err error) {
	if err != nil {
		slog.Error("logs: remove events", "error", err)
	}
}

func age(g world.LogGroup) time.Duration { return time.Duration(g.RetentionDays) * 24 * time.Hour }

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// millis is a time as the API has it.
func millis(t time.Time) *int64 { return new(t.UnixMilli()) }

// checkText holds a constraint on a text, in the words AWS uses.
func checkText(field, text, pattern string) error {
	if n := len([]rune(text)); n < 1 || n > 512 {
		bound := "greater than or equal to 1"
		if n > 512 {
			bound = "less than or equal to 512"
		}
		return awserr.LogsInvalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must have length %s", text, field, bound)
	}
	ok := !strings.ContainsAny(text, ":*")
	if pattern == groupPattern {
		ok = strings.Trim(text, groupLetters) == ""
	}
	if !ok {
		return awserr.LogsInvalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", text, field, pattern)
	}
	return nil
}

// The forms of names. (CloudWatch Logs API Reference.)
const (
	groupPattern  = `[\.\-_/#A-Za-z0-9]+`
	streamPattern = `[^:*]*`
	groupLetters  = ".-_/#ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// groupName reads the name of a log group.
func groupName(name *string) (string, error) {
	return value(name), checkText("logGroupName", value(name), groupPattern)
}

// groupOf reads a name or, in operations that take one, an identifier, which is a name or an ARN.
func groupOf(c world.Caller, name, identifier *string) (string, error) {
	if name != nil && identifier != nil {
		return "", awserr.LogsInvalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	}
	if identifier == nil {
		return groupName(name)
	}
	if !strings.HasPrefix(*identifier, "arn:") {
		return groupName(identifier)
	}
	return fromARN(c, *identifier)
}

// fromARN is the name in the ARN of one of the caller's log groups, with or without :* at its end.
func fromARN(c world.Caller, arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "logs" || !strings.HasPrefix(parts[5], "log-group:") {
		return "", awserr.LogsInvalid("The ARN %s is not valid", arn)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(parts[5], "log-group:"), ":*")
	if err := checkText("logGroupName", name, groupPattern); err != nil {
		return "", err
	}
	if parts[3] != c.Region || parts[4] != string(c.Account) {
		return "", awserr.LogsNoGroup()
	}
	return name, nil
}

// find is the caller's group with a name.
func find(w *world.World, c world.Caller, name string) (world.LogGroup, error) {
	g, ok := w.LogGroups.Get(world.LogGroupKey(c.Account, c.Region, name))
	if !ok {
		return g, awserr.LogsNoGroup()
	}
	return g, nil
}

// findStream is a stream of a group.
func findStream(w *world.World, g world.LogGroup, name string) (world.LogStream, error) {
	st, ok := w.LogStreams.Get(world.LogStreamKey(g.RowID(), name))
	if !ok {
		return st, awserr.LogsNoStream()
	}
	return st, nil
}

// streamsOf are the streams of a group whose names begin with prefix, by name.
func streamsOf(w *world.World, g world.LogGroup, prefix string) []world.LogStream {
	return slices.Collect(w.LogStreams.Prefix(world.LogStreamKey(g.RowID(), prefix)))
}

// groupARN is the ARN of a group, without the :* that some answers add.
func groupARN(g world.LogGroup) string {
	return world.ARN("logs", g.Region, g.Account, "log-group:"+g.Name)
}

// change makes a change to one group.
func (s *Service) change(ctx context.Context, c world.Caller, name string, f func(*world.LogGroup) error) (world.LogGroup, error) {
	var g world.LogGroup
	_, err := s.store.Update(ctx, func(tx *world.Tx) (err error) {
		if g, err = find(&tx.World, c, name); err != nil {
			return err
		}
		if err := f(&g); err != nil {
			return err
		}
		tx.LogGroups.Put(g)
		return nil
	})
	if err != nil {
		return g, fmt.Errorf("logs: change group: %w", err)
	}
	return g, nil
}
