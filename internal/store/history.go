package store

import (
	"sync"

	"kumiko/internal/world"
)

// history remembers what the last commits changed, so that who saw an older World need not compare it with this one.
type history struct {
	mu      sync.Mutex
	commits []commit // oldest first
}

type commit struct {
	before  uint64 // revision the commit was made on
	changes []world.Change
}

// remembered is how many commits a history goes back.
const remembered = 512

func (h *history) add(before uint64, changes []world.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.commits) == remembered {
		h.commits = append(h.commits[:0:0], h.commits[remembered/2:]...)
	}
	h.commits = append(h.commits, commit{before, changes})
}

// Since gives the rows that differ between the World of a revision that was once current and w, which is or was
// current after it; ok is false when that is too long ago. A row may be given more than once.
func (s *Store) Since(rev uint64, w world.World) (changes []world.Change, ok bool) {
	s.recent.mu.Lock()
	defer s.recent.mu.Unlock()
	if rev == w.Rev {
		return nil, true
	}
	for _, c := range s.recent.commits {
		if c.before == rev {
			ok = true
		}
		if ok && c.before < w.Rev {
			changes = append(changes, c.changes...)
		}
	}
	return changes, ok
}
