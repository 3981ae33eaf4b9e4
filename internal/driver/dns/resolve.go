package dns

import (
	"net"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
)

// maxAliases is how many aliases are followed before a name is taken to lead nowhere, as [fabric.Resolve] has it.
const maxAliases = 8

// maxTurns bounds in how many orders the address records of a name are given.
const maxTurns = 8

// result is what a name resolves to: the aliases on the way, then records or a negative answer.
type result struct {
	silent  bool // the resolver is off
	rcode   int
	aliases []miekg.RR
	records []miekg.RR
	soa     []miekg.RR // of the zone that has no such record
}

// resolve asks fabric for name, which ends in a dot, and for what it is an alias of.
func resolve(v *fabric.VPC, name string, qtype uint16) result {
	var out result
	for range maxAliases {
		r := ask(v, name, qtype)
		if r.Outcome == fabric.Refused {
			return result{silent: true}
		}
		if r.Zone != nil && qtype == miekg.TypeSOA && r.Outcome == fabric.NoData && miekg.Fqdn(r.Zone.Name) == name {
			out.records = []miekg.RR{soa(r.Zone, r.Zone.SOA.TTL)}
			return out
		}
		next := ""
		for _, rec := range r.Records {
			rr := record(name, rec)
			if rec.Type == fabric.TypeCNAME && qtype != fabric.TypeCNAME {
				next = miekg.Fqdn(rec.Target)
				out.aliases = append(out.aliases, rr)
			} else if rr != nil {
				out.records = append(out.records, rr)
			}
		}
		if next == "" || len(out.records) > 0 {
			out.end(r)
			return out
		}
		name = miekg.CanonicalName(next)
	}
	return result{rcode: miekg.RcodeServerFailure}
}

// end makes the result negative when the last name has no records.
func (out *result) end(r fabric.Reply) {
	if r.Outcome == fabric.NXDomain {
		out.rcode = miekg.RcodeNameError
	}
	if len(out.records) == 0 && r.Zone != nil {
		out.soa = []miekg.RR{soa(r.Zone, min(r.Zone.SOA.TTL, r.Zone.SOA.Minimum))} // RFC 2308 §5
	}
}

// ask asks for one name. Of a question for any type, one type that exists is the answer (RFC 8482 §4.1).
func ask(v *fabric.VPC, name string, qtype uint16) fabric.Reply {
	if qtype != miekg.TypeANY {
		return fabric.Answer(v, name, qtype)
	}
	for _, t := range []uint16{fabric.TypeA, fabric.TypeAAAA, fabric.TypePTR} {
		if r := fabric.Answer(v, name, t); r.Outcome != fabric.NoData {
			return r
		}
	}
	return fabric.Answer(v, name, fabric.TypeA)
}

// record writes a record as miekg/dns wants it; nil for a type that Fabric does not carry data of.
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
	case miekg.TypeNS:
		return &miekg.NS{Hdr: h, Ns: miekg.Fqdn(r.Target)}
	}
	return nil
}

func soa(z *fabric.Zone, ttl uint32) miekg.RR {
	return &miekg.SOA{
		Hdr: miekg.RR_Header{Name: miekg.Fqdn(z.Name), Rrtype: miekg.TypeSOA, Class: miekg.ClassINET, Ttl: ttl},
		Ns:  miekg.Fqdn(z.SOA.NS), Mbox: miekg.Fqdn(z.SOA.Mailbox), Serial: z.SOA.Serial,
		Refresh: z.SOA.Refresh, Retry: z.SOA.Retry, Expire: z.SOA.Expire, Minttl: z.SOA.Minimum,
	}
}

// pack packs a result as what follows the question for name, lower case; nil when nothing is to be said.
// Names are compressed against the question, so the tail fits the question in any case of letters.
func pack(name string, qtype uint16, r result) *packed {
	if r.silent {
		return nil
	}
	p := &packed{rcode: r.rcode, counts: [3]uint16{uint16(len(r.aliases) + len(r.records)), uint16(len(r.soa)), 0}}
	turns := min(max(len(r.records), 1), maxTurns)
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
