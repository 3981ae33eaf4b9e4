package record

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("record: closed")

// Options are the limits of a Store. The zero value of a field stands for its default.
type Options struct {
	SegmentBytes int64            // a segment is full at this size; default 8 MiB
	MaxBytes     int64            // size limit of all segments together; default 1 GiB
	Now          func() time.Time // default time.Now
}

// Event is a line of a stream.
type Event struct {
	Time     int64 // milliseconds since 1970
	Ingested int64 // when it arrived, milliseconds since 1970; Append sets it
	Message  string
	Stream   string   // Append ignores it
	At       Position // Append ignores it
}

// Store is a store of events. Its methods may be called from any goroutine.
type Store struct {
	dir  string
	o    Options
	lost int64

	mu     sync.RWMutex // guards what follows and the segments
	groups map[string]*group
	seq    uint64
	total  int64 // bytes of all segments
	closed bool
	subs   map[chan struct{}]struct{}

	quit chan struct{}
	done chan struct{}
}

// group is a log group: its folder, its segments in order, and its streams.
type group struct {
	key       string
	dir       string
	segments  []*segment
	active    *os.File // the last segment, open for writing; nil: the next event begins a new one
	dirty     bool     // active has something that is not synced
	streams   map[string]*stream
	retention time.Duration // 0: for ever
}

// syncEvery is how long an event may be in the file but not on the disk; sweepEvery how long events outlive their
// retention on disk.
const (
	syncEvery  = time.Second
	sweepEvery = time.Minute
)

