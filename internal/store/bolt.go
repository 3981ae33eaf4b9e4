package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"kumiko/internal/world"
)

// format is the version of the layout on disk. Grow it when a row's meaning changes, and migrate in load.
const format = 1

var (
	metaBucket  = []byte("meta")
	rowsBucket  = []byte("rows")
	formatKey   = []byte("format")
	revisionKey = []byte("revision")
)

// lockWait is how long Open waits for another process to let go of the file.
const lockWait = 200 * time.Millisecond

type bolt struct{ db *bbolt.DB }

func openBolt(path string) (*bolt, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("store: %s is in use by another daemon", path)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	return &bolt{db: db}, nil
}

func (b *bolt) load() (world.World, error) {
	var w world.World
	err := b.db.View(func(tx *bbolt.Tx) error {
		meta, rows := tx.Bucket(metaBucket), tx.Bucket(rowsBucket)
		if meta == nil || rows == nil { // never written
			return nil
		}
		if v := getUint(meta, formatKey); v != format {
			return fmt.Errorf("store: the file has format %d, this version reads %d", v, format)
		}
		var err error
		w, err = world.Load(getUint(meta, revisionKey), func(yield func(noun, id string, raw json.RawMessage) error) error {
			return rows.ForEachBucket(func(noun []byte) error {
				return rows.Bucket(noun).ForEach(func(id, raw []byte) error {
					return yield(string(noun), string(id), raw)
				})
			})
		})
		return err
	})
	return w, err
}

func (b *bolt) commit(rev uint64, changes []world.Change) error {
	return b.db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		rows, err := tx.CreateBucketIfNotExists(rowsBucket)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := put(rows, c); err != nil {
				return fmt.Errorf("%s %s: %w", c.Noun, c.ID, err)
			}
		}
		if err := putUint(meta, formatKey, format); err != nil {
			return err
		}
		return putUint(meta, revisionKey, rev)
	})
}

func put(rows *bbolt.Bucket, c world.Change) error {
	noun, err := rows.CreateBucketIfNotExists([]byte(c.Noun))
	if err != nil {
		return err
	}
	if c.Row == nil {
		return noun.Delete([]byte(c.ID))
	}
	return noun.Put([]byte(c.ID), c.Row)
}

func (b *bolt) close() error { return b.db.Close() }

func getUint(b *bbolt.Bucket, key []byte) uint64 {
	v := b.Get(key)
	if len(v) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

func putUint(b *bbolt.Bucket, key []byte, n uint64) error {
	return b.Put(key, binary.BigEndian.AppendUint64(nil, n))
}

type memory struct{}

func (memory) load() (world.World, error) {
	return world.Load(0, func(func(string, string, json.RawMessage) error) error { return nil })
}
func (memory) commit(uint64, []world.Change) error { return nil }
func (memory) close() error                        { return nil }
