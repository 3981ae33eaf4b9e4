package record

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"time"
)

// Retain sets how long a group's events stay; 0 is for ever. It is not kept on disk: tell it again after Open.
func (l *Store) Retain(groupKey string, age time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.group(groupKey).retention = age
}

// horizon is the position before which the group's events count as gone.
func (l *Store) horizon(g *group) Position {
	if g.retention == 0 {
		return Position{}
	}
	return Position{Time: l.o.Now().Add(-g.retention).UnixMilli()}
}

// keep syncs and sweeps until Close.
func (l *Store) keep() {
	defer close(l.done)
	sync, sweep := time.NewTicker(syncEvery), time.NewTicker(sweepEvery)
	defer sync.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-sync.C:
			l.sync()
		case <-sweep.C:
			l.Sweep()
		case <-l.quit:
			return
		}
	}
}

// sync brings what was written to the disk. The files are synced without holding up writers.
func (l *Store) sync() {
	var files []*os.File
	l.mu.Lock()
	for _, g := range l.groups {
		if g.dirty && g.active != nil {
			files, g.dirty = append(files, g.active), false
		}
	}
	l.mu.Unlock()
	for _, f := range files {
		if err := f.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
			slog.Error("record: events are not on the disk", "file", f.Name(), "error", err)
		}
	}
}

// Sweep removes the segments that hold nothing but events beyond their group's retention. It happens by itself every
// minute.
func (l *Store) Sweep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.groups {
		h := l.horizon(g)
		for len(g.segments) > 0 && g.segments[0].last < h.Time { // in order: what ended a stream must not go before the stream
			l.remove(g, g.segments[0])
		}
	}
}

// limit removes the oldest segments while there is too much in all.
func (l *Store) limit(writing *group) {
	for l.total > l.o.MaxBytes {
		var oldest *segment
		var of *group
		for _, g := range l.groups {
			for i, seg := range g.segments {
				busy := g == writing && i == len(g.segments)-1
				if !busy && (oldest == nil || seg.seen < oldest.seen) {
					oldest, of = seg, g
				}
			}
		}
		if oldest == nil {
			return
		}
		l.remove(of, oldest)
	}
}

// remove takes a segment out of the index and off the disk.
func (l *Store) remove(g *group, seg *segment) {
	if g.active != nil && seg == g.segments[len(g.segments)-1] {
		if err := g.seal(); err != nil {
			slog.Error("record: close segment", "file", seg.path, "error", err)
		}
	}
	for name, s := range g.streams {
		if s.without(seg); len(s.entries) == 0 {
			delete(g.streams, name)
		}
	}
	g.segments = slices.DeleteFunc(g.segments, func(s *segment) bool { return s == seg })
	l.total -= seg.size
	if err := os.Remove(seg.path); err != nil {
		slog.Error("record: remove segment", "file", seg.path, "error", err)
	}
}

// DropGroup removes a group with all its events.
func (l *Store) DropGroup(groupKey string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.groups[groupKey]
	if !ok {
		return nil
	}
	for _, seg := range g.segments {
		l.total -= seg.size
	}
	delete(l.groups, groupKey)
	return errors.Join(g.seal(), os.RemoveAll(g.dir))
}

// DropStream removes the events a stream has. Their bytes go with their segments.
func (l *Store) DropStream(groupKey, streamName string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.groups[groupKey]
	if !ok || g.streams[streamName] == nil {
		return nil
	}
	if err := l.drop(g, streamName); err != nil {
		return err
	}
	delete(g.streams, streamName)
	return nil
}
