package world

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// Row is a value kept in a [Table]. RowID is its key, unique among rows of the same noun.
type Row interface{ RowID() string }

// Owned is a row that belongs to another one, as an ENI belongs to a VPC. Owner is that row's id. A table of such rows
// can walk those of one owner without looking at the others; see [Table.In].
type Owned interface{ Owner() string }

// Keyed is a row that can be found by further keys than its id and its owner, as an ENI can by its instance: by ids of
// other nouns, or by a word and a value. A table of such rows can walk those with one key; see [Table.In].
type Keyed interface{ Keys() []string }

// Table is a sorted map from id to row. A Table obtained from a committed [World] is immutable and safe for
// concurrent readers; Put and Delete work only inside a transaction and panic elsewhere.
type Table[K ~string, V Row] struct{ shelf }

// shelf is the rows of a table whatever their type is: what is the same for all tables is compiled once, and a node of
// the tree that is copied when a row changes holds no rows.
type shelf struct {
	rows *btree.Map[string, Row]
	keys *btree.Map[string, struct{}] // key NUL id, of Owned and Keyed rows
	log  *changeLog                   // nil outside a transaction
	noun string
}

type changeLog struct{ touched map[rowKey]struct{} }

type rowKey struct{ noun, id string }

// Get returns the row with the given id.
func (t *Table[K, V]) Get(id K) (V, bool) {
	v, ok := t.get(string(id)).(V)
	return v, ok
}

// get is the row with the given id, or nil.
func (s *shelf) get(id string) Row {
	if s.rows == nil {
		return nil
	}
	v, _ := s.rows.Get(id)
	return v
}

// Has tells whether a row with the given id exists.
func (t *Table[K, V]) Has(id K) bool { return t.get(string(id)) != nil }

// Len is the number of rows.
func (s *shelf) Len() int {
	if s.rows == nil {
		return 0
	}
	return s.rows.Len()
}

// All walks the rows in the order of their ids.
func (t *Table[K, V]) All() iter.Seq[V] { return t.Prefix("") }

// Prefix walks, in order, the rows whose id starts with p.
func (t *Table[K, V]) Prefix(p string) iter.Seq[V] {
	return t.From(p, p)
}

// From walks, in order, the rows whose id is start or comes after it, as far as their ids start with p.
func (t *Table[K, V]) From(p, start string) iter.Seq[V] {
	return func(yield func(V) bool) {
		t.walk(p, start, func(v Row) bool { return yield(v.(V)) })
	}
}

// walk calls f for the rows whose id is start or comes after it, as far as their ids start with p, until f says no.
func (s *shelf) walk(p, start string, f func(Row) bool) {
	if s.rows != nil {
		s.rows.Ascend(max(p, start), func(k string, v Row) bool { return strings.HasPrefix(k, p) && f(v) })
	}
}

// In walks, in order of their ids, the rows that belong to the owner or have the key. The rows must be [Owned] or
// [Keyed].
func (t *Table[K, V]) In(key string) iter.Seq[V] {
	return func(yield func(V) bool) {
		t.walkKey(key, func(v Row) bool { return yield(v.(V)) })
	}
}

// walkKey calls f for the rows that have the key, until f says no.
func (s *shelf) walkKey(key string, f func(Row) bool) {
	if s.keys == nil {
		return
	}
	p := key + "\x00"
	s.keys.Ascend(p, func(k string, _ struct{}) bool {
		if !strings.HasPrefix(k, p) {
			return false
		}
		v, ok := s.rows.Get(k[len(p):])
		return ok && f(v)
	})
}

// Some tells whether a row belongs to the owner, or has the key.
func (s *shelf) Some(key string) (some bool) {
	s.walkKey(key, func(Row) bool { some = true; return false })
	return some
}

