package netns

import "sync"

// indexes are the kernel's numbers of the interfaces in routers and gateways.
type indexes struct {
	mu sync.Mutex
	of map[string]map[string]int // by namespace and device
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
	x.of[ns][device] = index
}

func (x *indexes) unset(ns, device string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.of[ns], device)
}

func (x *indexes) drop(ns string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.of, ns)
}
