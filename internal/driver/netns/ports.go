package netns

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// ports is what is known of a router's interfaces.
type ports struct {
	run, name string
	handles   *kernel.Handles
	indexes   *indexes

	mu     sync.Mutex
	h      *netlink.Handle     // of the namespace the rest speaks of; nil: nothing is known
	cables map[string]cable    // by device, as made by this process
	found  map[string]foundEnd // by device, made by an earlier process and not yet compared with what is wanted
	addrs  map[netip.Addr]bool
	laid   *fabric.VPC // whose cables and addresses are all there
}

// foundEnd is a cable's near end that an earlier process made.
type foundEnd struct {
	index  int
	peer   int // index of the far end
	peerNS int // namespace id of the far end, as seen from here
	alias  string
	mac    string
	mtu    int
	up     bool
}

// path is the file of the router's namespace.
func (p *ports) path() string { return kernel.Path(p.run, p.name) }

// open gets the handle of the router's namespace, and looks around when it is new.
func (p *ports) open() error {
	h, err := p.handles.Get(p.path())
	if err != nil {
		return err
	}
	if h == p.h {
		return nil
	}
	p.h, p.laid = nil, nil
	if err := p.observe(h); err != nil {
		return err
	}
	p.h = h
	return nil
}

// done ends an operation. After an error nothing is known any more: the next one looks again.
func (p *ports) done(op string, err error) error {
	if err == nil {
		return nil
	}
	p.h, p.laid = nil, nil
	return fmt.Errorf("netns: %s: %w", op, err)
}

// observe learns what an earlier process made, and makes the hole if need be.
func (p *ports) observe(h *netlink.Handle) error {
	p.cables, p.found, p.addrs = map[string]cable{}, map[string]foundEnd{}, map[netip.Addr]bool{}
	links, err := list(h)
	if err != nil {
		return err
	}
	hole := false
	for _, l := range links {
		a := l.Attrs()
		switch {
		case a.RawFlags&unix.IFF_LOOPBACK != 0, a.Name == holeBottom:
		case a.Name == kernel.HoleDevice:
			hole = a.RawFlags&unix.IFF_UP != 0
			p.indexes.set(p.name, a.Name, a.Index)
		default:
			p.found[a.Name] = foundEnd{
				index: a.Index, peer: a.ParentIndex, peerNS: a.NetNsID, alias: a.Alias,
				mac: a.HardwareAddr.String(), mtu: a.MTU, up: a.RawFlags&unix.IFF_UP != 0,
			}
		}
	}
	if !hole {
		index, err := digHole(h)
		if err != nil {
			return err
		}
		p.indexes.set(p.name, kernel.HoleDevice, index)
	}
	addrs, err := h.AddrList(loopback(), netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addrs {
		if addr, ok := netip.AddrFromSlice(a.IP); ok && !addr.Unmap().IsLoopback() {
			p.addrs[addr.Unmap()] = true
		}
	}
	return nil
}

// list dumps the links, again when they changed meanwhile.
func list(h *netlink.Handle) ([]netlink.Link, error) {
	const tries = 5
	var err error
	for range tries {
		var links []netlink.Link
		if links, err = h.LinkList(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			if err != nil {
				return nil, fmt.Errorf("list links: %w", err)
			}
			return links, nil
		}
	}
	return nil, fmt.Errorf("list links: %w", err)
}

// holeMTU is larger than any packet, so that the hole swallows all and reports none as too big: the most a veth can
// have. (Linux kernel, drivers/net/veth.c, ETH_MAX_MTU.)
const holeMTU = 65535

// holeBottom is the other end of the hole. It stays down, so that what is sent into the hole is dropped.
const holeBottom = kernel.HoleDevice + "b"

// digHole makes the interface for what goes nowhere, and returns its index. A veth is what every kernel has that can
// run the rest; the dummy driver is often missing.
func digHole(h *netlink.Handle) (int, error) {
	hole := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: kernel.HoleDevice, MTU: holeMTU, TxQLen: -1, NumTxQueues: 1, NumRxQueues: 1},
		PeerName:  holeBottom, PeerMTU: holeMTU, PeerTxQLen: -1,
	}
	if err := h.LinkAdd(hole); err != nil && !errors.Is(err, unix.EEXIST) {
		return 0, fmt.Errorf("add %s: %w", kernel.HoleDevice, err)
	}
	l, err := h.LinkByName(kernel.HoleDevice)
	if err != nil {
		return 0, fmt.Errorf("find %s: %w", kernel.HoleDevice, err)
	}
	if err := h.LinkSetARPOff(l); err != nil {
		return 0, fmt.Errorf("set %s arp off: %w", kernel.HoleDevice, err)
	}
	if err := h.LinkSetUp(l); err != nil {
		return 0, fmt.Errorf("set %s up: %w", kernel.HoleDevice, err)
	}
	return l.Attrs().Index, nil
}

