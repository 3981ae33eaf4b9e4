package netns

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"kumiko/internal/kernel"
)

// end is a cable that exists, with the indexes of its ends.
type end struct {
	cable
	fresh                bool // just made
	nearIndex, peerIndex int
}

// connect finds the cable or makes it: both ends straight into their namespaces, in one message. Both are down.
func (p *ports) connect(c cable) (end, error) {
	_, mine := p.cables[c.device]
	_, found := p.found[c.device]
	if !mine && !found {
		if err := p.addVeth(c); err != nil {
			return end{}, fmt.Errorf("add %s to %s: %w", c.device, c.peer, err)
		}
	}
	l, err := p.h.LinkByName(c.device)
	if err != nil {
		return end{}, fmt.Errorf("find %s: %w", c.device, err)
	}
	return end{cable: c, fresh: !mine && !found, nearIndex: l.Attrs().Index, peerIndex: l.Attrs().ParentIndex}, nil
}

func (p *ports) addVeth(c cable) error {
	mac, err := net.ParseMAC(c.mac)
	if err != nil {
		return err
	}
	peerMAC, err := net.ParseMAC(c.peerMAC)
	if err != nil {
		return err
	}
	ns, err := kernel.Open(kernel.Path(p.run, c.peer))
	if err != nil {
		return err
	}
	defer ns.Close()
	// One queue: a veth needs no more, and would take as many as there are processors.
	return p.h.LinkAdd(&netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: c.device, HardwareAddr: mac, MTU: c.mtu, TxQLen: -1, NumTxQueues: 1, NumRxQueues: 1},
		PeerName:  c.peerDevice, PeerHardwareAddr: peerMAC, PeerMTU: uint32(c.mtu), PeerTxQLen: -1,
		PeerNamespace: netlink.NsFd(int(ns.Fd())),
	})
}

// quicken lets the fresh near ends that answer ARP requests for others do it without the usual random delay. From NAT
// gateways come back, translated, what the router itself had to say of packets that were too large.
// (Linux kernel, ip-sysctl.rst, proxy_delay and accept_local.)
func (p *ports) quicken(made []end) error {
	var set []kernel.Sysctl
	for _, e := range made {
		if e.fresh && e.peerKind == nat {
			set = append(set, kernel.Sysctl{Name: "ipv4/conf/" + e.device + "/accept_local", Value: "1"})
		}
		if e.fresh && e.answers {
			set = append(set, kernel.Sysctl{Name: "ipv4/neigh/" + e.device + "/proxy_delay", Value: "0"})
		}
	}
	if len(set) == 0 {
		return nil
	}
	return kernel.SetSysctls(p.path(), set)
}

// finish sets both ends, the far one first, and marks the cable as complete.
func (p *ports) finish(e end) error {
	far := kernel.Path(p.run, e.peer)
	if e.peerKind == host { // there may be thousands, and they are rarely needed again
		defer p.handles.Drop(far)
	}
	if err := p.setFar(e); err != nil {
		return fmt.Errorf("set %s in %s: %w", e.peerDevice, e.peer, err)
	}
	near := device(e.device, e.nearIndex)
	if err := setNeighbours(p.h, e.nearIndex, e.near); err != nil {
		return fmt.Errorf("set %s: %w", e.device, err)
	}
	if err := p.h.LinkSetUp(near); err != nil {
		return fmt.Errorf("set %s up: %w", e.device, err)
	}
	if err := p.awake(e, far); err != nil {
		return fmt.Errorf("wake %s: %w", e.device, err)
	}
	if err := p.h.LinkSetAlias(near, e.digest()); err != nil {
		return fmt.Errorf("mark %s: %w", e.device, err)
	}
	return nil
}

// awake asks for the state of both ends, which makes the kernel begin to send on a cable that has just come up. Left to
// itself it does so some time later, and drops what is sent until then: the first ARP request, to be repeated after a
// second. (Linux, rtnl_getlink calling linkwatch_sync_dev, since 6.8; older kernels are merely asked.)
func (p *ports) awake(e end, far string) error {
	h, err := p.handles.Get(far)
	if err != nil {
		return err
	}
	if _, err := h.LinkByIndex(e.peerIndex); err != nil {
		return err
	}
	_, err = p.h.LinkByIndex(e.nearIndex)
	return err
}

// setFar gives the far end its addresses, neighbours and default route.
func (p *ports) setFar(e end) error {
	path := kernel.Path(p.run, e.peer)
	h, err := p.handles.Get(path)
	if err != nil {
		return err
	}
	link := device(e.peerDevice, e.peerIndex)
	if !e.fresh {
		if err := trimAddrs(h, link, e.addrs); err != nil {
			return err
		}
	}
	for _, a := range e.addrs {
		if err := h.AddrReplace(link, address(a)); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if err := setNeighbours(h, e.peerIndex, e.beyond); err != nil {
		return err
	}
	if e.router.IsValid() {
		return setDefault(h, e)
	}
	return nil
}
