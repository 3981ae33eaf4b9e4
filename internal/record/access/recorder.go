package access

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Connection is a connection through a resource gateway that has come about.
type Connection struct {
	Time     time.Time
	Gateway  world.ResourceGatewayID
	Consumer uint16 // index of the VPC association, or the endpoint, it came by

	Client, Dest netip.AddrPort // as the client sees it
	From, Target netip.AddrPort // as the resource sees it: from an address of the gateway
}

// Config is what a Recorder needs.
type Config struct {
	Store *store.Store  // where associations are found and log streams are made
	Log   *record.Store // where records go
}

// entry is something that happened, and may leave lines in logs.
type entry interface {
	render(x *index, lines map[target][]record.Event) error
}

// Recorder writes records of connections and of requests. Its methods may be called from any goroutine.
type Recorder struct {
	c     Config
	queue chan entry
	done  chan struct{}
}

// queueLength is how many connections may wait to be written; maxBatch how many are written together.
const (
	queueLength = 16384
	maxBatch    = 1024
)

// New makes a recorder, which writes until Close.
func New(c Config) *Recorder {
	r := &Recorder{c: c, queue: make(chan entry, queueLength), done: make(chan struct{})}
	go r.run()
	return r
}

// Add queues a connection. It waits only while the queue is full. It must not be called after Close.
func (r *Recorder) Add(c Connection) { r.queue <- c }

// AddRequest queues a request, like Add.
func (r *Recorder) AddRequest(q Request) { r.queue <- q }

// Close writes what is queued and ends.
func (r *Recorder) Close() {
	close(r.queue)
	<-r.done
}

func (r *Recorder) run() {
	defer close(r.done)
	var seen *index
	for c := range r.queue {
		batch := r.gather(c)
		w := r.c.Store.World()
		if seen == nil || seen.rev != w.Rev {
			seen = newIndex(w)
		}
		if err := r.write(seen, batch); err != nil {
			slog.Error("access log: records are lost", "entries", len(batch), "error", err)
		}
	}
}

// gather takes what waits behind the first.
func (r *Recorder) gather(first entry) []entry {
	batch := []entry{first}
	for len(batch) < maxBatch {
		select {
		case c, ok := <-r.queue:
			if !ok {
				return batch
			}
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// target is a stream that records go to.
type target struct{ group, stream string }

func (r *Recorder) write(x *index, batch []entry) error {
	lines := map[target][]record.Event{}
	for _, c := range batch {
		if err := c.render(x, lines); err != nil {
			return err
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if err := r.makeStreams(lines); err != nil {
		return err
	}
	for t, events := range lines {
		if err := r.c.Log.Append(t.group, t.stream, events); err != nil {
			return fmt.Errorf("access: %w", err)
		}
	}
	return nil
}

// makeStreams makes the rows of streams that are used for the first time, and drops lines whose group is gone.
func (r *Recorder) makeStreams(lines map[target][]record.Event) error {
	w := r.c.Store.World()
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
		return fmt.Errorf("access: make log streams: %w", err)
	}
	return nil
}
