package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Bare is a set of namespaces without kumiko: what the kernel alone does is measured in them.
type Bare struct {
	run   string
	names []string
}

// NewBare prepares an empty set.
func NewBare() (*Bare, error) {
	run, err := os.MkdirTemp("", "kumiko-bare-")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if err := kernel.MountDir(kernel.Dir(run)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(run))
	}
	return &Bare{run: run}, nil
}

// Close removes the namespaces, and their cables with them.
func (b *Bare) Close() error {
	var errs []error
	for _, n := range b.names {
		errs = append(errs, kernel.Delete(b.Namespace(n)))
	}
	return errors.Join(append(errs, kernel.UnmountDir(kernel.Dir(b.run)), os.RemoveAll(b.run))...)
}

// Namespace is the file of a namespace of the set.
func (b *Bare) Namespace(name string) string { return kernel.Path(b.run, name) }

// Add makes a namespace.
func (b *Bare) Add(name string, sysctls ...kernel.Sysctl) error {
	if _, err := kernel.Create(b.Namespace(name), sysctls); err != nil {
		return err
	}
	b.names = append(b.names, name)
	return nil
}

// Router makes a namespace that forwards.
func (b *Bare) Router(name string) error {
	return b.Add(name, kernel.Sysctl{Name: "ipv4/ip_forward", Value: "1"})
}

// Cable joins two namespaces by a veth pair of kumiko's MTU; each end is named after the other namespace.
func (b *Bare) Cable(from, to string, fromAddr, toAddr netip.Prefix) error {
	h, err := kernel.NewHandle(b.Namespace(from))
	if err != nil {
		return err
	}
	defer h.Close()
	ns, err := kernel.Open(b.Namespace(to))
	if err != nil {
		return err
	}
	defer ns.Close()
	far, err := kernel.NewHandle(b.Namespace(to))
	if err != nil {
		return err
	}
	defer far.Close()
	if err := h.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: to, MTU: fabric.MTU, TxQLen: -1, NumTxQueues: 1, NumRxQueues: 1},
		PeerName:  from, PeerMTU: fabric.MTU, PeerTxQLen: -1, PeerNamespace: netlink.NsFd(int(ns.Fd())),
	}); err != nil {
		return fmt.Errorf("lab: cable %s–%s: %w", from, to, err)
	}
	return errors.Join(raise(h, to, fromAddr), raise(far, from, toAddr))
}

// raise gives a link an address and brings it up.
func raise(h *netlink.Handle, name string, a netip.Prefix) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("lab: %s: %w", name, err)
	}
	addr, err := netlink.ParseAddr(a.String())
	if err != nil {
		return err
	}
	if err := h.AddrAdd(l, addr); err != nil {
		return fmt.Errorf("lab: address of %s: %w", name, err)
	}
	return h.LinkSetUp(l)
}

// Default sets a namespace's default route.
func (b *Bare) Default(name string, via netip.Addr) error {
	return b.Route(name, netip.PrefixFrom(netip.IPv4Unspecified(), 0), via)
}

// Route adds a route to a namespace.
func (b *Bare) Route(name string, to netip.Prefix, via netip.Addr) error {
	h, err := kernel.NewHandle(b.Namespace(name))
	if err != nil {
		return err
	}
	defer h.Close()
	dst, err := netlink.ParseIPNet(to.String())
	if err != nil {
		return err
	}
	if err := h.RouteAdd(&netlink.Route{Dst: dst, Gw: via.AsSlice()}); err != nil {
		return fmt.Errorf("lab: route of %s to %s: %w", name, to, err)
	}
	return nil
}
