package nft

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Clause is a part of a rule: a test, an assignment, or a verdict. It carries its text and the kernel's expressions
// for it, so that what is printed is what runs.
type Clause struct {
	text string
	code string // encoded list of expressions
}

// String is the clause as nft would write it.
func (c Clause) String() string { return c.text }

func (c Clause) equal(o Clause) bool { return c == o }

// NewRule makes a rule of the clauses.
func NewRule(clauses ...Clause) Rule { return Rule{Clauses: clauses} }

// code is a list of expressions being encoded.
type code struct{ attrs }

// expr appends an expression.
func (c *code) expr(name string, f func(a *attrs)) {
	c.nest(unix.NFTA_LIST_ELEM, func(a *attrs) {
		a.str(unix.NFTA_EXPR_NAME, name)
		a.nest(unix.NFTA_EXPR_DATA, f)
	})
}

func clause(text string, f func(c *code)) Clause {
	var c code
	f(&c)
	return Clause{text: text, code: string(c.attrs)}
}

// register is the kernel's number of the 4-byte register that a key's byte at the offset lies in. (NFT_REG32_00)
func register(offset int) uint32 { return uint32(unix.NFT_REG32_00 + offset/4) }

// load puts the selectors one after the other into the registers, as a set's key has them, and returns its length.
func (c *code) load(sel []Selector) int {
	at := 0
	for _, s := range sel {
		if s.guard != "" {
			c.attrs = append(c.attrs, s.guard...)
		}
		s.load(c, register(at))
		if len(sel) == 1 {
			return s.bytes
		}
		at += padded(s.bytes)
	}
	return at
}

func names(sel []Selector) string {
	var n []string
	for _, s := range sel {
		n = append(n, s.name)
	}
	return strings.Join(n, " . ")
}

func (c *code) compare(op uint32, n int, value []byte) {
	c.expr("cmp", func(a *attrs) {
		a.u32(unix.NFTA_CMP_SREG, register(0))
		a.u32(unix.NFTA_CMP_OP, op)
		a.nest(unix.NFTA_CMP_DATA, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, value[:n]) })
	})
}

// Is holds when the selector has the value.
func Is(s Selector, value Field) Clause {
	return clause(s.name+" "+s.typ.text(string(value)), func(c *code) {
		c.load([]Selector{s})
		c.compare(unix.NFT_CMP_EQ, s.bytes, value)
	})
}

// IsNot holds when the selector has another value.
func IsNot(s Selector, value Field) Clause {
	return clause(s.name+" != "+s.typ.text(string(value)), func(c *code) {
		c.load([]Selector{s})
		c.compare(unix.NFT_CMP_NEQ, s.bytes, value)
	})
}

// HasAny holds when the connection has one of the labels at least.
func HasAny(labels Field) Clause { return labelled("!=", unix.NFT_CMP_NEQ, labels) }

// HasNone holds when the connection has none of the labels.
func HasNone(labels Field) Clause { return labelled("==", unix.NFT_CMP_EQ, labels) }

func labelled(text string, op uint32, labels Field) Clause {
	return clause("ct label & "+Labels.text(string(labels))+" "+text+" 0", func(c *code) {
		c.load([]Selector{ConnectionLabels()})
		c.mask(labelBytes, labels, make([]byte, labelBytes))
		c.compare(op, labelBytes, make([]byte, labelBytes))
	})
}

// Within holds when the selector lies in the range, both ends included. Only for values in network order.
func Within(s Selector, from, to Field) Clause {
	if string(from) == string(to) {
		return Is(s, from)
	}
	return clause(s.name+" "+s.typ.rangeText(string(from), string(to)), func(c *code) {
		c.load([]Selector{s})
		c.expr("range", func(a *attrs) {
			a.u32(unix.NFTA_RANGE_SREG, register(0))
			a.u32(unix.NFTA_RANGE_OP, unix.NFT_RANGE_EQ)
			a.nest(unix.NFTA_RANGE_FROM_DATA, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, from) })
			a.nest(unix.NFTA_RANGE_TO_DATA, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, to) })
		})
	})
}

// In holds when the selectors together are an element of the set.
func In(set string, sel ...Selector) Clause {
	return clause(names(sel)+" @"+set, func(c *code) {
		c.load(sel)
		c.lookup(set, nil)
	})
}

