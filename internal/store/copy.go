package store

import "kumiko/internal/world"

// OpenCopy makes a store that starts with w and is forgotten when it is closed.
func OpenCopy(w world.World) *Store {
	s := OpenMemory()
	s.current.Store(&w)
	return s
}