// LastKey is the greatest key that begins with the word and is followed by more; empty when there is none.
func (s *shelf) LastKey(word string) string {
	last := ""
	if s.keys != nil {
		s.keys.Descend(word+"\xff", func(k string, _ struct{}) bool {
			if key, _, _ := strings.Cut(k, "\x00"); strings.HasPrefix(key, word) {
				last = key
			}
			return false
		})
	}
	return last
}

// Where collects, in order of ids, the rows for which keep is true.
func (t *Table[K, V]) Where(keep func(V) bool) []V {
	var out []V
	for v := range t.All() {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

// Any tells whether some row satisfies f.
func (t *Table[K, V]) Any(f func(V) bool) bool {
	for v := range t.All() {
		if f(v) {
			return true
		}
	}
	return false
}

// Put inserts or replaces a row.
func (t *Table[K, V]) Put(v V) { t.put(v) }

func (s *shelf) put(v Row) {
	s.mustEdit()
	s.log.touched[rowKey{s.noun, v.RowID()}] = struct{}{}
	s.set(v)
}

func (s *shelf) set(v Row) {
	old, was := s.rows.Set(v.RowID(), v)
	now := keysOf(v)
	if was {
		had := keysOf(old)
		if slices.Equal(had, now) {
			return
		}
		s.forget(v.RowID(), had)
	}
	for _, k := range now {
		s.keys.Set(k+"\x00"+v.RowID(), struct{}{})
	}
}

func (s *shelf) forget(id string, keys []string) {
	for _, k := range keys {
		s.keys.Delete(k + "\x00" + id)
	}
}

// keysOf are the owner and the keys of a row.
func keysOf(v any) []string {
	var out []string
	if o, ok := v.(Owned); ok {
		out = append(out, o.Owner())
	}
	if k, ok := v.(Keyed); ok {
		out = append(out, k.Keys()...)
	}
	return out
}

// Delete removes the row with the given id, if there is one.
func (t *Table[K, V]) Delete(id K) { t.remove(string(id)) }

func (s *shelf) remove(id string) {
	s.mustEdit()
	s.log.touched[rowKey{s.noun, id}] = struct{}{}
	if old, was := s.rows.Delete(id); was {
		s.forget(id, keysOf(old))
	}
}

func (s *shelf) mustEdit() {
	if s.log == nil {
		panic("world: " + s.noun + " changed outside a transaction")
	}
}

// table is what World needs of its tables without knowing their row types.
type table interface {
	edit(noun string, log *changeLog)
	seal()
	encode(id string) (json.RawMessage, bool, error)
	load(id string, raw json.RawMessage) error
	ids() []string
}

func (s *shelf) edit(noun string, log *changeLog) {
	if s.rows == nil {
		s.rows, s.keys = new(btree.Map[string, Row]), new(btree.Map[string, struct{}])
	} else {
		s.rows, s.keys = s.rows.Copy(), s.keys.Copy()
	}
	s.noun, s.log = noun, log
}

func (s *shelf) seal() { s.log = nil }

func (s *shelf) ids() []string {
	if s.rows == nil {
		return nil
	}
	return s.rows.Keys()
}

func (s *shelf) encode(id string) (json.RawMessage, bool, error) {
	v, ok := s.rows.Get(id)
	if !ok {
		return nil, false, nil
	}
	raw, err := json.Marshal(v)
	return raw, true, err
}

func (t *Table[K, V]) load(id string, raw json.RawMessage) error {
	var v V
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("world: %s %s: %w", t.noun, id, err)
	}
	if v.RowID() != id {
		return fmt.Errorf("world: %s %s: row says its id is %s", t.noun, id, v.RowID())
	}
	t.set(v)
	return nil
}

// Change is one row of a committed transaction. Row is nil when the row was deleted.
type Change struct {
	Noun, ID string
	Row      json.RawMessage
}

func sortChanges(c []Change) {
	slices.SortFunc(c, func(a, b Change) int {
		if a.Noun != b.Noun {
			if a.Noun < b.Noun {
				return -1
			}
			return 1
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}
