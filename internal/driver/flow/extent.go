package flow

import (
	"encoding/binary"

	"kumiko/internal/world"
)

// extent reads how long an IP packet is as a whole, and its TCP flags, off its first bytes. Both are 0 where they are
// cut off.
func extent(b []byte) (length int, flags uint8) {
	if len(b) == 0 {
		return 0, 0
	}
	switch b[0] >> 4 {
	case 4: // RFC 791, 3.1
		n := int(b[0]&0xf) * 4
		if len(b) < 20 || len(b) < n {
			return 0, 0
		}
		first := binary.BigEndian.Uint16(b[6:])&0x1fff == 0
		if world.Protocol(b[9]) == world.TCP && first {
			flags = flagsOf(b[n:])
		}
		return int(binary.BigEndian.Uint16(b[2:])), flags
	case 6: // RFC 8200, 3
		if len(b) < 40 {
			return 0, 0
		}
		if world.Protocol(b[6]) == world.TCP {
			flags = flagsOf(b[40:])
		}
		return 40 + int(binary.BigEndian.Uint16(b[4:])), flags
	}
	return 0, 0
}

// flagsOf are the flags of a TCP header. (RFC 9293, 3.1.)
func flagsOf(b []byte) uint8 {
	if len(b) < 14 {
		return 0
	}
	return b[13] & 0x3f
}
