package dns

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	miekg "github.com/miekg/dns"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// Limits of forwarding. A client waits for five seconds, usually, before it asks again.
const (
	forwardTime = 4500 * time.Millisecond // for one question, whatever the targets do
	tryTime     = 1500 * time.Millisecond // for one target to answer
	minTries    = 3                       // in turn, from another interface each
)

// forwarder asks the targets of Resolver rules. It remembers no answers, but a question that is being asked is not
// asked again: who has the same one waits with it. So a question that comes back to where it was asked, by rules that
// lead in a circle, is not asked for ever.
type forwarder struct {
	cfg    Config
	fabric atomic.Pointer[fabric.Fabric]
	turn   atomic.Uint32
	ctx    context.Context
	stop   context.CancelFunc

	mu      sync.Mutex
	under   map[asked]*flight
	running sync.WaitGroup
}

// asked is a question under way.
type asked struct {
	vpc      world.VPCID
	rule     world.ResolverRuleID
	name     string
	qtype    uint16
	dnssecOK bool
}

// flight is what is to come of a question.
type flight struct {
	done  chan struct{}
	reply *miekg.Msg
}

func newForwarder(cfg Config) *forwarder {
	f := &forwarder{cfg: cfg, under: map[asked]*flight{}}
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f
}

// ask asks the targets of a rule. The reply is nil when quit is closed before there is one.
func (f *forwarder) ask(k asked, rule *fabric.Forward, quit <-chan struct{}) *miekg.Msg {
	f.mu.Lock()
	t := f.under[k]
	if t == nil {
		t = &flight{done: make(chan struct{})}
		f.under[k] = t
		f.running.Go(func() { f.fly(t, k, rule) })
	}
	f.mu.Unlock()
	select {
	case <-t.done:
		return t.reply.Copy()
	case <-quit:
		return nil
	}
}

func (f *forwarder) fly(t *flight, k asked, rule *fabric.Forward) {
	t.reply = f.exchange(k, rule)
	f.mu.Lock()
	delete(f.under, k)
	f.mu.Unlock()
	close(t.done)
}

// close gives up what is under way. Nobody may ask any more.
func (f *forwarder) close() {
	f.stop()
	f.running.Wait()
}

// exchange asks the targets, one after the other, until one answers. What says that it cannot is the answer when none
// can.
func (f *forwarder) exchange(k asked, rule *fabric.Forward) *miekg.Msg {
	ctx, cancel := context.WithTimeout(f.ctx, forwardTime)
	defer cancel()
	failed := &miekg.Msg{MsgHdr: miekg.MsgHdr{Rcode: miekg.RcodeServerFailure}}
	world := f.fabric.Load()
	if world == nil || len(rule.Targets) == 0 {
		return failed
	}
	e := world.Resolver(rule.Endpoint)
	if e == nil || len(e.Addrs) == 0 {
		return failed
	}
	tries := max(minTries, len(rule.Targets))
	for n := 0; n < tries && ctx.Err() == nil; n++ {
		from := e.Addrs[int(f.turn.Add(1))%len(e.Addrs)]
		reply, err := f.try(ctx, way{kernel.Path(f.cfg.Run, e.ID), from, rule.Targets[n%len(rule.Targets)]}, k)
		switch {
		case err != nil:
			f.cfg.Log.Debug("dns: target does not answer", "rule", rule.Rule, "err", err)
		case reply.Rcode == miekg.RcodeSuccess || reply.Rcode == miekg.RcodeNameError:
			return reply
		default:
			failed = reply
			if n+1 >= len(rule.Targets) {
				return failed
			}
		}
	}
	return failed
}

// way is how a query goes: from where, in which namespace, to what.
type way struct {
	ns   string
	from netip.Addr
	to   netip.AddrPort
}

// try asks one target once, and again over TCP when its answer is too long.
func (f *forwarder) try(ctx context.Context, w way, k asked) (*miekg.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	var id [2]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	m := new(miekg.Msg).SetQuestion(k.name, k.qtype)
	m.Id = binary.BigEndian.Uint16(id[:])
	m.SetEdns0(ednsUDPSize, k.dnssecOK)
	raw, err := m.Pack()
	if err != nil {
		return nil, err
	}
	for _, network := range []string{"udp", "tcp"} {
		reply, err := f.send(ctx, network, w, raw)
		if err != nil {
			return nil, err
		}
		if !reply.Truncated || network == "tcp" {
			return reply, nil
		}
	}
	return nil, errors.New("dns: truncated over TCP")
}

// send sends a query and waits for its reply.
func (f *forwarder) send(ctx context.Context, network string, w way, raw []byte) (*miekg.Msg, error) {
	c, err := f.cfg.Sockets.Dial(ctx, w.ns, network, w.from, w.to)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	out := raw
	if network == "tcp" {
		out = append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)
	}
	if _, err := c.Write(out); err != nil {
		return nil, err
	}
	in := make([]byte, miekg.MaxMsgSize)
	for {
		n, err := receive(c, network, in)
		if err != nil {
			return nil, err
		}
		if reply := replyTo(raw, in[:n]); reply != nil {
			return reply, nil
		}
		if network == "tcp" {
			return nil, fmt.Errorf("dns: %s does not answer what it was asked", w.to)
		}
	}
}

// receive reads one message.
func receive(c net.Conn, network string, in []byte) (int, error) {
	if network == "udp" {
		return c.Read(in)
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	return io.ReadFull(c, in[:n])
}

// replyTo reads a message, if it answers the query. (RFC 5452 §9.1.)
func replyTo(query, raw []byte) *miekg.Msg {
	var q, m miekg.Msg
	if q.Unpack(query) != nil || m.Unpack(raw) != nil || !m.Response || m.Id != q.Id || len(m.Question) != 1 {
		return nil
	}
	a, b := q.Question[0], m.Question[0]
	if a.Qtype != b.Qtype || a.Qclass != b.Qclass || !strings.EqualFold(a.Name, b.Name) {
		return nil
	}
	return &m
}

// forwarded makes the result of what a target said: behind the aliases that led to the rule.
func (r result) forwarded(m *miekg.Msg) result {
	out := result{fixed: true, aliases: r.aliases, rcode: m.Rcode & 0xf}
	for _, rr := range m.Answer {
		if strings.EqualFold(rr.Header().Name, r.name) {
			rr.Header().Name = r.name // as the client wrote it: it is compressed against the question
		}
		out.records = append(out.records, rr)
	}
	out.soa = m.Ns
	return out
}