// Over holds for packets beyond so many a second, and as many at once, of those whose selectors are the same. The meter keeps count.
func Over(meter string, perSecond uint32, sel ...Selector) Clause {
	text := fmt.Sprintf("update @%s { %s limit rate over %d/second burst %d packets }", meter, names(sel), perSecond, perSecond)
	return clause(text, func(c *code) {
		c.load(sel)
		c.update(meter, "limit", func(a *attrs) {
			a.u64(unix.NFTA_LIMIT_RATE, uint64(perSecond))
			a.u64(unix.NFTA_LIMIT_UNIT, 1)
			a.u32(unix.NFTA_LIMIT_BURST, perSecond)
			a.u32(unix.NFTA_LIMIT_TYPE, unix.NFT_LIMIT_PKTS)
			a.u32(unix.NFTA_LIMIT_FLAGS, unix.NFT_LIMIT_F_INV)
		})
	})
}

// Count counts packets and bytes of those whose selectors are the same. The meter keeps the counts; see [Conn.Counts].
func Count(meter string, sel ...Selector) Clause {
	return clause(fmt.Sprintf("update @%s { %s counter }", meter, names(sel)), func(c *code) {
		c.load(sel)
		c.update(meter, "counter", func(*attrs) {})
	})
}

// update renews the meter's element for the key in the registers, which has an expression of its own.
func (c *code) update(meter, expr string, f func(a *attrs)) {
	c.expr("dynset", func(a *attrs) {
		a.str(unix.NFTA_DYNSET_SET_NAME, meter)
		a.u32(unix.NFTA_DYNSET_OP, unix.NFT_DYNSET_OP_UPDATE)
		a.u32(unix.NFTA_DYNSET_SREG_KEY, register(0))
		a.nest(unix.NFTA_DYNSET_EXPR, func(a *attrs) {
			a.str(unix.NFTA_EXPR_NAME, expr)
			a.nest(unix.NFTA_EXPR_DATA, f)
		})
	})
}

func (c *code) lookup(set string, dreg *uint32) {
	c.expr("lookup", func(a *attrs) {
		a.str(unix.NFTA_LOOKUP_SET, set)
		a.u32(unix.NFTA_LOOKUP_SREG, register(0))
		if dreg != nil {
			a.u32(unix.NFTA_LOOKUP_DREG, *dreg)
		}
	})
}

// Dispatch takes the verdict that the verdict map holds for the selectors; without one the next rule is looked at.
func Dispatch(vmap string, sel ...Selector) Clause {
	return clause(names(sel)+" vmap @"+vmap, func(c *code) {
		c.load(sel)
		verdict := uint32(unix.NFT_REG_VERDICT)
		c.lookup(vmap, &verdict)
	})
}

// SetTo assigns what the map holds for the selectors; without an element the rule ends.
func SetTo(target Target, maps string, sel ...Selector) Clause {
	return clause(target.name+" set "+names(sel)+" map @"+maps, func(c *code) {
		c.load(sel)
		reg := register(0)
		c.lookup(maps, &reg)
		target.store(c, reg)
	})
}

// SetMasked assigns the selector's value with the mask's bits; selector and target are 32-bit numbers.
func SetMasked(target Target, s Selector, mask uint32) Clause {
	return clause(fmt.Sprintf("%s set %s & 0x%08x", target.name, s.name, mask), func(c *code) {
		c.load([]Selector{s})
		c.mask(4, FieldU32(mask), FieldU32(0))
		target.store(c, register(0))
	})
}

func (c *code) mask(n int, mask, xor []byte) {
	c.expr("bitwise", func(a *attrs) {
		a.u32(unix.NFTA_BITWISE_SREG, register(0))
		a.u32(unix.NFTA_BITWISE_DREG, register(0))
		a.u32(unix.NFTA_BITWISE_LEN, uint32(n))
		a.nest(unix.NFTA_BITWISE_MASK, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, mask) })
		a.nest(unix.NFTA_BITWISE_XOR, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, xor) })
	})
}

// SetValue assigns a constant.
func SetValue(target Target, text string, value Field) Clause {
	return clause(target.name+" set "+text, func(c *code) {
		c.constant(register(0), value)
		target.store(c, register(0))
	})
}

