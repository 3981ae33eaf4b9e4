package store

import (
	"context"

	"kumiko/internal/world"
)

// Seen is what was last seen of the kernel, as far as states depend on it. It is a value: never change one in place.
type Seen struct {
	Rev     uint64                    // what was asked for up to this revision was applied, but for the scopes in Failing
	Failing map[string]string         // scope id (vpc-…, rgw-…, i-…) → error of the last attempt
	Hosts   map[world.InstanceID]Host // instances that have, or just had, a process
}

// Host is what was last seen of an instance's process.
type Host struct {
	Phase Phase
	Boot  uint64 // the boot of the instance the process belongs to
}

// Phase is how far an instance's process is.
type Phase string

// The phases of a host.
const (
	Starting Phase = "starting"
	Running  Phase = "running"
	Exited   Phase = "exited"
)

// Ready tells whether everything asked for up to revision rev is in the kernel for the given scopes.
func (s Seen) Ready(rev uint64, scopes ...string) bool {
	if rev > s.Rev {
		return false
	}
	for _, sc := range scopes {
		if s.Failing[sc] != "" {
			return false
		}
	}
	return true
}

// Seen is what was last seen of the kernel.
func (s *Store) Seen() Seen { return *s.seen.Load() }

// SetSeen publishes what was seen. Only the reconciler calls it.
func (s *Store) SetSeen(v Seen) {
	s.seen.Store(&v)
	s.notify()
}

// Watch returns a channel that has a value whenever the World or Seen changed since it was last read.
// The channel is never closed; it is given up when ctx ends.
func (s *Store) Watch(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	s.subs[ch] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		delete(s.subs, ch)
		s.mu.Unlock()
	})
	return ch
}

// Wait returns once ok is true of the World and of Seen, or when ctx ends.
func (s *Store) Wait(ctx context.Context, ok func(world.World, Seen) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := s.Watch(ctx)
	for !ok(s.World(), s.Seen()) {
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *Store) notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.subs {
		select {
		case ch <- struct{}{}:
		default: // it has a value already
		}
	}
}
