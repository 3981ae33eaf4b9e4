package dns

import (
	"encoding/binary"
	"math/rand/v2"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
)

// maxRemembered bounds the packed replies an answerer keeps.
const maxRemembered = 4096

// answerer turns queries into replies. It remembers packed replies for as long as the records are the same, so
// that a name asked for again costs neither an allocation nor a lock. One goroutine uses it.
type answerer struct {
	view  *fabric.VPC
	known map[string]*packed
	turn  uint
	// pending is set by answer when it gives no reply because another resolver has to be asked.
	pending *pending
	key     [maxName + 4]byte
	out     []byte
}

func newAnswerer() *answerer { return &answerer{known: map[string]*packed{}} }

// pending is a query whose answer has to be asked for elsewhere.
type pending struct {
	query query // with bytes of its own
	name  string
	found *result
}

// packed is what follows the question in a reply, without OPT.
type packed struct {
	forward *result // what is known so far, when the rest has to be asked for elsewhere
	rcode   int
	counts  [3]uint16 // answer, authority, additional
	tails   [][]byte  // the same records, address records in turned order; none: no records
}

// answer gives the reply to a message, or nil when it deserves none. The reply is valid until the next call.
func (a *answerer) answer(v *fabric.VPC, raw []byte, t transport) []byte {
	a.pending = nil
	if len(raw) < headerSize || binary.BigEndian.Uint16(raw[2:])&flagQR != 0 {
		return nil
	}
	q, rcode := parseQuery(raw)
	if rcode != miekg.RcodeSuccess {
		return a.compose(&q, &packed{rcode: rcode}, t)
	}
	p := a.lookup(v, &q)
	switch {
	case p == nil:
		return nil
	case p.forward != nil:
		a.postpone(&q, p.forward)
		return nil
	}
	return a.compose(&q, p, t)
}

// postpone keeps what is needed to answer later.
func (a *answerer) postpone(q *query, found *result) {
	later := *q
	later.raw = append([]byte{}, q.raw...)
	name, _, err := miekg.UnpackDomainName(later.raw, headerSize)
	if err == nil {
		a.pending = &pending{query: later, name: miekg.CanonicalName(name), found: found}
	}
}

// lookup finds the packed reply to q among those known for v, or makes it. It is nil when v has no resolver.
func (a *answerer) lookup(v *fabric.VPC, q *query) *packed {
	if a.view != v {
		a.view = v
		clear(a.known)
	}
	question := q.raw[headerSize:q.end]
	key := a.key[:len(question)]
	for i, c := range question[:len(question)-4] {
		if 'A' <= c && c <= 'Z' { // never a label's length, which is below 64
			c += 'a' - 'A'
		}
		key[i] = c
	}
	copy(key[len(key)-4:], question[len(question)-4:])
	if p := a.known[string(key)]; p != nil {
		return p
	}
	name, _, err := miekg.UnpackDomainName(key, 0)
	if err != nil {
		return &packed{rcode: miekg.RcodeFormatError}
	}
	r := fabric.Ask(v, fabric.Query{Name: name, Type: q.qtype, Draw: rand.Uint64()})
	p := packAddresses(name, r)
	if p == nil {
		p = pack(name, q.qtype, translated(r))
	}
	if p != nil && !r.Varies && p.rcode == miekg.RcodeSuccess {
		if len(a.known) >= maxRemembered {
			clear(a.known)
		}
		a.known[string(key)] = p
	}
	return p
}

// compose writes the reply: the query's header, question and EDNS mirrored, with p between.
func (a *answerer) compose(q *query, p *packed, t transport) []byte {
	var tail []byte
	if len(p.tails) > 0 {
		tail = p.tails[a.turn%uint(len(p.tails))]
		a.turn++
	}
	counts, flags := p.counts, flagQR|flagRA|q.flags()&(0xf<<11|flagRD|flagCD)|uint16(p.rcode&0xf)
	size := q.end + len(tail)
	if q.hasEDNS {
		size += optSize
	}
	if size > q.limit(t) {
		flags |= flagTC
		counts, tail = [3]uint16{}, nil
	}
	out := append(a.out[:0], q.raw[0], q.raw[1])
	out = binary.BigEndian.AppendUint16(out, flags)
	var questions, opts uint16
	if q.end > headerSize {
		questions = 1
	}
	if q.hasEDNS {
		opts = 1
	}
	for _, n := range [4]uint16{questions, counts[0], counts[1], counts[2] + opts} {
		out = binary.BigEndian.AppendUint16(out, n)
	}
	out = append(out, q.raw[headerSize:q.end]...)
	out = append(out, tail...)
	if q.hasEDNS {
		var do byte
		if q.dnssecOK {
			do = 0x80
		}
		out = append(out, 0, 0, byte(miekg.TypeOPT), ednsUDPSize>>8, ednsUDPSize&0xff, byte(p.rcode>>4), 0, do, 0, 0, 0)
	}
	a.out = out
	return out
}
