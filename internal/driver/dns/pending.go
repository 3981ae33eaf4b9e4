package dns

import (
	"net"
	"net/netip"
	"time"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// later answers a query once another resolver was asked. It does not wait for that.
func (s *server) later(p *pending, v *fabric.VPC, from netip.AddrPort, c *net.UDPConn) {
	if p == nil {
		return
	}
	select {
	case s.pending <- struct{}{}:
	default:
		return
	}
	s.readers.Go(func() {
		defer func() { <-s.pending }()
		if reply := s.complete(p, v, udp); reply != nil {
			_, _ = c.WriteToUDPAddrPort(reply, from) // lost like any datagram when it cannot be sent
			s.note(v, from, udp, reply)
		}
	})
}

// complete asks the other resolver and composes the reply.
func (s *server) complete(p *pending, v *fabric.VPC, t transport) []byte {
	r := p.found
	said := s.forwards.ask(asked{v.ID, r.forward.Rule, r.name, p.query.qtype, p.query.dnssecOK}, r.forward, s.quit)
	if said == nil {
		return nil
	}
	done := pack(p.name, p.query.qtype, r.forwarded(said))
	return newAnswerer().compose(&p.query, done, t)
}

// Question is what was asked of a resolver, with its answer.
type Question struct {
	Time     time.Time
	VPC      world.VPCID
	Endpoint world.ResolverEndpointID // the inbound endpoint it was asked at, if any
	From     netip.AddrPort
	TCP      bool
	Name     string // as it was asked, with a dot at the end
	Type     string // e.g. A
	Class    string // e.g. IN
	Rcode    string // e.g. NOERROR
	Answers  []Answered
}

// Answered is a record of an answer.
type Answered struct{ Data, Type, Class string }

// note tells of a query that was answered, if the VPC wants it.
func (s *server) note(v *fabric.VPC, from netip.AddrPort, t transport, reply []byte) {
	if !v.View.Logged {
		return
	}
	var m miekg.Msg
	if m.Unpack(reply) != nil || len(m.Question) != 1 {
		return
	}
	q := m.Question[0]
	out := Question{
		Time: time.Now(), VPC: v.ID, Endpoint: s.endpoint, From: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), TCP: t == tcp,
		Name: q.Name, Type: miekg.Type(q.Qtype).String(), Class: miekg.Class(q.Qclass).String(), Rcode: miekg.RcodeToString[m.Rcode],
	}
	for _, rr := range m.Answer {
		h := rr.Header()
		out.Answers = append(out.Answers, Answered{rr.String()[len(h.String()):], miekg.Type(h.Rrtype).String(), miekg.Class(h.Class).String()})
	}
	s.asked(out)
}
