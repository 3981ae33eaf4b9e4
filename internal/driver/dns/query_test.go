package dns

import (
	"bytes"
	"slices"
	"testing"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
)

// FuzzQuery sends any bytes: every reply must be one that miekg/dns reads, mirror the query, fit its transport, be
// the same when it is remembered, and agree with fabric.
func FuzzQuery(f *testing.F) {
	for _, name := range []string{"db.example.internal.", "PAIR.example.internal.", "www.example.internal.", "many.example.internal.", ".", "none.test."} {
		m := new(miekg.Msg).SetQuestion(name, miekg.TypeA)
		for range 2 {
			raw, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw, false)
			m.SetEdns0(1232, true)
		}
	}
	v := testVPC("vpc-1")
	warm := newAnswerer()
	f.Fuzz(func(t *testing.T, raw []byte, overTCP bool) {
		way, limit := udp, ednsUDPSize
		if overTCP {
			way, limit = tcp, miekg.MaxMsgSize
		}
		reply := slices.Clone(newAnswerer().answer(v, raw, way))
		if len(raw) < headerSize || raw[2]&0x80 != 0 {
			if reply != nil {
				t.Fatal("answered what is no query")
			}
			return
		}
		var m miekg.Msg
		if err := m.Unpack(reply); err != nil || len(reply) > limit || !bytes.Equal(reply[:2], raw[:2]) {
			t.Fatalf("reply of %d bytes: %v", len(reply), err)
		}
		if again := warm.answer(v, raw, way); len(again) != len(reply) || !bytes.Equal(again[:headerSize], reply[:headerSize]) {
			t.Fatal("the remembered answer differs")
		}
		if m.Rcode != miekg.RcodeSuccess || m.Truncated || len(m.Question) != 1 {
			return
		}
		if !bytes.HasPrefix(raw[headerSize:], reply[headerSize:headerSize+len(m.Question[0].Name)]) && m.Question[0].Name != "." {
			t.Fatal("the question is not mirrored")
		}
		want := fabric.Answer(v, m.Question[0].Name, m.Question[0].Qtype)
		if want.Outcome == fabric.NXDomain && m.Question[0].Qtype != miekg.TypeANY || len(m.Answer) < len(want.Records) {
			t.Fatalf("fabric says %+v, the reply %s", want, summary(&m))
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	v := testVPC("vpc-1")
	raw, err := new(miekg.Msg).SetQuestion("db.example.internal.", miekg.TypeA).SetEdns0(4096, false).Pack()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("remembered", func(b *testing.B) {
		a := newAnswerer()
		b.ReportAllocs()
		for b.Loop() {
			a.answer(v, raw, udp)
		}
	})
	b.Run("fresh", func(b *testing.B) {
		a := newAnswerer()
		b.ReportAllocs()
		for b.Loop() {
			clear(a.known)
			a.answer(v, raw, udp)
		}
	})
}
