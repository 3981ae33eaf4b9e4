package nft

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Selector is something of a packet that can be looked at.
type Selector struct {
	name  string
	typ   Type
	bytes int
	guard string // encoded expressions that must hold for the load to make sense
	load  func(c *code, reg uint32)
}

// Target is something that a rule can assign to.
type Target struct {
	name  string
	store func(c *code, reg uint32)
}

func selector(name string, t Type, load func(c *code, reg uint32)) Selector {
	return Selector{name: name, typ: t, bytes: t.info().bytes, load: load}
}

func meta(name string, t Type, key uint32) Selector {
	return selector(name, t, func(c *code, reg uint32) {
		c.expr("meta", func(a *attrs) {
			a.u32(unix.NFTA_META_KEY, key)
			a.u32(unix.NFTA_META_DREG, reg)
		})
	})
}

// InInterface is the name of the interface the packet came in by.
func InInterface() Selector { return meta("iifname", Interface, unix.NFT_META_IIFNAME) }

// OutInterface is the name of the interface the packet will leave by.
func OutInterface() Selector { return meta("oifname", Interface, unix.NFT_META_OIFNAME) }

// InIndex is the number of the interface the packet came in by.
func InIndex() Selector { return meta("iif", InterfaceIndex, unix.NFT_META_IIF) }

// OutIndex is the number of the interface the packet will leave by.
func OutIndex() Selector { return meta("oif", InterfaceIndex, unix.NFT_META_OIF) }

// RoutedInterface is the name of the interface that the routing tables lead the packet to, by its destination and mark; rules that ask
// for the interface it came in by do not count. For chains before routing.
func RoutedInterface() Selector {
	return selector("fib daddr . mark oifname", Interface, func(c *code, reg uint32) {
		c.expr("fib", func(a *attrs) {
			a.u32(unix.NFTA_FIB_DREG, reg)
			a.u32(unix.NFTA_FIB_RESULT, unix.NFT_FIB_RESULT_OIFNAME)
			a.u32(unix.NFTA_FIB_FLAGS, unix.NFTA_FIB_F_DADDR|unix.NFTA_FIB_F_MARK)
		})
	})
}

// NetworkProtocol is the family of the packet: unix.NFPROTO_IPV4 or NFPROTO_IPV6.
func NetworkProtocol() Selector { return meta("meta nfproto", NetworkFamily, unix.NFT_META_NFPROTO) }

// TransportProtocol is the IP protocol number.
func TransportProtocol() Selector { return meta("meta l4proto", Protocol, unix.NFT_META_L4PROTO) }

// PacketType tells whom the frame was for; see linux/if_packet.h.
func PacketType() Selector { return meta("meta pkttype", FrameType, unix.NFT_META_PKTTYPE) }

// PacketMark is the packet's mark.
func PacketMark() Selector { return meta("meta mark", Mark, unix.NFT_META_MARK) }

// ConnectionMark is the mark of the connection the packet belongs to.
func ConnectionMark() Selector {
	return selector("ct mark", Mark, func(c *code, reg uint32) { c.ct(unix.NFT_CT_MARK, reg) })
}

// ConnectionDirection is 0 for packets from the side that began the connection, 1 for those that answer.
func ConnectionDirection() Selector {
	return selector("ct direction", Direction, func(c *code, reg uint32) { c.ct(unix.NFT_CT_DIRECTION, reg) })
}

// ConnectionLabels is the set of labels that the connection has.
func ConnectionLabels() Selector {
	return selector("ct label", Labels, func(c *code, reg uint32) { c.ct(unix.NFT_CT_LABELS, reg) })
}

func (c *code) ct(key, reg uint32) {
	c.expr("ct", func(a *attrs) {
		a.u32(unix.NFTA_CT_KEY, key)
		a.u32(unix.NFTA_CT_DREG, reg)
	})
}

// Counter is a number that grows by one with each evaluation, modulo n. It must be positive.
func Counter(n int) Selector {
	return selector(fmt.Sprintf("numgen inc mod %d", n), Number, func(c *code, reg uint32) {
		c.expr("numgen", func(a *attrs) {
			a.u32(unix.NFTA_NG_DREG, reg)
			a.u32(unix.NFTA_NG_MODULUS, uint32(n))
			a.u32(unix.NFTA_NG_TYPE, unix.NFT_NG_INCREMENTAL)
			a.u32(unix.NFTA_NG_OFFSET, 0)
		})
	})
}

// Family is an IP version.
type Family uint8

// The families.
const (
	IPv4 Family = unix.NFPROTO_IPV4
	IPv6 Family = unix.NFPROTO_IPV6
)

// Addr is the type of the family's addresses.
func (f Family) Addr() Type {
	if f == IPv6 {
		return Addr6
	}
	return Addr4
}

// Source is the packet's source address; packets of the other family do not match.
func (f Family) Source() Selector {
	if f == IPv6 {
		return f.network("ip6 saddr", 8, 16)
	}
	return f.network("ip saddr", 12, 4)
}

// Destination is the packet's destination address; packets of the other family do not match.
func (f Family) Destination() Selector {
	if f == IPv6 {
		return f.network("ip6 daddr", 24, 16)
	}
	return f.network("ip daddr", 16, 4)
}

