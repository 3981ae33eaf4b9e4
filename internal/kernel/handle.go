package kernel

import (
	"fmt"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NewHandle opens a netlink route socket inside the namespace at path ns; it can be used from any goroutine. An open
// handle keeps the namespace alive: close it before the namespace is deleted.
func NewHandle(ns string) (*netlink.Handle, error) {
	var h *netlink.Handle
	err := In(ns, func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kernel: netlink in %s: %w", ns, err)
	}
	return h, nil
}

// Handles keeps netlink handles open by namespace. The zero value is ready. Its methods may be called at once from
// several goroutines.
type Handles struct {
	mu   sync.Mutex
	open map[string]handle
}

type handle struct {
	*netlink.Handle
	of identity
}

// Get is the handle of the namespace at path ns. It is the same pointer as long as path is the same namespace.
func (s *Handles) Get(ns string) (*netlink.Handle, error) {
	id, err := identify(ns)
	if err != nil {
		return nil, fmt.Errorf("kernel: netlink: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.open[ns]; ok {
		if h.of == id {
			return h.Handle, nil
		}
		h.Close()
		delete(s.open, ns)
	}
	h, err := NewHandle(ns)
	if err != nil {
		return nil, err
	}
	if s.open == nil {
		s.open = make(map[string]handle)
	}
	s.open[ns] = handle{h, id}
	return h, nil
}

// Drop closes the handle of the namespace at path ns, if there is one.
func (s *Handles) Drop(ns string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h, ok := s.open[ns]; ok {
		h.Close()
		delete(s.open, ns)
	}
}

// Close closes all handles.
func (s *Handles) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.open {
		h.Close()
	}
	s.open = nil
}
