package record

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
)

// Query selects events of one group, in the order of their positions.
type Query struct {
	From, To int64    // times in milliseconds; To is exclusive, 0 is no limit
	Start    Position // events at or behind it only
	End      Position // events before it only; the zero value is no limit
	Limit    int      // number of events; 0 is no limit
	Bytes    int      // of messages, counting PerEvent more each; 0 is no limit. One event is always given.
	Backward bool     // take the last events that fit, instead of the first
}

// PerEvent is what an event counts beside its message, in bytes. (Amazon CloudWatch Logs API Reference, PutLogEvents.)
const PerEvent = 26

// bounds are the positions that the query and the horizon allow.
func (q Query) bounds(horizon Position) (from, to Position) {
	from, to = Position{Time: q.From}, end()
	if from.Compare(q.Start) < 0 {
		from = q.Start
	}
	if from.Compare(horizon) < 0 {
		from = horizon
	}
	if q.To > 0 {
		to = Position{Time: q.To}
	}
	if q.End != (Position{}) && q.End.Compare(to) < 0 {
		to = q.End
	}
	return from, to
}

// Read gives events of one stream, oldest first.
func (l *Store) Read(groupKey, streamName string, q Query) ([]Event, error) {
	entries := l.snapshot(groupKey, []string{streamName}, q)[streamName]
	if q.Limit > 0 && len(entries) > q.Limit {
		if q.Backward {
			entries = entries[len(entries)-q.Limit:]
		} else {
			entries = entries[:q.Limit]
		}
	}
	r := reader{files: map[string]*os.File{}}
	defer r.close()
	var out []Event
	room := q.Bytes
	for i := range entries {
		e := entries[i]
		if q.Backward {
			e = entries[len(entries)-1-i]
		}
		ev, ok, err := r.event(e, streamName)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if room -= len(ev.Message) + PerEvent; q.Bytes > 0 && room < 0 && len(out) > 0 {
			break
		}
		out = append(out, ev)
	}
	if q.Backward {
		slices.Reverse(out)
	}
	return out, nil
}

// maxScanned is how many events one Filter looks at before it lets its caller ask again.
const maxScanned = 100_000

// Filter gives events of several streams of a group that keep accepts, oldest first; nil streams are all. next is where
// to go on, if the end was not reached; there may be no event and a next.
func (l *Store) Filter(groupKey string, streams []string, q Query, keep func(message string) bool) (events []Event, next *Position, err error) {
	snap := l.snapshot(groupKey, streams, q)
	r := reader{files: map[string]*os.File{}}
	defer r.close()
	room := q.Bytes
	for scanned := 0; ; scanned++ {
		name, ok := first(snap)
		if !ok {
			return events, nil, nil
		}
		e := snap[name][0]
		if scanned >= maxScanned || q.Limit > 0 && len(events) >= q.Limit {
			return events, &e.at, nil
		}
		snap[name] = snap[name][1:]
		ev, ok, err := r.event(e, name)
		if err != nil {
			return nil, nil, err
		}
		if !ok || !keep(ev.Message) {
			continue
		}
		if room -= len(ev.Message) + PerEvent; q.Bytes > 0 && room < 0 && len(events) > 0 {
			return events, &e.at, nil
		}
		events = append(events, ev)
	}
}

// first is the stream whose next entry comes first.
func first(snap map[string][]entry) (string, bool) {
	best, found := "", false
	for name, entries := range snap {
		if len(entries) > 0 && (!found || entries[0].at.Compare(snap[best][0].at) < 0) {
			best, found = name, true
		}
	}
	return best, found
}

// snapshot are the entries of streams within the query's bounds.
func (l *Store) snapshot(groupKey string, streams []string, q Query) map[string][]entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := map[string][]entry{}
	g, ok := l.groups[groupKey]
	if !ok {
		return out
	}
	from, to := q.bounds(l.horizon(g))
	if streams == nil {
		for name, s := range g.streams {
			out[name] = cut(s.entries, from, to)
		}
		return out
	}
	for _, name := range streams {
		if s := g.streams[name]; s != nil {
			out[name] = cut(s.entries, from, to)
		}
	}
	return out
}

// Stats says what a stream holds.
type Stats struct {
	Events      int
	First, Last int64 // times of the oldest and the newest event
	Ingested    int64 // when the latest event arrived
	Bytes       int64 // on disk
}

// Stats says what a stream holds now; the zero value when it has no events.
func (l *Store) Stats(groupKey, streamName string) Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	g, ok := l.groups[groupKey]
	if !ok || g.streams[streamName] == nil {
		return Stats{}
	}
	s := g.streams[streamName]
	entries := cut(s.entries, l.horizon(g), end())
	if len(entries) == 0 {
		return Stats{}
	}
	return Stats{Events: len(entries), First: entries[0].at.Time, Last: entries[len(entries)-1].at.Time, Ingested: s.ingested, Bytes: s.bytes}
}

// reader reads events, with the files it opened.
type reader struct{ files map[string]*os.File }

// event reads one event; false means that it is gone meanwhile.
func (r reader) event(e entry, streamName string) (Event, bool, error) {
	file, ok := r.files[e.seg.path]
	if !ok {
		var err error
		if file, err = os.Open(e.seg.path); err != nil {
			if gone(err) {
				return Event{}, false, nil
			}
			return Event{}, false, fmt.Errorf("record: read: %w", err)
		}
		r.files[e.seg.path] = file
	}
	f, err := readFrame(file, e.off, int(e.size))
	if err != nil {
		return Event{}, false, fmt.Errorf("record: read %s: %w", e.seg.path, err)
	}
	return Event{Time: f.time, Ingested: f.ingested, Message: string(f.text), Stream: streamName, At: e.at}, true, nil
}

func (r reader) close() {
	for _, f := range r.files {
		f.Close()
	}
}

// drop writes that a stream ended.
func (l *Store) drop(g *group, streamName string) error {
	var buf bytes.Buffer
	if err := appendFrame(&buf, frame{kind: dropFrame, stream: []byte(streamName)}); err != nil {
		return err
	}
	_, _, err := l.write(g, buf.Bytes())
	return err
}

// Groups are the keys of the groups that have events.
func (l *Store) Groups() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Sorted(maps.Keys(l.groups))
}

// Streams are the names of the streams of a group that have events.
func (l *Store) Streams(groupKey string) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if g, ok := l.groups[groupKey]; ok {
		return slices.Sorted(maps.Keys(g.streams))
	}
	return nil
}

// Bytes is what a group's events take on disk.
func (l *Store) Bytes(groupKey string) int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var n int64
	if g, ok := l.groups[groupKey]; ok {
		for _, s := range g.streams {
			n += s.bytes
		}
	}
	return n
}
