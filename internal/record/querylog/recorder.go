package querylog

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"

	"kumiko/internal/record"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Config is what a Recorder needs.
type Config struct {
	Store *store.Store  // where configurations are found and log streams are made
	Log   *record.Store // where records go
}

// Recorder writes records of queries. Its methods may be called from any goroutine.
type Recorder struct {
	c     Config
	queue chan Query
	done  chan struct{}
	lost  atomic.Uint64
}

// queueLength is how many queries may wait to be written; maxBatch how many are written together.
const (
	queueLength = 16384
	maxBatch    = 1024
)

// New makes a recorder, which writes until Close.
func New(c Config) *Recorder {
	r := &Recorder{c: c, queue: make(chan Query, queueLength), done: make(chan struct{})}
	go r.run()
	return r
}

// Add queues a query. It does not wait. It must not be called after Close.
func (r *Recorder) Add(q Query) {
	select {
	case r.queue <- q:
	default:
		r.lost.Add(1)
	}
}

// Close writes what is queued and ends.
func (r *Recorder) Close() {
	close(r.queue)
	<-r.done
}

func (r *Recorder) run() {
	defer close(r.done)
	for q := range r.queue {
		batch := r.gather(q)
		if err := r.write(r.c.Store.World(), batch); err != nil {
			slog.Error("query log: records are lost", "queries", len(batch), "error", err)
		}
		if n := r.lost.Swap(0); n > 0 {
			slog.Error("query log: records are lost", "queries", n, "error", "too many at once")
		}
	}
}

// gather takes what waits behind the first query.
func (r *Recorder) gather(first Query) []Query {
	batch := []Query{first}
	for len(batch) < maxBatch {
		select {
		case q, ok := <-r.queue:
			if !ok {
				return batch
			}
			batch = append(batch, q)
		default:
			return batch
		}
	}
	return batch
}

// target is a stream that records go to.
type target struct{ group, stream string }

func (r *Recorder) write(w world.World, batch []Query) error {
	lines := map[target][]record.Event{}
	for _, q := range batch {
		raw, err := json.Marshal(lineOf(&w, q))
		if err != nil {
			return fmt.Errorf("querylog: encode record: %w", err)
		}
		for _, group := range groups(&w, q.VPC) {
			t := target{group, string(q.VPC)}
			lines[t] = append(lines[t], record.Event{Time: q.Time.UnixMilli(), Message: string(raw)})
		}
	}
	if err := r.makeStreams(&w, lines); err != nil {
		return err
	}
	for t, events := range lines {
		if err := r.c.Log.Append(t.group, t.stream, events); err != nil {
			return fmt.Errorf("querylog: %w", err)
		}
	}
	return nil
}

// groups are the keys of the log groups that the queries of a VPC go to.
func groups(w *world.World, v world.VPCID) []string {
	var out []string
	for a := range w.QueryLogAssociations.In(string(v)) {
		q, _ := w.QueryLogConfigs.Get(a.Config)
		if key, ok := world.LogGroupOfARN(q.Destination); ok && !a.Deleting && w.LogGroups.Has(key) {
			out = append(out, key)
		}
	}
	return out
}

// makeStreams makes the rows of streams that are used for the first time, and drops lines whose group is gone.
func (r *Recorder) makeStreams(w *world.World, lines map[target][]record.Event) error {
	var missing []target
	for t := range lines {
		if !w.LogStreams.Has(world.LogStreamKey(t.group, t.stream)) {
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err := r.c.Store.Update(context.Background(), func(tx *world.Tx) error {
		for _, t := range missing {
			switch {
			case !tx.LogGroups.Has(t.group):
				delete(lines, t)
			case !tx.LogStreams.Has(world.LogStreamKey(t.group, t.stream)):
				tx.LogStreams.Put(world.LogStream{Group: t.group, Name: t.stream, Created: tx.Now})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("querylog: make log streams: %w", err)
	}
	return nil
}
