package flow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Driver keeps the readers of all routers, gateways, NAT gateways and VPC endpoints open.
type Driver struct {
	path func(name string) string
	sink Sink

	mu     sync.Mutex
	scopes map[string]*scope
	lost   uint64 // of scopes that have gone

	accounted map[string]bool // names of the routers whose traffic is accounted for
}

// New makes a driver whose records go to the sink. The function gives the file on which the namespace of a VPC or
// gateway is mounted.
func New(path func(name string) string, sink Sink) *Driver {
	return &Driver{path: path, sink: sink, scopes: map[string]*scope{}}
}

// Apply opens readers in the namespaces of the fabric's VPCs, gateways, NAT gateways and VPC endpoints, and of the public side, which must exist, and closes those of
// namespaces that the fabric lacks. What is the same value as before is taken to be where it was. A namespace that fails does not hold
// up the others.
func (d *Driver) Apply(ctx context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := make(map[string]bool, len(f.VPCs)+len(f.Gateways)+len(f.NATs)+len(f.Endpoints))
	var errs []error
	for name, of := range scopes(f) {
		want[name] = true
		if s := d.scopes[name]; s != nil && s.of == of && !s.broken.Load() {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, fmt.Errorf("flow: apply: %w", err))...)
		}
		if err := d.open(name, of); err != nil {
			errs = append(errs, fmt.Errorf("flow: read %s: %w", name, err))
		}
	}
	for name := range d.scopes {
		if !want[name] {
			d.close(name)
		}
	}
	return errors.Join(errs...)
}

// scopes walks what has readers, by the name of its namespace.
func scopes(f *fabric.Fabric) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, v := range f.VPCs {
			if !yield(string(v.ID), v) {
				return
			}
		}
		for _, g := range f.Gateways {
			if !yield(string(g.ID), g) {
				return
			}
		}
		for _, n := range f.NATs {
			if !yield(string(n.ID), n) {
				return
			}
		}
		for _, e := range f.Endpoints {
			if !yield(string(e.ID), e) {
				return
			}
		}
		if len(f.Public.Uplinks) > 0 {
			yield(kernel.PublicNamespace, kernel.PublicNamespace) // it is always the same
		}
	}
}

// open opens the readers of what is in a namespace, or tells those there are of the names as they are now.
func (d *Driver) open(name string, of any) error {
	path, n := d.path(name), sync.OnceValue(func() *names { return namesOf(of) }) // refusals are few
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	if s := d.scopes[name]; s != nil {
		if s.inode == st.Ino && !s.broken.Load() {
			if s.account != nil && s.named().knowsMore(n()) {
				if err := s.account.look(); err != nil {
					return err
				}
			}
			s.names.Store(&n)
			s.of = of
			return d.adjust(name)
		}
		d.close(name)
	}
	s, err := openScope(name, path, st.Ino, n, d.sink)
	if err != nil {
		return err
	}
	s.of = of
	d.scopes[name] = s
	return d.adjust(name)
}

func (d *Driver) close(name string) {
	s := d.scopes[name]
	s.close()
	d.lost += s.lost()
	delete(d.scopes, name)
}

// Lost is how often records were lost since the driver was made because they were not taken fast enough.
func (d *Driver) Lost() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.lost
	for _, s := range d.scopes {
		n += s.lost()
	}
	return n
}

// Close ends all readers and waits for them.
func (d *Driver) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.scopes {
		d.close(name)
	}
}
