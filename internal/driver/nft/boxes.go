package nft

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// span is an inclusive range of small numbers: ports, protocols or ICMP codes.
type span struct{ from, to uint16 }

// box is a set of packets that a rule allows: a peer range, a class (a protocol or an ICMP type) and a span within it.
type box struct {
	peer  netip.Prefix
	class uint8
	span  span
}

// disjoint cuts the boxes so that none overlap, without changing their union: interval sets do not hold elements that
// overlap. Ranges of addresses are nested or apart, so a box loses what boxes of wider ranges cover. The result is
// sorted and does not depend on the order of the boxes.
func disjoint(boxes []box) []box {
	type key struct {
		peer  netip.Prefix
		class uint8
	}
	spans := make(map[key][]span, len(boxes))
	var lengths [129]bool // of the prefixes there are
	for _, b := range boxes {
		k := key{b.peer.Masked(), b.class}
		spans[k] = append(spans[k], b.span)
		lengths[b.peer.Bits()] = true
	}
	for k, s := range spans {
		if len(s) > 1 {
			spans[k] = merge(s)
		}
	}
	keys := slices.SortedFunc(maps.Keys(spans), func(a, b key) int {
		return cmp.Or(a.peer.Compare(b.peer), cmp.Compare(a.class, b.class))
	})
	out := make([]box, 0, len(boxes))
	for _, k := range keys {
		rest := spans[k]
		for bits := range k.peer.Bits() {
			if !lengths[bits] {
				continue
			}
			if covered := spans[key{netip.PrefixFrom(k.peer.Addr(), bits).Masked(), k.class}]; covered != nil {
				rest = subtract(rest, covered)
			}
		}
		for _, s := range rest {
			out = append(out, box{k.peer, k.class, s})
		}
	}
	return out
}

// merge joins spans that overlap or touch, in place of the slice given.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && uint32(s.from) <= uint32(out[n-1].to)+1 {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// subtract takes the sorted spans off the sorted spans from.
func subtract(from, spans []span) []span {
	var out []span
	for _, f := range from {
		left := true
		for _, s := range spans {
			if s.to < f.from || s.from > f.to {
				continue
			}
			if s.from > f.from {
				out = append(out, span{f.from, s.from - 1})
			}
			if left = s.to < f.to; !left {
				break
			}
			f.from = s.to + 1
		}
		if left {
			out = append(out, f)
		}
	}
	return out
}

// groupBoxes are what the rules of one direction of a group allow to address ranges of a family, by kind of set.
type groupBoxes struct{ protocols, ports, icmp []box }

// boxesOf sorts the CIDR rules into the kinds of sets.
func boxesOf(rules []rule, f nft.Family) groupBoxes {
	var b groupBoxes
	for _, r := range rules {
		for _, peer := range r.CIDRs {
			if family(peer.Addr()) != f {
				continue
			}
			switch {
			case r.Protocol == world.AnyProtocol:
				b.protocols = append(b.protocols, box{peer, 0, span{0, 255}})
			case r.Protocol.HasPorts():
				b.ports = append(b.ports, box{peer, uint8(r.Protocol), span{r.Ports.From, r.Ports.To}})
			case isICMP(r.Protocol) && r.ICMP.Type < 0 && r.ICMP.Code < 0, !isICMP(r.Protocol):
				b.protocols = append(b.protocols, box{peer, 0, span{uint16(r.Protocol), uint16(r.Protocol)}})
			case r.Protocol == icmpOf(f):
				b.icmp = append(b.icmp, icmpBoxes(peer, r.ICMP)...)
			}
		}
	}
	return groupBoxes{disjoint(b.protocols), disjoint(b.ports), disjoint(b.icmp)}
}

// icmpBoxes is one box for each type that the match allows.
func icmpBoxes(peer netip.Prefix, m world.ICMPMatch) []box {
	codes := span{0, 255}
	if m.Code >= 0 {
		codes = span{uint16(m.Code), uint16(m.Code)}
	}
	if m.Type >= 0 {
		return []box{{peer, uint8(m.Type), codes}}
	}
	var out []box
	for t := range 256 {
		out = append(out, box{peer, uint8(t), codes})
	}
	return out
}

func isICMP(p world.Protocol) bool { return p == world.ICMP || p == world.ICMPv6 }

func icmpOf(f nft.Family) world.Protocol {
	if f == nft.IPv6 {
		return world.ICMPv6
	}
	return world.ICMP
}

func family(a netip.Addr) nft.Family {
	if a.Is4() {
		return nft.IPv4
	}
	return nft.IPv6
}
