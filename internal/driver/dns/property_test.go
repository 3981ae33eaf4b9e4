package dns

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
)

// slow is a reply made the long way: the whole message read and written by miekg/dns, the answer asked of fabric each time. It is
// nil for what deserves none.
func slow(v *fabric.VPC, raw []byte, t transport) *miekg.Msg {
	var q miekg.Msg
	if len(raw) < headerSize || raw[2]&0x80 != 0 {
		return nil
	}
	malformed := q.Unpack(raw) != nil
	m := new(miekg.Msg)
	m.Id, m.Response, m.RecursionAvailable = q.Id, true, true
	m.Opcode, m.RecursionDesired, m.CheckingDisabled, m.Question = q.Opcode, q.RecursionDesired, q.CheckingDisabled, q.Question
	if malformed || len(q.Question) != 1 {
		m.Rcode = miekg.RcodeFormatError
		return m
	}
	limit := miekg.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		limit = min(max(int(opt.UDPSize()), miekg.MinMsgSize), ednsUDPSize)
		m.SetEdns0(ednsUDPSize, opt.Do())
		if opt.Version() != 0 {
			m.Rcode = miekg.RcodeBadVers
			return m
		}
	}
	if t == tcp {
		limit = miekg.MaxMsgSize
	}
	one := q.Question[0]
	switch {
	case one.Qclass != miekg.ClassINET, one.Qtype == miekg.TypeAXFR, one.Qtype == miekg.TypeIXFR:
		m.Rcode = miekg.RcodeRefused
		return m
	case one.Qtype == miekg.TypeOPT, one.Qtype >= 128 && one.Qtype < miekg.TypeANY:
		m.Rcode = miekg.RcodeNotImplemented
		return m
	}
	r := resolve(v, fabric.Query{Name: one.Name, Type: one.Qtype})
	m.Rcode, m.Answer, m.Ns, m.Compress = r.rcode, append(slices.Clone(r.aliases), r.records...), r.soa, true
	small := m.Copy()
	small.Question[0].Name = miekg.CanonicalName(one.Name) // what names are compressed against
	if packed, err := small.Pack(); err != nil || len(packed) > limit {
		m.Truncated, m.Answer, m.Ns = true, nil, nil
	}
	return m
}

// told is a reply as one text in which the case of names and the order of records do not matter.
func told(m *miekg.Msg) string {
	if m == nil {
		return "nothing"
	}
	var rows []string
	for i, section := range [][]miekg.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			rows = append(rows, fmt.Sprint(i, " ", strings.ToLower(rr.String())))
		}
	}
	slices.Sort(rows)
	return fmt.Sprintf("%+v %v\n%s", m.MsgHdr, m.Question, strings.Join(rows, "\n"))
}

// randomly makes worlds of names and questions about them.
type randomly struct{ *rand.Rand }

// name is a name of few labels, so that they meet.
func (r randomly) name(labels int) string {
	out := make([]string, labels)
	for i := range out {
		out[i] = []string{"a", "b", "web", "x-1", "_tcp", "long" + strings.Repeat("g", 40)}[r.IntN(6)]
	}
	return strings.Join(out, ".")
}

func (r randomly) record(names []string) fabric.Record {
	ttl := uint32(r.IntN(4) * 30)
	switch r.IntN(6) {
	case 0:
		return fabric.Record{Type: fabric.TypeAAAA, TTL: ttl, Addr: netip.AddrFrom16([16]byte{0xfd, 15: byte(r.IntN(256))})}
	case 1:
		return fabric.Record{Type: fabric.TypeCNAME, TTL: ttl, Target: names[r.IntN(len(names))]}
	case 2:
		return fabric.Record{Type: miekg.TypeMX, TTL: ttl, Text: "10 " + names[r.IntN(len(names))] + "."}
	case 3:
		return fabric.Record{Type: miekg.TypeTXT, TTL: ttl, Text: `"` + strings.Repeat("t", r.IntN(200)) + `" "\200\"q"`}
	}
	return fabric.Record{Type: fabric.TypeA, TTL: ttl, Addr: netip.AddrFrom4([4]byte{10, 0, byte(r.IntN(4)), byte(r.IntN(256))})}
}

