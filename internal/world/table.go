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
type Table[K ~string, V Row] struct {
	rows *btree.Map[string, V]
	keys *btree.Map[string, struct{}] // key NUL id, of Owned and Keyed rows
	log  *changeLog                   // nil outside a transaction
	noun string
}

type changeLog struct{ touched map[rowKey]struct{} }

type rowKey struct{ noun, id string }

// Get returns the row with the given id.
func (t *Table[K, V]) Get(id K) (V, bool) {
	if t.rows == nil {
		var zero V
		return zero, false
	}
	return t.rows.Get(string(id))
}

// Has tells whether a row with the given id exists.
func (t *Table[K, V]) Has(id K) bool { _, ok := t.Get(id); return ok }

// Len is the number of rows.
func (t *Table[K, V]) Len() int {
	if t.rows == nil {
		return 0
	}
	return t.rows.Len()
}

// All walks the rows in the order of their ids.
func (t *Table[K, V]) All() iter.Seq[V] { return t.Prefix("") }

// Prefix walks, in order, the rows whose id starts with p.
func (t *Table[K, V]) Prefix(p string) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.rows == nil {
			return
		}
		t.rows.Ascend(p, func(k string, v V) bool {
			return len(k) >= len(p) && k[:len(p)] == p && yield(v)
		})
	}
}

// From walks, in order, the rows whose id is start or comes after it, as far as their ids start with p.
func (t *Table[K, V]) From(p, start string) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.rows == nil {
			return
		}
		t.rows.Ascend(max(p, start), func(k string, v V) bool {
			return strings.HasPrefix(k, p) && yield(v)
		})
	}
}

// In walks, in order of their ids, the rows that belong to the owner or have the key. The rows must be [Owned] or
// [Keyed].
func (t *Table[K, V]) In(key string) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.keys == nil {
			return
		}
		p := key + "\x00"
		t.keys.Ascend(p, func(k string, _ struct{}) bool {
			if !strings.HasPrefix(k, p) {
				return false
			}
			v, ok := t.rows.Get(k[len(p):])
			return ok && yield(v)
		})
	}
}

// Some tells whether a row belongs to the owner, or has the key.
func (t *Table[K, V]) Some(key string) bool {
	for range t.In(key) {
		return true
	}
	return false
}

// LastKey is the greatest key that begins with the word and is followed by more; empty when there is none.
func (t *Table[K, V]) LastKey(word string) string {
	last := ""
	if t.keys != nil {
		t.keys.Descend(word+"\xff", func(k string, _ struct{}) bool {
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
func (t *Table[K, V]) Put(v V) {
	t.mustEdit()
	t.log.touched[rowKey{t.noun, v.RowID()}] = struct{}{}
	t.set(v)
}

func (t *Table[K, V]) set(v V) {
	old, was := t.rows.Set(v.RowID(), v)
	now := keysOf(v)
	if was {
		had := keysOf(old)
		if slices.Equal(had, now) {
			return
		}
		t.forget(v.RowID(), had)
	}
	for _, k := range now {
		t.keys.Set(k+"\x00"+v.RowID(), struct{}{})
	}
}

func (t *Table[K, V]) forget(id string, keys []string) {
	for _, k := range keys {
		t.keys.Delete(k + "\x00" + id)
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
func (t *Table[K, V]) Delete(id K) {
	t.mustEdit()
	t.log.touched[rowKey{t.noun, string(id)}] = struct{}{}
	if old, was := t.rows.Delete(string(id)); was {
		t.forget(string(id), keysOf(old))
	}
}

func (t *Table[K, V]) mustEdit() {
	if t.log == nil {
		panic("world: " + t.noun + " changed outside a transaction")
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

func (t *Table[K, V]) edit(noun string, log *changeLog) {
	if t.rows == nil {
		t.rows, t.keys = new(btree.Map[string, V]), new(btree.Map[string, struct{}])
	} else {
		t.rows, t.keys = t.rows.Copy(), t.keys.Copy()
	}
	t.noun, t.log = noun, log
}

func (t *Table[K, V]) seal() { t.log = nil }

func (t *Table[K, V]) ids() []string {
	if t.rows == nil {
		return nil
	}
	return t.rows.Keys()
}

func (t *Table[K, V]) encode(id string) (json.RawMessage, bool, error) {
	v, ok := t.rows.Get(id)
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
