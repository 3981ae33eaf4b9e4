package nft

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nfnetlink"
	"kumiko/internal/kernel/nft"
)

// Driver applies tables to namespaces. Its methods may be called concurrently.
type Driver struct {
	path func(name string) string

	mu     sync.Mutex
	scopes map[string]*scope
}

// scope is what a namespace holds, as far as this process knows. The connection stays open: closing one waits until
// the kernel has thrown away all that was deleted through it.
type scope struct {
	mu      sync.Mutex
	inode   uint64 // of the namespace; another one under the same name holds nothing
	conn    *nft.Conn
	tracker *nfnetlink.Tracker // opened when it is first needed
	table   *nft.Table
	owners  owners
	memory  memory // of a router
}

// close forgets what the namespace holds and lets it die.
func (s *scope) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reset()
}

func (s *scope) reset() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.tracker != nil {
		s.tracker.Close()
	}
	s.inode, s.conn, s.tracker, s.table, s.owners = 0, nil, nil, nil, owners{}
}

// New makes a driver. The function gives the file on which the namespace of a VPC or gateway is mounted.
func New(path func(name string) string) *Driver {
	return &Driver{path: path, scopes: map[string]*scope{}}
}

// ApplyVPC makes the packet filter of a VPC's router what the fabric says, in one transaction.
func (d *Driver) ApplyVPC(ctx context.Context, v *fabric.VPC) error {
	return d.apply(ctx, string(v.ID), func(s *scope) (*nft.Table, owners) { return s.memory.print(v), s.owners.after(v) })
}

// ApplyGateway makes the translation of a gateway what the fabric says, in one transaction.
func (d *Driver) ApplyGateway(ctx context.Context, g *fabric.Gateway) error {
	return d.apply(ctx, string(g.ID), plain(RenderGateway(g), ownersOfGateway(g)))
}

// ApplyNAT makes the translation of a NAT gateway what the fabric says, in one transaction.
func (d *Driver) ApplyNAT(ctx context.Context, n *fabric.NAT) error {
	return d.apply(ctx, string(n.ID), plain(RenderNAT(n), owners{}))
}

// ApplyEndpoint makes the packet filter of an endpoint's namespace what the fabric says, in one transaction.
func (d *Driver) ApplyEndpoint(ctx context.Context, e *fabric.Endpoint) error {
	return d.apply(ctx, string(e.ID), plain(RenderEndpoint(e), owners{}))
}

// ApplyPublic lets nothing but connections to services in to the public side itself.
func (d *Driver) ApplyPublic(ctx context.Context, _ *fabric.Public) error {
	return d.apply(ctx, kernel.PublicNamespace, plain(RenderPublic(), owners{}))
}

// Forget drops what is known of a VPC or gateway whose namespace has gone, and the connection that keeps it alive.
func (d *Driver) Forget(name string) {
	d.mu.Lock()
	s := d.scopes[name]
	delete(d.scopes, name)
	d.mu.Unlock()
	if s != nil {
		s.close()
	}
}

// Close ends all connections. The tables stay.
func (d *Driver) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.scopes {
		s.close()
	}
	clear(d.scopes)
}