func (f Family) network(name string, offset, n uint32) Selector {
	s := selector(name, f.Addr(), payload(unix.NFT_PAYLOAD_NETWORK_HEADER, offset, n))
	s.guard = guardOf(unix.NFT_META_NFPROTO, byte(f))
	return s
}

// guardRegister is the last register: no key here is long enough to reach it.
const guardRegister = unix.NFT_REG32_15

// guardOf encodes the test that a one-byte meta key has the value.
func guardOf(key uint32, value byte) string {
	var c code
	c.expr("meta", func(a *attrs) {
		a.u32(unix.NFTA_META_KEY, key)
		a.u32(unix.NFTA_META_DREG, guardRegister)
	})
	c.expr("cmp", func(a *attrs) {
		a.u32(unix.NFTA_CMP_SREG, guardRegister)
		a.u32(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ)
		a.nest(unix.NFTA_CMP_DATA, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, []byte{value}) })
	})
	return string(c.attrs)
}

func payload(base, offset, n uint32) func(c *code, reg uint32) {
	return func(c *code, reg uint32) {
		c.expr("payload", func(a *attrs) {
			a.u32(unix.NFTA_PAYLOAD_DREG, reg)
			a.u32(unix.NFTA_PAYLOAD_BASE, base)
			a.u32(unix.NFTA_PAYLOAD_OFFSET, offset)
			a.u32(unix.NFTA_PAYLOAD_LEN, n)
		})
	}
}

// transport is a field of the header of one transport protocol; packets of others do not match. Protocol 0: of any.
func transport(name string, t Type, offset, n uint32, protocol byte) Selector {
	s := selector(name, t, payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, offset, n))
	if protocol != 0 {
		s.guard = guardOf(unix.NFT_META_L4PROTO, protocol)
	}
	return s
}

// DestinationPort is the destination port of the protocol (TCP or UDP).
func DestinationPort(protocol uint8) Selector {
	return transport(protocolText(protocol)+" dport", Port, 2, 2, protocol)
}

// AnyDestinationPort is where TCP and UDP have their destination port: use it beside TransportProtocol only.
func AnyDestinationPort() Selector { return transport("th dport", Port, 2, 2, 0) }

// AnySourcePort is where TCP and UDP have their source port: use it beside TransportProtocol only.
func AnySourcePort() Selector { return transport("th sport", Port, 0, 2, 0) }

// ICMPTypeOf is the type field of ICMP in the family.
func ICMPTypeOf(f Family) Selector {
	return transport(f.icmp()+" type", ICMPType, 0, 1, f.icmpNumber())
}

// ICMPCodeOf is the code field of ICMP in the family.
func ICMPCodeOf(f Family) Selector {
	return transport(f.icmp()+" code", ICMPCode, 1, 1, f.icmpNumber())
}

func (f Family) icmp() string {
	if f == IPv6 {
		return "icmpv6"
	}
	return "icmp"
}

func (f Family) icmpNumber() byte {
	if f == IPv6 {
		return unix.IPPROTO_ICMPV6
	}
	return unix.IPPROTO_ICMP
}

// SetPacketMark assigns the packet's mark.
func SetPacketMark() Target {
	return Target{name: "meta mark", store: func(c *code, reg uint32) {
		c.expr("meta", func(a *attrs) {
			a.u32(unix.NFTA_META_KEY, unix.NFT_META_MARK)
			a.u32(unix.NFTA_META_SREG, reg)
		})
	}}
}

// SetConnectionMark assigns the connection's mark.
func SetConnectionMark() Target { return ctTarget("ct mark", unix.NFT_CT_MARK, nil) }

// AddLabels gives the connection labels besides those it has.
func AddLabels() Target { return ctTarget("ct label", unix.NFT_CT_LABELS, nil) }

// SetOriginalZone assigns the conntrack zone in which the packet's own direction is looked up; replies are looked up in
// the zone of the side they come from.
func SetOriginalZone() Target { return ctTarget("ct original zone", unix.NFT_CT_ZONE, new(byte(0))) }

// SetEvents chooses the events that the connection reports: a host-endian mask of bits.
func SetEvents() Target { return ctTarget("ct event", unix.NFT_CT_EVENTMASK, nil) }

func ctTarget(name string, key uint32, direction *byte) Target {
	return Target{name: name, store: func(c *code, reg uint32) {
		c.expr("ct", func(a *attrs) {
			a.u32(unix.NFTA_CT_KEY, key)
			if direction != nil {
				a.bytes(unix.NFTA_CT_DIRECTION, []byte{*direction})
			}
			a.u32(unix.NFTA_CT_SREG, reg)
		})
	}}
}

// States of a packet's connection. (linux/netfilter/nf_conntrack_common.h NF_CT_STATE_BIT)
const (
	Invalid     uint32 = 1 << 0
	Established uint32 = 1 << 1
	Related     uint32 = 1 << 2
	New         uint32 = 1 << 3
)

// State holds when the packet's connection is in one of the states of the mask.
func State(mask uint32) Clause {
	text := ""
	for i, name := range []string{"invalid", "established", "related", "new"} {
		if mask&(1<<i) != 0 {
			if text != "" {
				text += ","
			}
			text += name
		}
	}
	return clause("ct state "+text, func(c *code) {
		c.ct(unix.NFT_CT_STATE, register(0))
		c.mask(4, FieldU32(mask), FieldU32(0))
		c.compare(unix.NFT_CMP_NEQ, 4, FieldU32(0))
	})
}