func (c *code) constant(reg uint32, value []byte) {
	c.expr("immediate", func(a *attrs) {
		a.u32(unix.NFTA_IMMEDIATE_DREG, reg)
		a.nest(unix.NFTA_IMMEDIATE_DATA, func(a *attrs) { a.bytes(unix.NFTA_DATA_VALUE, value) })
	})
}

// End is a rule's unconditional verdict.
func End(v Verdict) Clause {
	return clause(v.String(), func(c *code) {
		c.expr("immediate", func(a *attrs) {
			a.u32(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT)
			a.nest(unix.NFTA_IMMEDIATE_DATA, v.encode)
		})
	})
}

// encode appends the verdict as NFTA_DATA_VERDICT.
func (v Verdict) encode(a *attrs) {
	a.nest(unix.NFTA_DATA_VERDICT, func(a *attrs) {
		a.u32(unix.NFTA_VERDICT_CODE, v.Kind.number())
		if v.Chain != "" {
			a.str(unix.NFTA_VERDICT_CHAIN, v.Chain)
		}
	})
}

// number is the kernel's code of the verdict. (linux/netfilter.h, nf_tables.h enum nft_verdicts)
func (k VerdictKind) number() uint32 {
	code := [...]int32{NoVerdict: unix.NFT_CONTINUE, Accept: 1, Drop: 0, Return: unix.NFT_RETURN, Jump: unix.NFT_JUMP, Goto: unix.NFT_GOTO}
	return uint32(code[k])
}

// Log sends a copy of the packet's first bytes to the NFLOG group, with the prefix.
func Log(prefix string, group uint16, snaplen uint32) Clause {
	text := fmt.Sprintf("log prefix %q group %d snaplen %d", prefix, group, snaplen)
	return clause(text, func(c *code) {
		c.expr("log", func(a *attrs) {
			a.u16(unix.NFTA_LOG_GROUP, group)
			a.str(unix.NFTA_LOG_PREFIX, prefix)
			a.u32(unix.NFTA_LOG_SNAPLEN, snaplen)
		})
	})
}

// DestinationNAT sends the connection to the address that the map holds for the selectors; ports stay. IPv4 only.
func DestinationNAT(maps string, sel ...Selector) Clause {
	return clause("dnat ip to "+names(sel)+" map @"+maps, func(c *code) { c.nat(unix.NFT_NAT_DNAT, maps, sel) })
}

// SourceNAT gives the connection the source address that the map holds for the selectors; ports stay where they can.
// IPv4 only.
func SourceNAT(maps string, sel ...Selector) Clause {
	return clause("snat ip to "+names(sel)+" map @"+maps, func(c *code) { c.nat(unix.NFT_NAT_SNAT, maps, sel) })
}

func (c *code) nat(kind uint32, maps string, sel []Selector) {
	c.load(sel)
	reg := register(0)
	c.lookup(maps, &reg)
	c.expr("nat", func(a *attrs) {
		a.u32(unix.NFTA_NAT_TYPE, kind)
		a.u32(unix.NFTA_NAT_FAMILY, unix.NFPROTO_IPV4)
		a.u32(unix.NFTA_NAT_REG_ADDR_MIN, reg)
	})
}

// ClampMSS lowers the maximum segment size that a TCP SYN announces to the given number of bytes; it never raises it.
func ClampMSS(size uint16) Clause {
	const (
		optionMSS = 2 // RFC 9293, 3.2
		synBit    = 0x02
		rstBit    = 0x04
	)
	return clause(fmt.Sprintf("tcp flags & (syn | rst) == syn tcp option maxseg size set %d", size), func(c *code) {
		flags := transport("tcp flags", Protocol, 13, 1, unix.IPPROTO_TCP)
		c.load([]Selector{flags})
		c.mask(1, []byte{synBit | rstBit}, []byte{0})
		c.compare(unix.NFT_CMP_EQ, 1, []byte{synBit})
		c.constant(register(0), FieldPort(size))
		c.expr("exthdr", func(a *attrs) {
			a.u32(unix.NFTA_EXTHDR_SREG, register(0))
			a.bytes(unix.NFTA_EXTHDR_TYPE, []byte{optionMSS})
			a.u32(unix.NFTA_EXTHDR_OFFSET, 2)
			a.u32(unix.NFTA_EXTHDR_LEN, 2)
			a.u32(unix.NFTA_EXTHDR_OP, unix.NFT_EXTHDR_OP_TCPOPT)
		})
	})
}
