package dns

import (
	"encoding/binary"

	miekg "github.com/miekg/dns"
)

// Sizes of the wire format, in bytes. (RFC 1035 §2.3.4, §4.1.1; RFC 6891 §6.1.2.)
const (
	headerSize  = 12
	maxName     = 255
	optSize     = 11
	plainSize   = 512  // of a UDP reply to a client that does not say otherwise
	ednsUDPSize = 4096 // what the resolver takes and sends at most
)

// Bits of the second 16-bit word of a message. (RFC 1035 §4.1.1; RFC 4035 §3.2.2 for CD.)
const (
	flagQR = 1 << 15
	flagTC = 1 << 9
	flagRD = 1 << 8
	flagRA = 1 << 7
	flagCD = 1 << 4
)

// transport says how a query came, and so how long its reply may be.
type transport int

const (
	udp transport = iota
	tcp
)

// query is a query as far as the resolver cares. It points into the message.
type query struct {
	raw      []byte
	end      int // of the question
	qtype    uint16
	qclass   uint16
	hasEDNS  bool
	version  uint8
	dnssecOK bool
	udpSize  int // the longest datagram the client takes
}

func (q *query) flags() uint16   { return binary.BigEndian.Uint16(q.raw[2:]) }
func (q *query) opcode() int     { return int(q.flags()>>11) & 0xf }
func (q *query) count(i int) int { return int(binary.BigEndian.Uint16(q.raw[4+2*i:])) }

// parseQuery reads a message that has a header. It returns the rcode of the refusal when it is not a query the
// resolver can answer; q then holds what was understood, for the reply.
func parseQuery(raw []byte) (q query, rcode int) {
	q = query{raw: raw, end: headerSize, udpSize: plainSize}
	if q.count(0) == 1 {
		q.parseQuestion()
	}
	switch {
	case q.opcode() != miekg.OpcodeQuery:
		return q, miekg.RcodeNotImplemented
	case q.end == headerSize:
		return q, miekg.RcodeFormatError
	}
	if q.count(1) == 0 && q.count(2) == 0 && q.parsePlainEDNS() {
		return q, q.refusal()
	}
	var m miekg.Msg
	whole := m.Unpack(raw) == nil && len(m.Answer) == q.count(1) && len(m.Ns) == q.count(2) && len(m.Extra) == q.count(3)
	if !whole || !q.takeEDNS(&m) {
		return q, miekg.RcodeFormatError
	}
	return q, q.refusal()
}

// parseQuestion reads the only question; end stays where it is when it is malformed. A name in a question has
// nothing before it that it could be compressed with.
func (q *query) parseQuestion() {
	i := headerSize
	for {
		if i >= len(q.raw) || q.raw[i] > 63 || i-headerSize >= maxName {
			return
		}
		n := int(q.raw[i])
		i += 1 + n
		if n == 0 {
			break
		}
	}
	if i-headerSize > maxName || i+4 > len(q.raw) {
		return
	}
	q.qtype = binary.BigEndian.Uint16(q.raw[i:])
	q.qclass = binary.BigEndian.Uint16(q.raw[i+2:])
	q.end = i + 4
}

// parsePlainEDNS reads what follows the question when that is nothing, or one OPT record; it tells whether it was.
func (q *query) parsePlainEDNS() bool {
	rest := q.raw[q.end:]
	if q.count(3) == 0 {
		return true
	}
	if q.count(3) != 1 || len(rest) < optSize || rest[0] != 0 || binary.BigEndian.Uint16(rest[1:]) != miekg.TypeOPT {
		return false
	}
	options := rest[optSize:]
	if int(binary.BigEndian.Uint16(rest[9:])) != len(options) || !validOptions(options) {
		return false
	}
	q.setEDNS(binary.BigEndian.Uint16(rest[3:]), rest[6], rest[7]&0x80 != 0)
	return true
}

// validOptions accepts the options every resolver may ignore when their lengths add up. Those with a fixed form
// are left to the full parser.
func validOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		code, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if code != miekg.EDNS0COOKIE || n < 8 || n > 40 || len(b) < 4+n {
			return false
		}
		b = b[4+n:]
	}
	return true
}

// takeEDNS takes the OPT record of a fully parsed message; two of them are an error (RFC 6891 §6.1.1).
func (q *query) takeEDNS(m *miekg.Msg) bool {
	for _, rr := range m.Extra {
		if opt, ok := rr.(*miekg.OPT); ok {
			if q.hasEDNS {
				return false
			}
			q.setEDNS(opt.UDPSize(), opt.Version(), opt.Do())
		}
	}
	return true
}

func (q *query) setEDNS(size uint16, version uint8, do bool) {
	q.hasEDNS, q.version, q.dnssecOK = true, version, do
	q.udpSize = min(max(int(size), plainSize), ednsUDPSize)
}

// refusal is the rcode of a well-formed query the resolver does not answer, or success.
func (q *query) refusal() int {
	switch {
	case q.hasEDNS && q.version != 0:
		return miekg.RcodeBadVers
	case q.qclass != miekg.ClassINET:
		return miekg.RcodeRefused
	case q.qtype == miekg.TypeAXFR || q.qtype == miekg.TypeIXFR:
		return miekg.RcodeRefused
	case q.qtype == miekg.TypeOPT || q.qtype >= 128 && q.qtype < miekg.TypeANY:
		return miekg.RcodeNotImplemented // meta types (RFC 6895 §3.1)
	}
	return miekg.RcodeSuccess
}

// limit is the longest reply, in bytes.
func (q *query) limit(t transport) int {
	if t == tcp {
		return miekg.MaxMsgSize
	}
	return q.udpSize
}
