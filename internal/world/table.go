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

// Table is a sorted map from id to row. A Table obtained from a committed [World] is immutable and safe for
// concurrent readers; Put and Delete work only inside a transaction and panic elsewhere.
type Table[K ~string, V Row] struct {
	rows   *btree.Map[string, V]
	owners *btree.Map[string, struct{}] // owner NUL id, of Owned rows
	log    *changeLog                   // nil outside a transaction
	noun   string
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

// In walks, in order of their ids, the rows that belong to the owner. The rows must be [Owned].
func (t *Table[K, V]) In(owner string) iter.Seq[V] {
	return func(yield func(V) bool) {
		if t.owners == nil {
			return
		}
		p := owner + "\x00"
		t.owners.Ascend(p, func(k string, _ struct{}) bool {
			if !strings.HasPrefix(k, p) {
				return false
			}
			v, ok := t.rows.Get(k[len(p):])
			return ok && yield(v)
		})
	}
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
	if was {
		t.disown(old)
	}
	if o, ok := any(v).(Owned); ok {
		t.owners.Set(o.Owner()+"\x00"+v.RowID(), struct{}{})
	}
}

func (t *Table[K, V]) disown(v V) {
	if o, ok := any(v).(Owned); ok {
		t.owners.Delete(o.Owner() + "\x00" + v.RowID())
	}
}

// Delete removes the row with the given id, if there is one.
func (t *Table[K, V]) Delete(id K) {
	t.mustEdit()
	t.log.touched[rowKey{t.noun, string(id)}] = struct{}{}
	if old, was := t.rows.Delete(string(id)); was {
		t.disown(old)
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
		t.rows, t.owners = new(btree.Map[string, V]), new(btree.Map[string, struct{}])
	} else {
		t.rows, t.owners = t.rows.Copy(), t.owners.Copy()
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
