package nft

import "encoding/binary"

// attrs is a growing list of netlink attributes. Numbers in nf_tables attributes are big-endian.
type attrs []byte

// nested is the flag of attributes that hold attributes. (linux/netlink.h NLA_F_NESTED)
const nested = 0x8000

func (a *attrs) bytes(kind uint16, data []byte) {
	a.header(kind, len(data))
	*a = append(*a, data...)
	a.pad(len(data))
}

func (a *attrs) raw(kind uint16, data string) {
	a.header(kind, len(data))
	*a = append(*a, data...)
	a.pad(len(data))
}

// str is a string with its terminating zero.
func (a *attrs) str(kind uint16, s string) {
	a.header(kind, len(s)+1)
	*a = append(append(*a, s...), 0)
	a.pad(len(s) + 1)
}

func (a *attrs) u32(kind uint16, v uint32) {
	a.header(kind, 4)
	*a = binary.BigEndian.AppendUint32(*a, v)
}

func (a *attrs) u64(kind uint16, v uint64) {
	a.header(kind, 8)
	*a = binary.BigEndian.AppendUint64(*a, v)
}

func (a *attrs) u16(kind uint16, v uint16) {
	a.header(kind, 2)
	*a = binary.BigEndian.AppendUint16(*a, v)
	a.pad(2)
}

// nest appends an attribute that holds what f appends.
func (a *attrs) nest(kind uint16, f func(a *attrs)) {
	at := len(*a)
	a.header(kind|nested, 0)
	f(a)
	binary.NativeEndian.PutUint16((*a)[at:], uint16(len(*a)-at))
}

func (a *attrs) header(kind uint16, n int) {
	*a = binary.NativeEndian.AppendUint16(*a, uint16(n+4))
	*a = binary.NativeEndian.AppendUint16(*a, kind)
}

func (a *attrs) pad(n int) {
	for range padded(n) - n {
		*a = append(*a, 0)
	}
}
