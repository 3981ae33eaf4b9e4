package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// Actions of rules that the netlink library has no name for. (linux/fib_rules.h.)
const (
	actionNop       = 3
	actionBlackhole = 6
)

// observe reads back our routes and rules.
func observe(h *netlink.Handle) (tables, error) {
	const tries = 5
	var err error
	for range tries {
		var t tables
		if t, err = observeOnce(h); !errors.Is(err, netlink.ErrDumpInterrupted) {
			return t, err
		}
	}
	return tables{}, err
}

func observeOnce(h *netlink.Handle) (tables, error) {
	t := newTables()
	filter := &netlink.Route{Table: unix.RT_TABLE_UNSPEC, Protocol: kernel.RouteProtocol}
	routes, err := h.RouteListFiltered(netlink.FAMILY_V4, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return t, fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		to := hop{index: r.LinkIndex}
		if via, ok := netip.AddrFromSlice(r.Gw); ok {
			to.via = via.Unmap()
		}
		t.routes[destination{r.Table, prefix(r.Dst)}] = to
	}
	rules, err := h.RuleList(netlink.FAMILY_V4)
	if err != nil {
		return t, fmt.Errorf("list rules: %w", err)
	}
	for _, r := range rules {
		if r.Protocol == kernel.RouteProtocol {
			t.rules[r.Priority] = seen(r)
		}
	}
	return t, nil
}

// seen is a rule as read back. The library does not tell the actions apart that have no operand; the priority does.
func seen(r netlink.Rule) rule {
	out := rule{table: max(r.Table, 0), mark: r.Mark, in: r.IifName, jump: max(r.Goto, 0)}
	if r.Mask != nil {
		out.mask = *r.Mask
	}
	if r.Dst != nil {
		out.dst = prefix(r.Dst)
	}
	if r.Src != nil {
		out.src = prefix(r.Src)
	}
	switch r.Priority {
	case prefOwn, prefNoEgress, prefNoReply:
		out.refuse = true
	case prefReplies:
		out.resume = true
	}
	return out
}

func replaceRoute(h *netlink.Handle, at destination, to hop) error {
	if err := h.RouteReplace(message(at, to)); err != nil {
		return fmt.Errorf("route %s in table %d: %w", at.prefix, at.table, err)
	}
	return nil
}

// deleteRoute deletes a route. It is gone already when its interface is.
func deleteRoute(h *netlink.Handle, at destination, to hop) error {
	err := h.RouteDel(message(at, to))
	if err != nil && !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete route %s in table %d: %w", at.prefix, at.table, err)
	}
	return nil
}

func message(at destination, to hop) *netlink.Route {
	r := &netlink.Route{
		LinkIndex: to.index, Dst: ipNet(at.prefix), Table: at.table, Protocol: kernel.RouteProtocol, Scope: netlink.SCOPE_LINK,
	}
	if to.via.IsValid() {
		r.Gw, r.Scope = to.via.AsSlice(), netlink.SCOPE_UNIVERSE
		r.SetFlag(netlink.FLAG_ONLINK)
	}
	return r
}

func addRule(h *netlink.Handle, pref int, r rule) error {
	if err := h.RuleAdd(ruleMessage(pref, r)); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("rule %d: %w", pref, err)
	}
	return nil
}

func deleteRule(h *netlink.Handle, pref int, r rule) error {
	if err := h.RuleDel(ruleMessage(pref, r)); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("delete rule %d: %w", pref, err)
	}
	return nil
}

func ruleMessage(pref int, r rule) *netlink.Rule {
	m := netlink.NewRule()
	m.Family, m.Priority, m.Protocol, m.IifName = netlink.FAMILY_V4, pref, kernel.RouteProtocol, r.in
	m.Table, m.Mark = r.table, r.mark
	if r.mask != 0 {
		m.Mask = &r.mask
	}
	if r.dst.IsValid() {
		m.Dst = ipNet(r.dst)
	}
	if r.src.IsValid() {
		m.Src = ipNet(r.src)
	}
	switch {
	case r.jump != 0:
		m.Goto = r.jump
		m.Type = nl.FR_ACT_GOTO
	case r.refuse:
		m.Type = actionBlackhole
	case r.resume:
		m.Type = actionNop
	}
	return m
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func prefix(n *net.IPNet) netip.Prefix {
	if n == nil {
		return everywhere
	}
	a, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), bits)
}
