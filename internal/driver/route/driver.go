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
}

// ApplyVPC makes the routes of a VPC's router as wanted. Its interfaces must be there.
func (d *Driver) ApplyVPC(ctx context.Context, v *fabric.VPC) error {
	return d.apply(ctx, string(v.ID), func(index indexer) (tables, error) { return vpcTables(v, index) })
}

// ApplyGateway makes the routes of a gateway as wanted. Its interfaces must be there.
func (d *Driver) ApplyGateway(ctx context.Context, g *fabric.Gateway) error {
	return d.apply(ctx, string(g.ID), func(index indexer) (tables, error) { return gatewayTables(g, index) })
}

// ApplyNAT makes the routes of a NAT gateway as wanted. Its interface must be there.
func (d *Driver) ApplyNAT(ctx context.Context, n *fabric.NAT) error {
	return d.apply(ctx, string(n.ID), func(index indexer) (tables, error) { return natTables(n, index) })
}

// ApplyEndpoint makes the routes of an endpoint as wanted. Its interfaces must be there.
func (d *Driver) ApplyEndpoint(ctx context.Context, e *fabric.Endpoint) error {
	return d.apply(ctx, string(e.ID), func(index indexer) (tables, error) { return endpointTables(e, index) })
}

// ApplyPublic makes the routes of the public side as wanted. The uplinks must be there.
func (d *Driver) ApplyPublic(ctx context.Context, p *fabric.Public) error {
	return d.apply(ctx, kernel.PublicNamespace, func(index indexer) (tables, error) { return publicTables(p, index) })
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
func (d *Driver) apply(ctx context.Context, name string, render func(indexer) (tables, error)) error {
	s := d.scope(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := d.interfaces.Handles().Get(kernel.Path(d.run, name))
	if err != nil {
		return fmt.Errorf("route: apply %s: %w", name, err)
	}
	want, missing := render(func(device string) (int, bool) { return d.interfaces.Index(name, device) })
	if missing != nil && want.routes == nil {
		return fmt.Errorf("route: apply %s: %w", name, missing)
	}
	if s.h != h {
		s.h = nil
		if s.have, err = observe(h); err != nil {
			return fmt.Errorf("route: apply %s: %w", name, err)
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

// change makes before it breaks.
func (s *scope) change(ctx context.Context, want tables) error {
	for at, to := range want.routes {
		if have, ok := s.have.routes[at]; ok && have == to {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := replaceRoute(s.h, at, to); err != nil {
			return err
		}
		s.have.routes[at] = to
	}
	if err := s.changeRules(want.rules); err != nil {
		return err
	}
	for at, to := range s.have.routes {
		if _, ok := want.routes[at]; ok {
			continue
		}
		if err := deleteRoute(s.h, at, to); err != nil {
			return err
		}
		delete(s.have.routes, at)
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