// Table is the table last applied to a VPC's router or a gateway; nil when this process has applied none.
func (d *Driver) Table(name string) *nft.Table {
	s := d.scope(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table
}

func (d *Driver) scope(name string) *scope {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.scopes[name]
	if s == nil {
		s = &scope{}
		d.scopes[name] = s
	}
	return s
}

// plain gives a table that needs no memory.
func plain(t *nft.Table, o owners) func(*scope) (*nft.Table, owners) {
	return func(*scope) (*nft.Table, owners) { return t, o }
}

func (d *Driver) apply(ctx context.Context, name string, print func(*scope) (*nft.Table, owners)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("nft: apply %s: %w", name, err)
	}
	s := d.scope(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	path := d.path(name)
	if err := s.open(path); err != nil {
		return fmt.Errorf("nft: apply %s: %w", name, err)
	}
	t, o := print(s)
	if err := s.commit(t); err != nil {
		return fmt.Errorf("nft: apply %s: %w", name, err)
	}
	s.table = t
	if err := s.forget(path, o); err != nil {
		return fmt.Errorf("nft: apply %s: %w", name, err)
	}
	s.owners = o
	return nil
}

// open connects to the namespace; what is known of another one that had the name is dropped.
func (s *scope) open(path string) error {
	inode, err := inodeOf(path)
	if err != nil {
		return err
	}
	if s.conn != nil && s.inode == inode {
		return nil
	}
	s.reset()
	s.inode = inode
	s.conn, err = nft.Open(path)
	return err
}

// commit sends the difference; a table that is not what this process thinks is replaced.
func (s *scope) commit(t *nft.Table) error {
	if s.table == nil {
		return s.conn.Replace(t)
	}
	err := s.conn.Apply(s.table, t)
	if refused, ok := errors.AsType[*nft.StepError](err); ok && (refused.Err == syscall.ENOENT || refused.Err == syscall.EEXIST || refused.Err == syscall.EBUSY) {
		s.table = nil
		return s.conn.Replace(t)
	}
	return err
}

func inodeOf(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Ino, nil
}

// owners tells who has what connections are known by: an address in a router, a consumer's index in a gateway. What
// belongs to somebody else, or to nobody, is no part of a connection that its former owner had.
type owners struct {
	of        *fabric.VPC // what ports are of
	ports     map[netip.Addr]string
	consumers map[uint16]string
}

// after is the owners in a VPC, of which o was before.
func (o owners) after(v *fabric.VPC) owners {
	if o.of != nil && fabric.Same(o.of.Ports, v.Ports) && o.of.Uplink == v.Uplink {
		return o
	}
	o = owners{of: v, ports: make(map[netip.Addr]string, len(v.Ports))}
	for _, p := range v.Ports {
		for _, a := range p.Addrs {
			o.ports[a] = string(p.ENI)
		}
		for _, x := range p.Prefixes {
			if !x.Addr().Is4() { // sixteen addresses each; those of IPv6 are too many to count
				continue
			}
			for a := x.Addr(); x.Contains(a); a = a.Next() {
				o.ports[a] = string(p.ENI)
			}
		}
	}
	if v.Uplink != nil { // connections that are translated would keep the address they have
		for _, a := range v.Uplink.Addresses {
			o.ports[a.Private] += " " + a.Public.String()
		}
	}
	return o
}

func ownersOfGateway(g *fabric.Gateway) owners {
	o := owners{consumers: make(map[uint16]string, len(g.Consumers))}
	for _, c := range g.Consumers {
		o.consumers[c.Index] = string(c.Association) + string(c.Endpoint)
	}
	return o
}

// forget makes the kernel forget the connections of owners that are no more. Rules that no longer know the owner must
// be in place, so that no new ones come about.
func (s *scope) forget(path string, now owners) error {
	if now.of != nil && now.of == s.owners.of {
		return nil
	}
	var addrs []netip.Addr
	for a, had := range s.owners.ports {
		if now.ports[a] != had {
			addrs = append(addrs, a)
		}
	}
	var indexes []uint16
	for i, had := range s.owners.consumers {
		if has, ok := now.consumers[i]; !ok || has != had {
			indexes = append(indexes, i)
		}
	}
	if len(addrs)+len(indexes) == 0 {
		return nil
	}
	if s.tracker == nil {
		t, err := nfnetlink.OpenTracker(path)
		if err != nil {
			return err
		}
		s.tracker = t
	}
	var errs []error
	for _, a := range addrs {
		errs = append(errs, s.tracker.ForgetAddress(a))
	}
	for _, i := range indexes {
		errs = append(errs, s.tracker.ForgetMark(uint32(i), kernel.MarkConsumerMask))
	}
	return errors.Join(errs...)
}
