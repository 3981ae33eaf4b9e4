package nft

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Type is the type of a key's field or of a map's value.
type Type uint8

// The types. Host-endian numbers are those that the kernel keeps in registers as its own integers.
const (
	None Type = iota
	Addr4
	Addr6
	Protocol // IP protocol number
	Port
	ICMPType
	ICMPCode
	Interface // name
	Mark      // host-endian 32 bits
	Zone      // host-endian 16 bits
	Number    // host-endian 32 bits
	ToVerdict // of verdict maps
	NetworkFamily
	FrameType // see linux/if_packet.h
	Direction
	Labels         // 128 bits of a connection
	InterfaceIndex // host-endian 32 bits
)

// typeInfo is what the kernel and nft's listing want to know of a Type: the number is the one of nft's datatype.h.
type typeInfo struct {
	name  string
	bytes int
	magic uint32
}

func (t Type) info() typeInfo {
	return [...]typeInfo{
		None:      {"", 0, 0},
		Addr4:     {"ipv4_addr", 4, 7},
		Addr6:     {"ipv6_addr", 16, 8},
		Protocol:  {"inet_proto", 1, 12},
		Port:      {"inet_service", 2, 13},
		ICMPType:  {"icmp_type", 1, 14},
		ICMPCode:  {"icmp_code", 1, 32},
		Interface: {"ifname", 16, 41},
		Mark:      {"mark", 4, 19},
		Zone:      {"ct_zone", 2, 4},
		Number:    {"integer", 4, 4},
		ToVerdict: {"verdict", 0, 0xffffff00}, // NFT_DATA_VERDICT

		NetworkFamily: {"nf_proto", 1, 2},
		FrameType:     {"pkt_type", 1, 31},
		Direction:     {"ct_dir", 1, 27},

		Labels:         {"ct_label", labelBytes, 30},
		InterfaceIndex: {"iface_index", 4, 20},
	}[t]
}

// padded is the number of bytes a field takes in a concatenation.
func padded(n int) int { return (n + 3) &^ 3 }

// Field is the bytes of one field of a key, or of a value, as the kernel has them in its registers.
type Field []byte

// FieldAddr is an address: four or sixteen bytes.
func FieldAddr(a netip.Addr) Field { return a.AsSlice() }

// FieldByte is a protocol, or an ICMP type or code.
func FieldByte(b uint8) Field { return Field{b} }

// FieldPort is a port, in network order.
func FieldPort(p uint16) Field { return binary.BigEndian.AppendUint16(nil, p) }

// FieldInterface is an interface's name, padded to 16 bytes. (IFNAMSIZ)
func FieldInterface(name string) Field {
	b := make(Field, 16)
	copy(b[:15], name)
	return b
}

// FieldU32 is a number in the machine's byte order.
func FieldU32(v uint32) Field { return binary.NativeEndian.AppendUint32(nil, v) }

// FieldU16 is a short number in the machine's byte order.
func FieldU16(v uint16) Field { return binary.NativeEndian.AppendUint16(nil, v) }

// labelBytes is the size of a connection's labels. (NF_CT_LABELS_MAX_SIZE)
const labelBytes = 16

// FieldLabels is the set of the labels with the numbers, from 0 to 127.
func FieldLabels(numbers ...uint8) Field {
	b := make(Field, labelBytes)
	for _, n := range numbers {
		b[n/8] |= 1 << (n % 8)
	}
	return b
}

// Concat is the key made of the fields: a single field as it is, several padded to four bytes each.
func Concat(fields ...Field) string {
	if len(fields) == 1 {
		return string(fields[0])
	}
	var b []byte
	for _, f := range fields {
		b = append(b, f...)
		b = append(b, make([]byte, padded(len(f))-len(f))...)
	}
	return string(b)
}

// text prints a field of type t as nft does.
func (t Type) text(b string) string {
	switch t {
	case Addr4, Addr6:
		a, _ := netip.AddrFromSlice([]byte(b))
		return a.String()
	case Interface:
		return strconv.Quote(strings.TrimRight(b, "\x00"))
	case Port:
		return strconv.Itoa(int(binary.BigEndian.Uint16([]byte(b))))
	case Mark:
		return fmt.Sprintf("0x%08x", binary.NativeEndian.Uint32([]byte(b)))
	case Labels:
		return labelsText(b)
	case Number, InterfaceIndex:
		return strconv.FormatUint(uint64(binary.NativeEndian.Uint32([]byte(b))), 10)
	case Zone:
		return strconv.Itoa(int(binary.NativeEndian.Uint16([]byte(b))))
	case Protocol:
		return protocolText(b[0])
	case NetworkFamily:
		return map[uint8]string{uint8(IPv4): "ipv4", uint8(IPv6): "ipv6"}[b[0]]
	case FrameType:
		return map[uint8]string{unix.PACKET_HOST: "host", unix.PACKET_BROADCAST: "broadcast", unix.PACKET_MULTICAST: "multicast"}[b[0]]
	case Direction:
		return [...]string{"original", "reply"}[b[0]&1]
	default:
		return strconv.Itoa(int(b[0]))
	}
}

// labelsText lists the numbers of the labels in a set of them.
func labelsText(b string) string {
	var numbers []string
	for n := range len(b) * 8 {
		if b[n/8]&(1<<(n%8)) != 0 {
			numbers = append(numbers, strconv.Itoa(n))
		}
	}
	return strings.Join(numbers, "|")
}

func protocolText(p uint8) string {
	switch p {
	case 1:
		return "icmp"
	case 6:
		return "tcp"
	case 17:
		return "udp"
	case 58:
		return "ipv6-icmp"
	}
	return strconv.Itoa(int(p))
}

// rangeText prints a field that may be a range; address ranges that are prefixes are printed as such.
func (t Type) rangeText(from, to string) string {
	if from == to {
		return t.text(from)
	}
	if t == Addr4 || t == Addr6 {
		a, _ := netip.AddrFromSlice([]byte(from))
		for bits := range a.BitLen() {
			p := netip.PrefixFrom(a, bits)
			if p.Masked() == p && lastOf(p) == to {
				return p.String()
			}
		}
	}
	return t.text(from) + "-" + t.text(to)
}

// lastOf is the highest address of a prefix, as bytes.
func lastOf(p netip.Prefix) string {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return string(b)
}

// PrefixRange is the first and the last address of a prefix, as fields.
func PrefixRange(p netip.Prefix) (first, last Field) {
	return p.Masked().Addr().AsSlice(), Field(lastOf(p))
}
