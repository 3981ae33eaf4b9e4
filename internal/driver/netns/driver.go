package netns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// Driver keeps the namespaces and cables of one runtime folder. Its methods may be called at once from several
// goroutines.
type Driver struct {
	run     string
	handles *kernel.Handles
	indexes *indexes

	mu      sync.Mutex
	known   map[string]bool   // namespaces there are; nil before the first look
	routers map[string]*ports // by namespace

	ensured, swept *fabric.Fabric // whose namespaces are all there, and no others
}

// New prepares the folder of namespaces below run. Namespaces that are in it stay as they are.
func New(run string) (*Driver, error) {
	if err := kernel.MountDir(kernel.Dir(run)); err != nil {
		return nil, fmt.Errorf("netns: %w", err)
	}
	return &Driver{run: run, handles: new(kernel.Handles), indexes: new(indexes), routers: map[string]*ports{}}, nil
}

// Handles are the driver's netlink handles, for other drivers of the same namespaces: the driver closes those of
// namespaces it deletes.
func (d *Driver) Handles() *kernel.Handles { return d.handles }

// Index is the kernel's number of an interface in a router or gateway, named by its namespace; false while it is not
// there, or not complete.
func (d *Driver) Index(ns, device string) (int, bool) { return d.indexes.get(ns, device) }

// Changes is how often the numbers of the interfaces of a namespace have changed.
func (d *Driver) Changes(ns string) uint64 { return d.indexes.changes(ns) }

// Forget makes the driver look at the router of a VPC again before it changes it next.
func (d *Driver) Forget(scope string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.routers, scope)
}

// Close closes the driver's netlink sockets. What it made stays.
func (d *Driver) Close() { d.handles.Close() }

// Ensure makes all namespaces of the fabric that are missing.
func (d *Driver) Ensure(ctx context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.look(); err != nil || sameNamespaces(d.ensured, f) {
		return err
	}
	var errs []error
	for name, k := range namespaces(f) {
		if d.known[name] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		create := kernel.Create
		if k == host {
			create = kernel.CreateOwned
		}
		if _, err := create(kernel.Path(d.run, name), sysctls(k)); err != nil {
			errs = append(errs, fmt.Errorf("netns: ensure %s: %w", name, err))
			continue
		}
		d.known[name] = true
	}
	if len(errs) == 0 {
		d.ensured = f
	}
	return errors.Join(errs...)
}

// look learns which namespaces there are, once. Files without a namespace are not counted, so they are made again.
func (d *Driver) look() error {
	if d.known != nil {
		return nil
	}
	names, err := kernel.List(kernel.Dir(d.run))
	if err != nil {
		return fmt.Errorf("netns: %w", err)
	}
	d.known = make(map[string]bool, len(names))
	for _, n := range names {
		d.known[n] = kernel.Exists(kernel.Path(d.run, n))
	}
	return nil
}

// ApplyVPC makes the cables and addresses of a VPC's router as wanted: those that are missing are made, those that
// are not wanted are deleted. Namespaces must exist (see Ensure).
func (d *Driver) ApplyVPC(ctx context.Context, v *fabric.VPC) error {
	elsewhere := farPeerings(v)
	errs := []error{d.applyRouter(ctx, v, elsewhere)}
	for near, cables := range elsewhere {
		errs = append(errs, d.layFor(ctx, string(near), string(v.ID), cables))
	}
	return errors.Join(errs...)
}

func (d *Driver) applyRouter(ctx context.Context, v *fabric.VPC, elsewhere map[world.VPCID][]cable) error {
	p := d.router(string(v.ID))
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.open()
	if err == nil && p.laid != nil && sameBesidePorts(p.laid, v) {
		err = p.relay(ctx, v)
	} else if err == nil {
		want, far := vpcCables(v), map[string]bool{}
		for _, cables := range elsewhere {
			for _, c := range cables {
				far[c.peerDevice] = true
			}
		}
		err = errors.Join(p.removeExcept(want, far), p.setAddrs(routerAddrs(v)), p.lay(ctx, want))
	}
	p.laid = v
	return p.done("apply "+string(v.ID), err)
}

// ApplyGateway makes the cables of a gateway's namespace as wanted. Those to VPCs and endpoints it has nothing to do with
// any more are deleted with their scopes.
func (d *Driver) ApplyGateway(ctx context.Context, g *fabric.Gateway) error {
	var errs []error
	for near, cables := range gatewayCables(g) {
		errs = append(errs, d.layFor(ctx, near, string(g.ID), cables))
	}
	if g.Balancer != nil {
		errs = append(errs, d.answerAt(string(g.ID), kernel.Probers))
	}
	return errors.Join(errs...)
}