// setAddrs makes the router's own addresses those wanted; they are at its loopback interface.
func (p *ports) setAddrs(want map[netip.Addr]bool) error {
	for a := range want {
		if p.addrs[a] {
			continue
		}
		if err := p.h.AddrReplace(loopback(), address(single(a))); err != nil {
			return fmt.Errorf("add %s to lo: %w", a, err)
		}
		p.addrs[a] = true
	}
	for a := range p.addrs {
		if want[a] {
			continue
		}
		if err := p.h.AddrDel(loopback(), address(single(a))); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("delete %s from lo: %w", a, err)
		}
		delete(p.addrs, a)
	}
	return nil
}

// removeExcept deletes the cables that are not wanted, or wanted otherwise. The far ends are of cables that are wanted
// and belong to other routers.
func (p *ports) removeExcept(want map[string]cable, far map[string]bool) error {
	var gone []string
	for device := range p.cables {
		if _, ok := want[device]; !ok {
			gone = append(gone, device)
		}
	}
	for device := range p.found {
		if _, ok := want[device]; !ok && !far[device] {
			gone = append(gone, device)
		}
	}
	return errors.Join(p.removeCables(gone), p.removeStale(want))
}

// relay makes the cables of a VPC whose ports only are not those of the VPC before.
func (p *ports) relay(ctx context.Context, v *fabric.VPC) error {
	gone, fresh := fabric.ChangedPorts(p.laid.Ports, v.Ports)
	want := portCables(fresh)
	var devices []string
	for device := range portCables(gone) {
		if _, ok := want[device]; !ok {
			devices = append(devices, device)
		}
	}
	return errors.Join(p.removeCables(devices), p.removeStale(want), p.lay(ctx, want))
}

// removeOf deletes the cables to a peer that are not wanted, or wanted otherwise.
func (p *ports) removeOf(peer string, want map[string]cable) error {
	var gone []string
	for device, c := range p.cables {
		if _, ok := want[device]; !ok && c.peer == peer {
			gone = append(gone, device)
		}
	}
	return errors.Join(p.removeCables(gone), p.removeStale(want))
}

// removeStale deletes the cables that are wanted otherwise, and takes over those an earlier process made.
func (p *ports) removeStale(want map[string]cable) error {
	var stale []string
	for device, w := range want {
		if c, ok := p.cables[device]; ok && c.wire != w.wire {
			stale = append(stale, device)
		}
		f, ok := p.found[device]
		if !ok {
			continue
		}
		fits, err := p.fits(f, w)
		if err != nil {
			return err
		}
		if !fits {
			stale = append(stale, device)
		} else if f.alias == w.digest() {
			p.has(w, f.index, f.peer)
		}
	}
	return p.removeCables(stale)
}

// fits tells whether a cable an earlier process made is the wire that is wanted.
func (p *ports) fits(f foundEnd, w cable) (bool, error) {
	if !f.up || f.mac != w.mac || f.mtu != w.mtu || !sameWire(f.alias, w.digest()) {
		return false, nil
	}
	file, err := kernel.Open(kernel.Path(p.run, w.peer))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	id, err := p.h.GetNetNsIdByFd(int(file.Fd()))
	if err != nil {
		return false, fmt.Errorf("namespace id of %s: %w", w.peer, err)
	}
	return id >= 0 && id == f.peerNS, nil
}

// removeCables deletes near ends; the far ends go with them.
func (p *ports) removeCables(devices []string) error {
	if err := deleteLinks(p.path(), p.h, devices); err != nil {
		return err
	}
	for _, device := range devices {
		if c, ok := p.cables[device]; ok {
			p.indexes.unset(c.peer, c.peerDevice)
		}
		p.indexes.unset(p.name, device)
		delete(p.cables, device)
		delete(p.found, device)
	}
	return nil
}

// lay makes the wanted cables that are missing, and sets the ends of those that differ. One that cannot be made does
// not keep others from being made.
func (p *ports) lay(ctx context.Context, want map[string]cable) error {
	var made []end
	var errs []error
	for device, w := range want {
		c, ok := p.cables[device]
		if ok && c.equal(w) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
		e, err := p.connect(w)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		made = append(made, e)
	}
	if err := p.quicken(made); err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, e := range made {
		if err := p.finish(e); err != nil {
			errs = append(errs, err)
			continue
		}
		p.has(e.cable, e.nearIndex, e.peerIndex)
	}
	return errors.Join(errs...)
}

// has notes that a cable is as wanted.
func (p *ports) has(c cable, near, far int) {
	p.cables[c.device] = c
	delete(p.found, c.device)
	p.indexes.set(p.name, c.device, near)
	if c.peerKind != host {
		p.indexes.set(c.peer, c.peerDevice, far)
	}
}
