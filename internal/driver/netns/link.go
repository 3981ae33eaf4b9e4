package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

func device(name string, index int) netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: name, Index: index}}
}

func loopback() netlink.Link { return device("lo", 1) }

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func address(p netip.Prefix) *netlink.Addr { return &netlink.Addr{IPNet: ipNet(p)} }

// trimAddrs removes the addresses that are not wanted.
func trimAddrs(h *netlink.Handle, link netlink.Link, want []netip.Prefix) error {
	have, err := h.AddrList(link, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range have {
		addr, _ := netip.AddrFromSlice(a.IP)
		bits, _ := a.Mask.Size()
		if slices.Contains(want, netip.PrefixFrom(addr.Unmap(), bits)) {
			continue
		}
		if err := h.AddrDel(link, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("delete address %s: %w", a.IPNet, err)
		}
	}
	return nil
}

// setNeighbours makes permanent entries, which no packet can change.
func setNeighbours(h *netlink.Handle, index int, want []neighbour) error {
	for _, n := range want {
		mac, err := net.ParseMAC(n.mac)
		if err != nil {
			return fmt.Errorf("neighbour %s: %w", n.addr, err)
		}
		if err := h.NeighSet(&netlink.Neigh{
			LinkIndex: index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT, IP: n.addr.AsSlice(), HardwareAddr: mac,
		}); err != nil {
			return fmt.Errorf("neighbour %s: %w", n.addr, err)
		}
	}
	return nil
}

// sourceTable plus its number is the routing table, and the priority of the rules, of an instance's interface: what is
// sent from its addresses leaves by it, also to the subnet of another one.
const sourceTable = 10000

// setDefault makes the router of its subnet the default route of an instance's interface.
func setDefault(h *netlink.Handle, e end) error {
	n, err := strconv.Atoi(strings.TrimPrefix(e.peerDevice, "eth"))
	if err != nil {
		return fmt.Errorf("interface number: %w", err)
	}
	tables := []int{sourceTable + n}
	if n == 0 {
		tables = append(tables, unix.RT_TABLE_MAIN)
	}
	for _, table := range tables {
		if err := h.RouteReplace(&netlink.Route{LinkIndex: e.peerIndex, Gw: e.router.AsSlice(), Table: table}); err != nil {
			return fmt.Errorf("default route: %w", err)
		}
	}
	return setSourceRules(h, e, sourceTable+n)
}

// setSourceRules makes the rules that lead packets from the interface's addresses to its table.
func setSourceRules(h *netlink.Handle, e end, table int) error {
	have, err := h.RuleList(netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	for _, r := range have {
		if r.Priority == table {
			if err := h.RuleDel(&r); err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("delete rule: %w", err)
			}
		}
	}
	for _, a := range e.addrs {
		r := netlink.NewRule()
		r.Family, r.Priority, r.Table, r.Src = netlink.FAMILY_V4, table, table, ipNet(single(a.Addr()))
		if err := h.RuleAdd(r); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add rule from %s: %w", a.Addr(), err)
		}
	}
	return nil
}

// doomed is the group interfaces are put into to be deleted together: the kernel waits until nobody uses an interface,
// some milliseconds for one and hardly more for hundreds. It is no group anybody uses.
const doomed = 0x6b756d69

// deleteLinks deletes links of the namespace at path, which h is the handle of, by name. Those that are not there are
// none to delete.
func deleteLinks(path string, h *netlink.Handle, names []string) error {
	var links []netlink.Link
	for _, name := range names {
		l, err := h.LinkByName(name)
		if errors.As(err, new(netlink.LinkNotFoundError)) {
			continue
		}
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		links = append(links, l)
	}
	return deleteAll(path, h, links)
}

// deleteAll deletes links of the namespace at path, together.
func deleteAll(path string, h *netlink.Handle, links []netlink.Link) error {
	if len(links) == 0 {
		return nil
	}
	if len(links) == 1 {
		if err := h.LinkDel(links[0]); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("delete %s: %w", links[0].Attrs().Name, err)
		}
		return nil
	}
	for _, l := range links {
		if err := h.LinkSetGroup(l, doomed); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("group %s: %w", l.Attrs().Name, err)
		}
	}
	return kernel.In(path, deleteGroup)
}

// deleteGroup deletes the doomed interfaces of the calling thread's namespace.
func deleteGroup() error {
	req := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(doomed)))
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete interfaces: %w", err)
	}
	return nil
}

// removeLinks deletes all cables in the namespace at path, and the hole. Other interfaces, which root in an instance
// may have made, end with the namespace.
func removeLinks(path string) error {
	h, err := kernel.NewHandle(path)
	if err != nil {
		return err
	}
	defer h.Close()
	all, err := list(h)
	if err != nil {
		return err
	}
	var cables []netlink.Link
	for _, l := range all {
		if l.Type() == "veth" && l.Attrs().Name != holeBottom { // the bottom goes with the hole
			cables = append(cables, l)
		}
	}
	return deleteAll(path, h, cables)
}