// ApplyNAT makes the cable of a NAT gateway's namespace.
func (d *Driver) ApplyNAT(ctx context.Context, n *fabric.NAT) error {
	if len(n.Port.Addrs) == 0 {
		return nil
	}
	return d.layFor(ctx, string(n.VPC), string(n.ID), []cable{gatewayPortCable(string(n.ID), nat, &n.Port)})
}

// ApplyEndpoint makes the cables of an endpoint's namespace: to its VPC's router, and its links to gateways.
func (d *Driver) ApplyEndpoint(ctx context.Context, e *fabric.Endpoint) error {
	err := errors.Join(d.layFor(ctx, string(e.VPC), string(e.ID), endpointCables(e)), d.layLinks(ctx, e))
	if err == nil && e.Range.IsValid() {
		err = d.answerAt(string(e.ID), e.Range)
	}
	return err
}

// ApplyPublic makes the uplinks of all VPCs that have one. Those of others are deleted with the VPC's scope.
func (d *Driver) ApplyPublic(ctx context.Context, u *fabric.Public) error {
	errs := []error{d.answerAt(kernel.PublicNamespace, world.ServiceAddresses)}
	for _, l := range u.Uplinks {
		errs = append(errs, d.layFor(ctx, string(l.VPC), kernel.PublicNamespace, []cable{uplinkCable(l.VPC)}))
	}
	return errors.Join(errs...)
}

// answerAt makes a range of addresses those of a namespace itself: what is for one of them goes no further.
func (d *Driver) answerAt(ns string, p netip.Prefix) error {
	h, err := d.handles.Get(kernel.Path(d.run, ns))
	if err == nil { // a loopback interface has all addresses of its network
		err = h.AddrReplace(loopback(), address(netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits())))
	}
	if err != nil {
		return fmt.Errorf("netns: %s in %s: %w", p, ns, err)
	}
	return nil
}

// layFor makes the cables of a router, or of an endpoint, to a peer those given.
func (d *Driver) layFor(ctx context.Context, near, peer string, cables []cable) error {
	want := make(map[string]cable, len(cables))
	for _, c := range cables {
		want[c.device] = c
	}
	p := d.router(near)
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.open()
	if err == nil {
		err = errors.Join(p.removeOf(peer, want), p.lay(ctx, want))
	}
	return p.done(fmt.Sprintf("apply %s at %s", peer, near), err)
}

func (d *Driver) router(name string) *ports {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, ok := d.routers[name]
	if !ok {
		p = &ports{run: d.run, name: name, handles: d.handles, indexes: d.indexes}
		d.routers[name] = p
	}
	return p
}

// Sweep deletes the namespaces that the fabric lacks, with all interfaces in them.
func (d *Driver) Sweep(ctx context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.look(); err != nil || sameNamespaces(d.swept, f) {
		return err
	}
	d.swept = f
	wanted := 0
	for name := range namespaces(f) {
		if _, ok := d.known[name]; ok {
			wanted++
		}
	}
	if wanted == len(d.known) {
		return nil
	}
	want := maps.Collect(namespaces(f))
	var gone []string
	for name := range d.known {
		if want[name] == 0 {
			gone = append(gone, name)
		}
	}
	err := d.removeAll(ctx, gone)
	if err != nil {
		d.swept = nil
	}
	return err
}

// Down deletes everything: all namespaces in the folder, and the folder. It needs to know nothing, so a fresh process
// can do it, whatever state the folder is in.
func (d *Driver) Down(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	names, err := kernel.List(kernel.Dir(d.run))
	if err != nil {
		return fmt.Errorf("netns: %w", err)
	}
	d.ensured, d.swept = nil, nil
	err = d.removeAll(ctx, names)
	d.handles.Close()
	if err != nil {
		return err
	}
	if err := kernel.UnmountDir(kernel.Dir(d.run)); err != nil {
		return fmt.Errorf("netns: down: %w", err)
	}
	return nil
}

// removeAll deletes namespaces, routers first: with them go the interfaces of all others, together.
func (d *Driver) removeAll(ctx context.Context, names []string) error {
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	var errs []error
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, d.remove(name))
	}
	return errors.Join(errs...)
}

func rank(name string) int {
	if strings.HasPrefix(name, "vpc-") {
		return 0
	}
	return 1
}

// remove deletes a namespace. Its interfaces go first, since somebody may still be in it.
func (d *Driver) remove(name string) error {
	d.ensured = nil
	path := kernel.Path(d.run, name)
	var emptied error
	if kernel.Exists(path) {
		emptied = removeLinks(path)
	}
	d.handles.Drop(path)
	d.indexes.drop(name)
	delete(d.routers, name)
	if err := kernel.Delete(path); err != nil {
		return errors.Join(emptied, fmt.Errorf("netns: remove %s: %w", name, err))
	}
	delete(d.known, name)
	if emptied != nil {
		return fmt.Errorf("netns: empty %s: %w", name, emptied)
	}
	return nil
}
