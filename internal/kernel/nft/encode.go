package nft

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// batch is the messages of one transaction, as they go to the kernel.
type batch struct {
	buf   []byte
	seq   uint32
	setID uint32
	what  map[uint32]string // sequence number → step, for error messages
	last  int               // offset of the last message
}

// encode writes the steps as one transaction.
func encode(steps []Step) *batch {
	b := &batch{what: map[uint32]string{}}
	b.control(unix.NFNL_MSG_BATCH_BEGIN)
	for _, s := range steps {
		b.step(s)
	}
	// The kernel answers errors always, and success where asked: once is enough.
	flags := binary.NativeEndian.Uint16(b.buf[b.last+6:])
	binary.NativeEndian.PutUint16(b.buf[b.last+6:], flags|unix.NLM_F_ACK)
	b.control(unix.NFNL_MSG_BATCH_END)
	return b
}

// message appends a message of the family with its attributes, and names it in error messages.
func (b *batch) message(kind, flags uint16, what string, f func(a *attrs)) {
	b.last = len(b.buf)
	b.seq++
	b.what[b.seq] = what
	b.header(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags|unix.NLM_F_REQUEST, unix.NFPROTO_INET, 0)
	f((*attrs)(&b.buf))
	b.finish()
}

// control appends the mark of a batch's begin or end.
func (b *batch) control(kind uint16) {
	at := b.last
	b.last = len(b.buf)
	b.seq++
	b.header(kind, unix.NLM_F_REQUEST, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	b.finish()
	b.last = at
}

// header is nlmsghdr and nfgenmsg; the length is filled in by finish.
func (b *batch) header(kind, flags uint16, family byte, resource uint16) {
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, kind)
	b.buf = binary.NativeEndian.AppendUint16(b.buf, flags)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, b.seq)
	b.buf = binary.NativeEndian.AppendUint32(b.buf, 0)
	b.buf = append(b.buf, family, unix.NFNETLINK_V0)
	b.buf = binary.BigEndian.AppendUint16(b.buf, resource)
}

func (b *batch) finish() {
	binary.NativeEndian.PutUint32(b.buf[b.last:], uint32(len(b.buf)-b.last))
}

func (b *batch) step(s Step) {
	switch s.Kind {
	case AddTable:
		b.message(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, s.String(), func(a *attrs) { a.str(unix.NFTA_TABLE_NAME, s.Table) })
	case DeleteTable:
		b.message(unix.NFT_MSG_DELTABLE, 0, s.String(), func(a *attrs) { a.str(unix.NFTA_TABLE_NAME, s.Table) })
	case AddSet:
		b.setID++
		b.message(unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE, s.String(), func(a *attrs) { s.Set.encode(a, s.Table, b.setID) })
	case DeleteSet:
		b.message(unix.NFT_MSG_DELSET, 0, s.String(), func(a *attrs) {
			a.str(unix.NFTA_SET_TABLE, s.Table)
			a.str(unix.NFTA_SET_NAME, s.Set.Name)
		})
	case AddElements:
		b.elements(unix.NFT_MSG_NEWSETELEM, unix.NLM_F_CREATE, s)
	case DeleteElements:
		b.elements(unix.NFT_MSG_DELSETELEM, 0, s)
	case AddChain:
		b.message(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, s.String(), func(a *attrs) { s.Chain.encode(a, s.Table) })
	case DeleteChain:
		b.message(unix.NFT_MSG_DELCHAIN, 0, s.String(), func(a *attrs) {
			a.str(unix.NFTA_CHAIN_TABLE, s.Table)
			a.str(unix.NFTA_CHAIN_NAME, s.Chain.Name)
		})
	case FlushChain:
		b.message(unix.NFT_MSG_DELRULE, 0, s.String(), func(a *attrs) {
			a.str(unix.NFTA_RULE_TABLE, s.Table)
			a.str(unix.NFTA_RULE_CHAIN, s.Chain.Name)
		})
	case AddRules:
		for _, r := range s.Chain.Rules {
			b.rule(s.Table, s.Chain.Name, r)
		}
	}
}

func (b *batch) rule(table, chain string, r Rule) {
	b.message(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND, "chain "+chain+" add rule "+r.String(), func(a *attrs) {
		a.str(unix.NFTA_RULE_TABLE, table)
		a.str(unix.NFTA_RULE_CHAIN, chain)
		a.nest(unix.NFTA_RULE_EXPRESSIONS, func(a *attrs) {
			for _, c := range r.Clauses {
				*a = append(*a, c.code...)
			}
		})
		if r.Comment != "" { // a TLV of libnftnl: type 0 is the comment
			a.raw(unix.NFTA_RULE_USERDATA, string([]byte{0, byte(len(r.Comment) + 1)})+r.Comment+"\x00")
		}
	})
}

// elementBytes is how much a message's list of elements may take: attributes have 16-bit lengths.
const elementBytes = 32 << 10

