package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"kumiko/internal/world"
)

// ErrClosed is returned by Update after Close.
var ErrClosed = errors.New("store: closed")

// Store is a durable World. Its methods may be called from any goroutine.
type Store struct {
	disk  disk
	check func(world.World, []world.Change) error
	now   func() time.Time
	rand  io.Reader

	current atomic.Pointer[world.World]
	calls   chan *call
	quit    chan struct{}
	done    chan struct{}
	closing sync.Once

	recent history

	seen atomic.Pointer[Seen]
	mu   sync.Mutex // guards subs
	subs map[chan struct{}]struct{}
}

// disk makes commits durable. The embedded one is bbolt; memory has none.
type disk interface {
	load() (world.World, error)
	commit(rev uint64, changes []world.Change) error
	close() error
}

type call struct {
	ctx  context.Context
	f    func(*world.Tx) error
	next world.World
	err  error
	done chan struct{}
}

// maxBatch bounds how many calls share one commit.
const maxBatch = 256

// Open opens the store in the file at path, or makes it. A file in use by another process, or written by a newer
// version, is refused.
func Open(path string) (*Store, error) {
	d, err := openBolt(path)
	if err != nil {
		return nil, err
	}
	s, err := start(d)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return s, nil
}

// OpenMemory makes an empty store that is forgotten when it is closed.
func OpenMemory() *Store {
	s, err := start(memory{})
	if err != nil {
		panic(err) // an empty memory store cannot fail to load
	}
	return s
}

func start(d disk) (*Store, error) {
	w, err := d.load()
	if err != nil {
		return nil, err
	}
	s := &Store{
		disk: d, check: world.Check, now: time.Now, rand: rand.Reader,
		calls: make(chan *call), quit: make(chan struct{}), done: make(chan struct{}),
		subs: map[chan struct{}]struct{}{},
	}
	s.current.Store(&w)
	s.seen.Store(&Seen{})
	go s.write()
	return s, nil
}

// Close waits for the commit under way and closes the file. Later calls of Update fail with ErrClosed.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.quit) })
	<-s.done
	return s.disk.close()
}

// World is the last committed World.
func (s *Store) World() world.World { return *s.current.Load() }

// Update runs f in a transaction and returns the World it led to, once it is durable. Transactions run one at a time.
// If f returns an error, or its changes break an invariant, nothing changes and that error is returned.
func (s *Store) Update(ctx context.Context, f func(*world.Tx) error) (world.World, error) {
	c := &call{ctx: ctx, f: f, done: make(chan struct{})}
	select {
	case s.calls <- c:
		<-c.done
		return c.next, c.err
	case <-ctx.Done():
		return world.World{}, ctx.Err()
	case <-s.quit:
		return world.World{}, ErrClosed
	}
}

func (s *Store) write() {
	defer close(s.done)
	for {
		select {
		case c := <-s.calls:
			s.commit(s.gather(c))
		case <-s.quit:
			return
		}
	}
}

// gather takes the calls that are waiting behind the first one.
func (s *Store) gather(first *call) []*call {
	batch := []*call{first}
	for len(batch) < maxBatch {
		select {
		case c := <-s.calls:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

func (s *Store) commit(batch []*call) {
	w := s.World()
	merged := map[[2]string]world.Change{}
	var good []*call
	for _, c := range batch {
		next, changes, err := s.run(w, c)
		if err != nil {
			c.err = err
			continue
		}
		if len(changes) == 0 { // nothing was asked for: no new revision
			c.next = w
			continue
		}
		w, c.next = next, next
		good = append(good, c)
		for _, ch := range changes {
			merged[[2]string{ch.Noun, ch.ID}] = ch
		}
	}
	if len(good) > 0 {
		all := make([]world.Change, 0, len(merged))
		for _, ch := range merged {
			all = append(all, ch)
		}
		if err := s.disk.commit(w.Rev, all); err != nil {
			for _, c := range good {
				c.next, c.err = world.World{}, fmt.Errorf("store: commit: %w", err)
			}
		} else {
			s.recent.add(s.World().Rev, all)
			s.current.Store(&w)
			s.notify()
		}
	}
	for _, c := range batch {
		close(c.done)
	}
}

func (s *Store) run(w world.World, c *call) (next world.World, changes []world.Change, err error) {
	if err := c.ctx.Err(); err != nil {
		return w, nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: transaction panicked: %v\n%s", p, debug.Stack())
		}
	}()
	tx := world.Begin(w, s.now().UTC(), s.rand)
	if err := c.f(tx); err != nil {
		return w, nil, err
	}
	next, changes, err = tx.Seal()
	if err != nil {
		return w, nil, err
	}
	if err := s.check(next, changes); err != nil {
		return w, nil, err
	}
	return next, changes, nil
}