// Open opens the log in a folder, or makes it.
func Open(dir string, o Options) (*Store, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 8 << 20
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 1 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Store{dir: dir, o: o, groups: map[string]*group{}, subs: map[chan struct{}]struct{}{}, quit: make(chan struct{}), done: make(chan struct{})}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("record: open: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("record: open: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := l.load(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	go l.keep()
	return l, nil
}

// Lost is how many bytes of torn or damaged ends Open cut off.
func (l *Store) Lost() int64 { return l.lost }

// load reads the segments of a group's folder.
func (l *Store) load(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		return fmt.Errorf("record: load %s: %w", dir, err)
	}
	slices.Sort(names)
	g := &group{dir: dir, streams: map[string]*stream{}}
	for _, path := range names {
		if err := l.loadSegment(g, path); err != nil {
			return fmt.Errorf("record: load %s: %w", path, err)
		}
	}
	if g.key == "" { // nothing but torn beginnings
		return nil
	}
	l.groups[g.key] = g
	return nil
}

func (l *Store) loadSegment(g *group, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	seg := &segment{path: path, seen: info.ModTime().UnixMilli()}
	seg.size, err = scan(bufio.NewReaderSize(file, 1<<20), func(off int64, size int, f frame) error {
		return l.replay(g, seg, entry{seg: seg, off: off, size: int32(size)}, f)
	})
	if err != nil {
		return err
	}
	if torn := info.Size() - seg.size; torn > 0 {
		l.lost += torn
		if err := os.Truncate(path, seg.size); err != nil {
			return err
		}
	}
	if seg.size == 0 {
		return os.Remove(path)
	}
	l.total += seg.size
	g.segments = append(g.segments, seg)
	return nil
}

// replay takes one frame into the index.
func (l *Store) replay(g *group, seg *segment, e entry, f frame) error {
	switch {
	case e.off == 0:
		if f.kind != headFrame || f.seq != format {
			return fmt.Errorf("the segment has format %d, this version reads %d", f.seq, format)
		}
		g.key = string(f.text)
	case f.kind == dropFrame:
		delete(g.streams, string(f.stream))
	case f.kind == eventFrame:
		e.at = Position{f.time, f.seq}
		s, ok := g.streams[string(f.stream)]
		if !ok {
			s = g.stream(string(f.stream))
		}
		s.add(e, f.ingested)
		seg.last, l.seq = max(seg.last, f.time), max(l.seq, f.seq)
	}
	return nil
}

func (g *group) stream(name string) *stream {
	s, ok := g.streams[name]
	if !ok {
		s = &stream{}
		g.streams[name] = s
	}
	return s
}

func (l *Store) group(key string) *group {
	g, ok := l.groups[key]
	if !ok {
		sum := sha256.Sum256([]byte(key))
		g = &group{key: key, dir: filepath.Join(l.dir, hex.EncodeToString(sum[:16])), streams: map[string]*stream{}}
		l.groups[key] = g
	}
	return g
}

// Append adds events to a stream of a group; both come into being with their first event. The events may have any
// times. If it fails, none was added.
func (l *Store) Append(groupKey, streamName string, events []Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	now := l.o.Now().UnixMilli()
	var buf bytes.Buffer
	entries := make([]entry, len(events))
	for i, e := range events {
		at := Position{e.Time, l.seq + 1 + uint64(i)}
		off := buf.Len()
		if err := appendFrame(&buf, frame{eventFrame, at.Seq, e.Time, now, []byte(streamName), []byte(e.Message)}); err != nil {
			return err
		}
		entries[i] = entry{at: at, off: int64(off), size: int32(buf.Len() - off)}
	}
	g := l.group(groupKey)
	seg, base, err := l.write(g, buf.Bytes())
	if err != nil {
		return fmt.Errorf("record: append to %s: %w", groupKey, err)
	}
	l.seq += uint64(len(events))
	s := g.stream(streamName)
	for _, e := range entries {
		e.seg, e.off = seg, e.off+base
		s.add(e, now)
		seg.last = max(seg.last, e.at.Time)
	}
	l.limit(g)
	l.notify()
	return nil
}

// write adds bytes to the group's active segment and returns where they begin.
func (l *Store) write(g *group, data []byte) (*segment, int64, error) {
	if err := l.open(g); err != nil {
		return nil, 0, err
	}
	seg := g.segments[len(g.segments)-1]
	base := seg.size
	if _, err := g.active.WriteAt(data, base); err != nil {
		return nil, 0, errors.Join(err, g.active.Truncate(base))
	}
	seg.size += int64(len(data))
	seg.seen = l.o.Now().UnixMilli()
	l.total += int64(len(data))
	g.dirty = true
	return seg, base, nil
}

// open sees to it that the group's last segment is active and has room.
func (l *Store) open(g *group) error {
	k := len(g.segments)
	if k == 0 || g.segments[k-1].size >= l.o.SegmentBytes {
		return errors.Join(g.seal(), l.begin(g))
	}
	if g.active != nil {
		return nil
	}
	var err error
	g.active, err = os.OpenFile(g.segments[k-1].path, os.O_RDWR, 0o600)
	return err
}

// begin makes the group's next segment. Its number is that of the event to come, so that no name is ever used again.
func (l *Store) begin(g *group) error {
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return err
	}
	var head bytes.Buffer
	if err := appendFrame(&head, frame{kind: headFrame, seq: format, text: []byte(g.key)}); err != nil {
		return err
	}
	path := filepath.Join(g.dir, segmentName(l.seq+1))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(head.Bytes()); err != nil {
		return errors.Join(err, file.Close(), os.Remove(path))
	}
	g.active, g.dirty = file, true
	g.segments = append(g.segments, &segment{path: path, size: int64(head.Len()), seen: l.o.Now().UnixMilli()})
	l.total += int64(head.Len())
	return errors.Join(syncDir(g.dir), syncDir(l.dir))
}

// seal ends the active segment.
func (g *group) seal() error {
	if g.active == nil {
		return nil
	}
	err := errors.Join(g.active.Sync(), g.active.Close())
	g.active, g.dirty = nil, false
	return err
}

// Close syncs and closes everything.
func (l *Store) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.quit)
	var err error
	for _, g := range l.groups {
		err = errors.Join(err, g.seal())
	}
	l.mu.Unlock()
	<-l.done
	if err != nil {
		return fmt.Errorf("record: close: %w", err)
	}
	return nil
}

// Watch returns a channel that has a value whenever events arrived since it was last read. It is given up when ctx ends.
func (l *Store) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	l.mu.Lock()
	l.subs[ch] = struct{}{}
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		delete(l.subs, ch)
		l.mu.Unlock()
	})
	return ch
}

func (l *Store) notify() {
	for ch := range l.subs {
		select {
		case ch <- struct{}{}:
		default: // it has a value already
		}
	}
}

// end is behind every event.
func end() Position { return Position{math.MaxInt64, math.MaxUint64} }

// gone tells whether a file is missing because its segment was removed.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrClosed) }
