package netns

import "sync"

// indexes are the kernel's numbers of the interfaces in routers and gateways.
type indexes struct {
	mu sync.Mutex
	of map[string]map[string]int // by namespace and device

	changed map[string]uint64 // by namespace, how often
}

func (x *indexes) changes(ns string) uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changed[ns]
}

// note counts a change. The caller holds the lock.
func (x *indexes) note(ns string) {
	if x.changed == nil {
		x.changed = map[string]uint64{}
	}
	x.changed[ns]++
}

func (x *indexes) get(ns, device string) (int, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, ok := x.of[ns][device]
	return i, ok
}

func (x *indexes) set(ns, device string, index int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of == nil {
		x.of = map[string]map[string]int{}
	}
	if x.of[ns] == nil {
		x.of[ns] = map[string]int{}
	}
	if had, ok := x.of[ns][device]; !ok || had != index {
		x.note(ns)
	}
	x.of[ns][device] = index
}

func (x *indexes) unset(ns, device string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.of[ns][device]; ok {
		x.note(ns)
	}
	delete(x.of[ns], device)
}

func (x *indexes) drop(ns string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.note(ns)
	delete(x.of, ns)
}