// elements appends as many messages as the step's elements need.
func (b *batch) elements(kind, flags uint16, s Step) {
	for rest := s.Elements; len(rest) > 0; {
		b.message(kind, flags, s.String(), func(a *attrs) {
			a.str(unix.NFTA_SET_ELEM_LIST_TABLE, s.Table)
			a.str(unix.NFTA_SET_ELEM_LIST_SET, s.Set.Name)
			a.nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS, func(a *attrs) {
				for at := len(*a); len(rest) > 0 && len(*a)-at < elementBytes; rest = rest[1:] {
					a.nest(unix.NFTA_LIST_ELEM, rest[0].encode)
				}
			})
		})
	}
}

// setElemKeyEnd is NFTA_SET_ELEM_KEY_END of nf_tables.h, which x/sys lacks.
const setElemKeyEnd = 10

func (e Element) encode(a *attrs) {
	value := func(kind uint16, v string) {
		a.nest(kind, func(a *attrs) { a.raw(unix.NFTA_DATA_VALUE, v) })
	}
	value(unix.NFTA_SET_ELEM_KEY, e.Key)
	if e.End != "" {
		value(setElemKeyEnd, e.End)
	}
	if e.Value != "" {
		value(unix.NFTA_SET_ELEM_DATA, e.Value)
	}
	if e.Verdict.Kind != NoVerdict {
		a.nest(unix.NFTA_SET_ELEM_DATA, e.Verdict.encode)
	}
}

// Numbers of nf_tables.h and libnftnl's udata.h that x/sys lacks.
const (
	setConcat        = 0x80 // NFT_SET_CONCAT
	setDescConcat    = 2    // NFTA_SET_DESC_CONCAT
	setFieldLen      = 1    // NFTA_SET_FIELD_LEN
	udataKeyOrder    = 0    // NFTNL_UDATA_SET_KEYBYTEORDER
	hostByteOrder    = 1
	networkByteOrder = 2
)

// What a meter remembers, of how many and for how many milliseconds. A bucket that nobody takes from is full again long before, and
// counts are asked for more often.
const meterSize, meterMemory = 65535, 600_000

func (s *Set) encode(a *attrs, table string, id uint32) {
	var flags, magic uint32
	length := 0
	for _, k := range s.Key {
		magic = magic<<6 | k.info().magic
		length += padded(k.info().bytes)
	}
	if len(s.Key) > 1 && s.Interval {
		flags |= setConcat
	}
	if len(s.Key) == 1 {
		length = s.Key[0].info().bytes
	}
	if s.Interval {
		flags |= unix.NFT_SET_INTERVAL
	}
	if s.Value != None {
		flags |= unix.NFT_SET_MAP
	}
	if s.Meter {
		flags |= unix.NFT_SET_EVAL | unix.NFT_SET_TIMEOUT
		a.u64(unix.NFTA_SET_TIMEOUT, meterMemory)
		a.nest(unix.NFTA_SET_DESC, func(a *attrs) { a.u32(unix.NFTA_SET_DESC_SIZE, meterSize) })
	}
	a.str(unix.NFTA_SET_TABLE, table)
	a.str(unix.NFTA_SET_NAME, s.Name)
	a.u32(unix.NFTA_SET_FLAGS, flags)
	a.u32(unix.NFTA_SET_KEY_TYPE, magic)
	a.u32(unix.NFTA_SET_KEY_LEN, uint32(length))
	a.u32(unix.NFTA_SET_ID, id)
	if s.Value != None {
		a.u32(unix.NFTA_SET_DATA_TYPE, s.Value.info().magic)
		a.u32(unix.NFTA_SET_DATA_LEN, uint32(s.Value.info().bytes))
	}
	if flags&setConcat != 0 {
		a.nest(unix.NFTA_SET_DESC, func(a *attrs) {
			a.nest(setDescConcat, func(a *attrs) {
				for _, k := range s.Key {
					a.nest(unix.NFTA_LIST_ELEM, func(a *attrs) { a.u32(setFieldLen, uint32(k.info().bytes)) })
				}
			})
		})
	}
	order := uint32(networkByteOrder) // only nft's listing reads it
	if k := s.Key[0]; len(s.Key) == 1 && (k == Interface || k == Mark || k == Number || k == Zone || k == InterfaceIndex) {
		order = hostByteOrder
	}
	a.bytes(unix.NFTA_SET_USERDATA, binary.NativeEndian.AppendUint32([]byte{udataKeyOrder, 4}, order))
}

func (c *Chain) encode(a *attrs, table string) {
	a.str(unix.NFTA_CHAIN_TABLE, table)
	a.str(unix.NFTA_CHAIN_NAME, c.Name)
	if c.Base == (Base{}) {
		return
	}
	a.nest(unix.NFTA_CHAIN_HOOK, func(a *attrs) {
		a.u32(unix.NFTA_HOOK_HOOKNUM, uint32(c.Base.Hook))
		a.u32(unix.NFTA_HOOK_PRIORITY, uint32(c.Base.Priority))
	})
	a.u32(unix.NFTA_CHAIN_POLICY, c.Base.Policy.number())
	a.str(unix.NFTA_CHAIN_TYPE, c.Base.Type)
}
