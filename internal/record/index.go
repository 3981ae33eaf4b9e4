package record

import (
	"cmp"
	"fmt"
	"slices"
)

// Position is a place in the order of a group's events: by time, then by arrival. It lies before the event that has it.
type Position struct {
	Time int64
	Seq  uint64
}

// Compare orders positions.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.Seq, q.Seq))
}

// After is the position right behind the event at p.
func (p Position) After() Position { return Position{p.Time, p.Seq + 1} }

// String is the position as 56 decimal digits, which sort as positions do.
func (p Position) String() string { return fmt.Sprintf("%036d%020d", p.Time, p.Seq) }

// ParsePosition reads what String writes.
func ParsePosition(s string) (Position, error) {
	var p Position
	if len(s) != 56 {
		return p, fmt.Errorf("record: %q is no position", s)
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return p, fmt.Errorf("record: %q is no position", s)
		}
	}
	if _, err := fmt.Sscanf(s[:36]+" "+s[36:], "%d %d", &p.Time, &p.Seq); err != nil {
		return p, fmt.Errorf("record: %q is no position: %w", s, err)
	}
	return p, nil
}

// entry is where an event is.
type entry struct {
	at   Position
	seg  *segment
	off  int64
	size int32
}

// stream is the index of a stream. Entries are sorted by position. A slice of entries that was handed out is never
// changed: it is appended to behind its end or replaced.
type stream struct {
	entries  []entry
	bytes    int64
	ingested int64 // when the latest event arrived
}

func (s *stream) add(e entry, ingested int64) {
	s.ingested = max(s.ingested, ingested)
	s.bytes += int64(e.size)
	n := len(s.entries)
	if n == 0 || s.entries[n-1].at.Compare(e.at) < 0 {
		s.entries = append(s.entries, e)
		return
	}
	i := search(s.entries, e.at)
	fresh := make([]entry, 0, n+max(16, n/4))
	fresh = append(append(append(fresh, s.entries[:i]...), e), s.entries[i:]...)
	s.entries = fresh
}

// without drops the entries of a segment.
func (s *stream) without(seg *segment) {
	s.entries = slices.DeleteFunc(slices.Clone(s.entries), func(e entry) bool {
		if e.seg == seg {
			s.bytes -= int64(e.size)
		}
		return e.seg == seg
	})
}

// search is the index of the first entry at or behind p.
func search(entries []entry, p Position) int {
	i, _ := slices.BinarySearchFunc(entries, p, func(e entry, p Position) int { return e.at.Compare(p) })
	return i
}

// cut is the part of entries from one position up to, not including, another.
func cut(entries []entry, from, to Position) []entry {
	i, j := search(entries, from), search(entries, to)
	return entries[min(i, j):j]
}
