package flow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// errShort is the error of a packet that ends before its addresses.
var errShort = errors.New("flow: packet is cut off")

// parse reads the flow off an IP packet's first bytes. Ports of a packet that is cut off before them are zero. Packets
// without ICMP have type and code -1.
func parse(b []byte) (fabric.Flow, error) {
	f := fabric.Flow{ICMP: world.ICMPMatch{Type: -1, Code: -1}}
	if len(b) == 0 {
		return f, errShort
	}
	switch b[0] >> 4 {
	case 4: // RFC 791, 3.1
		n := int(b[0]&0xf) * 4
		if len(b) < 20 || len(b) < n {
			return f, errShort
		}
		f.Protocol = world.Protocol(b[9])
		f.Src, f.Dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		if binary.BigEndian.Uint16(b[6:])&0x1fff == 0 { // the first fragment has the ports
			transport(&f, b[n:])
		}
	case 6: // RFC 8200, 3; extension headers are not walked
		if len(b) < 40 {
			return f, errShort
		}
		f.Protocol = world.Protocol(b[6])
		f.Src, f.Dst = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		transport(&f, b[40:])
	default:
		return f, fmt.Errorf("flow: packet of IP version %d", b[0]>>4)
	}
	return f, nil
}

func transport(f *fabric.Flow, b []byte) {
	switch {
	case f.Protocol.HasPorts() && len(b) >= 4:
		f.SrcPort, f.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case (f.Protocol == world.ICMP || f.Protocol == world.ICMPv6) && len(b) >= 2:
		f.ICMP = world.ICMPMatch{Type: int(b[0]), Code: int(b[1])}
	}
}