// vpc has some zones, one in another at times, of every kind.
func (r randomly) vpc() (*fabric.VPC, []string) {
	names := make([]string, 24)
	for i := range names {
		names[i] = r.name(1 + r.IntN(4))
	}
	v := &fabric.VPC{Resolver: fabric.Resolver{Enabled: r.IntN(20) > 0}}
	for range 1 + r.IntN(5) {
		z := fabric.NewZone([]fabric.ZoneKind{fabric.HostedZone, fabric.EndpointZone, fabric.PublicZone}[r.IntN(3)], "Z", r.name(1+r.IntN(2)), fabric.SOA{
			NS: "ns.test", Mailbox: "master.test", Serial: 1, Minimum: 60, TTL: uint32(30 * r.IntN(5)),
		})
		for range r.IntN(12) {
			name := z.Name
			if n := r.IntN(5); n > 0 {
				name = r.name(1+r.IntN(3)) + "." + z.Name
				if n == 1 {
					name = "*." + name
				}
			}
			names = append(names, strings.ReplaceAll(name, "*", "any"), name)
			rec := r.record(names)
			for range 1 + r.IntN(1+r.IntN(40)) {
				if more := r.record(names); more.Type == rec.Type && rec.Type != fabric.TypeCNAME {
					z.Add(name, more)
				}
			}
			z.Add(name, rec)
		}
		v.View.Add(z)
	}
	return v, names
}

// question is a message that asks for one of the names, or one near it, in any case of letters.
func (r randomly) question(names []string) []byte {
	name := []byte(names[r.IntN(len(names))])
	for i, c := range name {
		if c >= 'a' && c <= 'z' && r.IntN(2) == 0 {
			name[i] -= 'a' - 'A'
		}
	}
	types := []uint16{miekg.TypeA, miekg.TypeA, miekg.TypeAAAA, miekg.TypeCNAME, miekg.TypeMX, miekg.TypeTXT, miekg.TypeSOA, miekg.TypeNS, miekg.TypeANY, miekg.TypeAXFR, 200, 65280}
	m := new(miekg.Msg).SetQuestion(string(name)+".", types[r.IntN(len(types))])
	m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
	if r.IntN(30) == 0 {
		m.Question[0].Qclass = miekg.ClassCHAOS
	}
	if r.IntN(3) > 0 {
		m.SetEdns0([]uint16{0, 512, 600, 1232, 4096, 65535}[r.IntN(6)], r.IntN(2) == 0)
		opt := m.IsEdns0()
		if r.IntN(20) == 0 {
			opt.SetVersion(1)
		}
		for range r.IntN(3) {
			opt.Option = append(opt.Option, []miekg.EDNS0{&miekg.EDNS0_COOKIE{Code: miekg.EDNS0COOKIE, Cookie: "0102030405060708"},
				&miekg.EDNS0_NSID{Code: miekg.EDNS0NSID}, &miekg.EDNS0_PADDING{Padding: make([]byte, 9)}, &miekg.EDNS0_LOCAL{Code: 65001, Data: []byte{1}}}[r.IntN(4)])
		}
	}
	raw, err := m.Pack()
	if err != nil {
		panic(err) // the names are valid
	}
	return raw
}

// What is remembered, parsed in passing and put together from bytes says the same as the long way: random names, zones, types,
// EDNS and letters.
func TestFastIsSlow(t *testing.T) {
	const worlds, questions = 150, 150
	kinds := map[string]int{}
	for seed := range uint64(worlds) {
		r := randomly{rand.New(rand.NewPCG(seed, 0))}
		v, names := r.vpc()
		a := newAnswerer()
		for range questions {
			raw, way := r.question(names), transport(r.IntN(2))
			want := slow(v, raw, way)
			if want != nil {
				kinds[fmt.Sprint(miekg.RcodeToString[want.Rcode], want.Truncated, len(want.Answer) > 0)]++
			}
			for _, when := range []string{"at first", "again"} {
				var got *miekg.Msg
				if reply := a.answer(v, raw, way); reply != nil {
					got = new(miekg.Msg)
					if err := got.Unpack(reply); err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
				}
				if !v.Resolver.Enabled && want != nil && want.Rcode == miekg.RcodeSuccess && len(want.Answer) == 0 {
					want = nil // turned off, it is silent
				}
				if g, w := told(got), told(want); g != w {
					t.Fatalf("seed %d, %s:\n got %s\nwant %s", seed, when, g, w)
				}
			}
		}
	}
	if len(kinds) < 8 {
		t.Errorf("the questions had but these kinds of answer: %v", kinds)
	}
}
