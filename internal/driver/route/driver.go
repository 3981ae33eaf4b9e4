package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/vishvananda/netlink"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Interfaces knows the interfaces of routers and gateways; the driver of namespaces does.
type Interfaces interface {
	// Handles are netlink handles by path of the namespace.
	Handles() *kernel.Handles
	// Index is the number of an interface in a namespace; false while it is not there.
	Index(ns, device string) (int, bool)
	// Changes is how often the numbers of the interfaces of a namespace have changed.
	Changes(ns string) uint64
}

// Driver keeps the routes of one runtime folder. Its methods may be called at once from several goroutines.
type Driver struct {
	run        string
	interfaces Interfaces

	mu     sync.Mutex
	scopes map[string]*scope // by namespace
}

// New makes a driver for the namespaces below run.
func New(run string, interfaces Interfaces) *Driver {
	return &Driver{run: run, interfaces: interfaces, scopes: map[string]*scope{}}
}

// scope is what is known of one namespace's routes.
type scope struct {
	mu   sync.Mutex
	h    *netlink.Handle // of the namespace the rest speaks of; nil: nothing is known
	have tables

	own     *ownTable // of a router, as applied
	haveOwn map[destination]hop
}

// ApplyVPC makes the routes of a VPC's router as wanted. Its interfaces must be there.
func (d *Driver) ApplyVPC(ctx context.Context, v *fabric.VPC) error {
	return d.apply(ctx, string(v.ID), func(s *scope, index indexer) (tables, error) {
		return vpcTables(v, s.own, d.interfaces.Changes(string(v.ID)), index)
	})
}

// ApplyGateway makes the routes of a gateway as wanted. Its interfaces must be there.
func (d *Driver) ApplyGateway(ctx context.Context, g *fabric.Gateway) error {
	return d.apply(ctx, string(g.ID), func(_ *scope, index indexer) (tables, error) { return gatewayTables(g, index) })
}

// ApplyNAT makes the routes of a NAT gateway as wanted. Its interface must be there.
func (d *Driver) ApplyNAT(ctx context.Context, n *fabric.NAT) error {
	return d.apply(ctx, string(n.ID), func(_ *scope, index indexer) (tables, error) { return natTables(n, index) })
}

// ApplyEndpoint makes the routes of an endpoint as wanted. Its interfaces must be there.
func (d *Driver) ApplyEndpoint(ctx context.Context, e *fabric.Endpoint) error {
	return d.apply(ctx, string(e.ID), func(_ *scope, index indexer) (tables, error) { return endpointTables(e, index) })
}

// ApplyPublic makes the routes of the public side as wanted. The uplinks must be there.
func (d *Driver) ApplyPublic(ctx context.Context, p *fabric.Public) error {
	return d.apply(ctx, kernel.PublicNamespace, func(_ *scope, index indexer) (tables, error) { return publicTables(p, index) })
}

// Forget makes the driver read the routes of a VPC or gateway back before it changes them next.
func (d *Driver) Forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.scopes, name)
}

func (d *Driver) scope(name string) *scope {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.scopes[name]
	if !ok {
		s = &scope{}
		d.scopes[name] = s
	}
	return s
}

// apply makes the tables of a namespace as rendered; what could be rendered also when not all could.
func (d *Driver) apply(ctx context.Context, name string, render func(*scope, indexer) (tables, error)) error {
	s := d.scope(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := d.interfaces.Handles().Get(kernel.Path(d.run, name))
	if err != nil {
		return fmt.Errorf("route: apply %s: %w", name, err)
	}
	if s.h != h {
		s.h, s.own = nil, nil
	}
	want, missing := render(s, func(device string) (int, bool) { return d.interfaces.Index(name, device) })
	if missing != nil && want.routes == nil {
		return fmt.Errorf("route: apply %s: %w", name, missing)
	}
	if s.h == nil {
		if s.have, err = observe(h); err != nil {
			return fmt.Errorf("route: apply %s: %w", name, err)
		}
		s.haveOwn = map[destination]hop{}
		for at, to := range s.have.routes {
			if want.own != nil && at.table == kernel.TablePorts {
				s.haveOwn[at] = to
				delete(s.have.routes, at)
			}
		}
		s.h = h
	}
	if err := s.change(ctx, want); err != nil {
		s.h = nil // look again
		return fmt.Errorf("route: apply %s: %w", name, errors.Join(err, missing))
	}
	if missing != nil {
		return fmt.Errorf("route: apply %s: %w", name, missing)
	}
	return nil
}

// change makes before it breaks. A router's own table is not looked at when it is the one that was applied.
func (s *scope) change(ctx context.Context, want tables) error {
	var own map[destination]hop
	fresh := want.own != s.own
	if fresh {
		own = want.own.routes
		if err := s.add(ctx, s.haveOwn, own); err != nil {
			return err
		}
	}
	if err := s.add(ctx, s.have.routes, want.routes); err != nil {
		return err
	}
	if err := s.changeRules(want.rules); err != nil {
		return err
	}
	if fresh {
		if err := s.remove(s.haveOwn, own); err != nil {
			return err
		}
	}
	s.own = want.own
	return s.remove(s.have.routes, want.routes)
}

// add makes the routes that are missing or lead elsewhere.
func (s *scope) add(ctx context.Context, have, want map[destination]hop) error {
	for at, to := range want {
		if had, ok := have[at]; ok && had == to {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := replaceRoute(s.h, at, to); err != nil {
			return err
		}
		have[at] = to
	}
	return nil
}

// remove deletes the routes that are not wanted.
func (s *scope) remove(have, want map[destination]hop) error {
	for at, to := range have {
		if _, ok := want[at]; ok {
			continue
		}
		if err := deleteRoute(s.h, at, to); err != nil {
			return err
		}
		delete(have, at)
	}
	return nil
}

func (s *scope) changeRules(want map[int]rule) error {
	for pref, r := range want {
		if have, ok := s.have.rules[pref]; ok && have == r {
			continue
		}
		if err := addRule(s.h, pref, r); err != nil {
			return err
		}
	}
	for pref, have := range s.have.rules {
		if r, ok := want[pref]; ok && r == have {
			continue
		}
		if err := deleteRule(s.h, pref, have); err != nil {
			return err
		}
	}
	s.have.rules = maps.Clone(want)
	return nil
}
