package dns

import (
	"encoding/binary"
	"net"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
)

// maxTurns bounds in how many orders the address records of a name are given.
const maxTurns = 8

// result is a reply of fabric as records of the wire: the aliases on the way, then records or a negative answer.
type result struct {
	silent  bool            // the resolver is off
	fixed   bool            // the records stay in their order
	forward *fabric.Forward // where the rest of the answer is to be asked for
	name    string          // that is to be asked for there
	rcode   int
	aliases []miekg.RR
	records []miekg.RR
	soa     []miekg.RR // of the zone that has no such record
}

// resolve asks fabric for name, which ends in a dot.
func resolve(v *fabric.VPC, q fabric.Query) result { return translated(fabric.Ask(v, q)) }

// translated is a reply of fabric in records of the wire.
func translated(r fabric.Reply) result {
	var out result
	for _, a := range r.Aliases {
		out.aliases = append(out.aliases, record(miekg.Fqdn(a.Name), a.Record))
	}
	switch r.Outcome {
	case fabric.Refused:
		return result{silent: true}
	case fabric.Failed:
		return result{rcode: miekg.RcodeServerFailure}
	case fabric.Forwarded:
		out.forward, out.name = r.Rule, miekg.Fqdn(r.Name)
		return out
	case fabric.NXDomain:
		out.rcode = miekg.RcodeNameError
	}
	for _, rec := range r.Records {
		rr := record(miekg.Fqdn(r.Name), rec)
		if rr == nil {
			return result{rcode: miekg.RcodeServerFailure}
		}
		out.records = append(out.records, rr)
	}
	if len(out.records) == 0 && r.Zone != nil {
		out.soa = []miekg.RR{soa(r.Zone, r.Zone.SOA.Negative())}
	}
	return out
}

// record writes a record as miekg/dns wants it; nil when its data is not of its type.
func record(name string, r fabric.Record) miekg.RR {
	h := miekg.RR_Header{Name: name, Rrtype: r.Type, Class: miekg.ClassINET, Ttl: r.TTL}
	switch r.Type {
	case fabric.TypeA:
		return &miekg.A{Hdr: h, A: net.IP(r.Addr.AsSlice())}
	case fabric.TypeAAAA:
		return &miekg.AAAA{Hdr: h, AAAA: net.IP(r.Addr.AsSlice())}
	case fabric.TypeCNAME:
		return &miekg.CNAME{Hdr: h, Target: miekg.Fqdn(r.Target)}
	case fabric.TypePTR:
		return &miekg.PTR{Hdr: h, Ptr: miekg.Fqdn(r.Target)}
	case fabric.TypeNS:
		return &miekg.NS{Hdr: h, Ns: miekg.Fqdn(r.Target)}
	}
	text, ok := miekg.TypeToString[r.Type]
	if !ok {
		return nil
	}
	rr, err := miekg.NewRR(". 0 IN " + text + " " + r.Text)
	if err != nil || rr == nil {
		return nil
	}
	h.Rdlength = rr.Header().Rdlength
	*rr.Header() = h
	return rr
}

func soa(z *fabric.Zone, ttl uint32) miekg.RR {
	return &miekg.SOA{
		Hdr: miekg.RR_Header{Name: miekg.Fqdn(z.Name), Rrtype: miekg.TypeSOA, Class: miekg.ClassINET, Ttl: ttl},
		Ns:  miekg.Fqdn(z.SOA.NS), Mbox: miekg.Fqdn(z.SOA.Mailbox), Serial: z.SOA.Serial,
		Refresh: z.SOA.Refresh, Retry: z.SOA.Retry, Expire: z.SOA.Expire, Minttl: z.SOA.Minimum,
	}
}

// ownerIsQuestion is a name that is that of the question, which begins at the end of the header. (RFC 1035 §4.1.4.)
const ownerIsQuestion = 0xc000 | headerSize

// packAddresses packs a reply that is nothing but addresses of the name that was asked for, as most are: without ado, as [pack] would.
// It is nil for others.
func packAddresses(name string, r fabric.Reply) *packed {
	if r.Outcome != fabric.Answered || len(r.Aliases) > 0 || r.Name != fabric.Canonical(name) {
		return nil
	}
	for _, rec := range r.Records {
		if rec.Type != fabric.TypeA && rec.Type != fabric.TypeAAAA {
			return nil
		}
	}
	p := &packed{counts: [3]uint16{uint16(len(r.Records)), 0, 0}}
	for turn := range min(len(r.Records), maxTurns) {
		var tail []byte
		for i := range r.Records {
			rec := &r.Records[(turn+i)%len(r.Records)]
			tail = binary.BigEndian.AppendUint16(tail, ownerIsQuestion)
			tail = binary.BigEndian.AppendUint16(tail, rec.Type)
			tail = binary.BigEndian.AppendUint16(tail, miekg.ClassINET)
			tail = binary.BigEndian.AppendUint32(tail, rec.TTL)
			tail = binary.BigEndian.AppendUint16(tail, uint16(rec.Addr.BitLen()/8))
			tail = append(tail, rec.Addr.AsSlice()...)
		}
		p.tails = append(p.tails, tail)
	}
	return p
}

// pack packs a result as what follows the question for name, lower case; nil when nothing is to be said.
// Names are compressed against the question, so the tail fits the question in any case of letters.
func pack(name string, qtype uint16, r result) *packed {
	if r.silent {
		return nil
	}
	if r.forward != nil {
		return &packed{forward: &r}
	}
	p := &packed{rcode: r.rcode, counts: [3]uint16{uint16(len(r.aliases) + len(r.records)), uint16(len(r.soa)), 0}}
	turns := min(max(len(r.records), 1), maxTurns)
	if r.fixed {
		turns = 1
	}
	for i := range turns {
		m := miekg.Msg{Compress: true, Question: []miekg.Question{{Name: name, Qtype: qtype, Qclass: miekg.ClassINET}}, Ns: r.soa}
		m.Answer = append(m.Answer, r.aliases...)
		m.Answer = append(append(m.Answer, r.records[min(i, len(r.records)):]...), r.records[:min(i, len(r.records))]...)
		raw, err := m.Pack()
		if err != nil {
			return &packed{rcode: miekg.RcodeServerFailure}
		}
		q := query{raw: raw}
		q.parseQuestion()
		p.tails = append(p.tails, raw[q.end:])
	}
	return p
}
