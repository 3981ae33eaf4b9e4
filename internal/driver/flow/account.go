package flow

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nfnetlink"
	"kumiko/internal/world"
)

// maxEnded is how many ended connections of a router wait at most to be asked for; more are lost, and counted.
const maxEnded = 1 << 18

// account follows the tracked connections of one router: what it saw of each at the last look, and what passed over
// those that ended since. Packets cost nothing: the kernel counts, and tells of ends.
type account struct {
	scope     *scope
	ends      *nfnetlink.EndReader
	tracker   *nfnetlink.Tracker
	forwarded *forwarded
	wg        sync.WaitGroup

	mu      sync.Mutex
	looked  time.Time // when the connections were last listed
	known   map[identity]seen
	late    []late            // ended since the last look
	ended   []Traffic         // to be handed out
	gone    map[identity]bool // ended while the connections are being listed; nil: they are not
	dropped uint64
}

// identity tells tracked connections apart.
type identity struct {
	id       uint32
	original nfnetlink.Tuple
}

// seen is what was counted when a connection was last looked at, with the TCP flags reported so far.
type seen struct {
	sent, answered           nfnetlink.Counter
	sentFlags, answeredFlags uint8
}

// late is a connection that has ended, with what was seen of it before.
type late struct {
	usage  nfnetlink.Usage
	before seen
}

// counting are the parameters of a router whose connections are accounted for. (Linux kernel, nf_conntrack-sysctl.rst.)
func counting(on string) []kernel.Sysctl {
	return []kernel.Sysctl{
		{Name: "netfilter/nf_conntrack_timestamp", Value: on, Optional: true},
		{Name: "netfilter/nf_conntrack_events", Value: on, Optional: true},
	}
}

// openAccount begins to account for the connections of a router. What had passed before does not count.
func openAccount(s *scope, path string) (*account, error) {
	a := &account{scope: s, known: map[identity]seen{}}
	on := append(counting("1"), kernel.Sysctl{Name: "netfilter/nf_conntrack_acct", Value: "1", Optional: true})
	if err := kernel.SetSysctls(path, on); err != nil {
		return nil, err
	}
	var err error
	if a.ends, err = nfnetlink.OpenEnds(path); err != nil {
		return nil, err
	}
	if a.tracker, err = nfnetlink.OpenTracker(path); err != nil {
		return nil, errors.Join(err, a.ends.Close())
	}
	if a.forwarded, err = openForwarded(path); err != nil {
		a.tracker.Close()
		return nil, errors.Join(err, a.ends.Close())
	}
	a.looked = time.Now()
	a.wg.Go(a.readEnds)
	if err := a.look(); err != nil {
		a.close()
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = nil
	return a, nil
}

// quiet ends the cost of accounting in a namespace that stays.
func quiet(path string) error { return kernel.SetSysctls(path, counting("0")) }

func (a *account) close() {
	a.ends.Close()
	a.tracker.Close()
	a.forwarded.close()
	a.wg.Wait()
}

// readEnds notes what passed over connections that end, until the reader is closed.
func (a *account) readEnds() {
	for {
		ends, err := a.ends.Read()
		a.mu.Lock()
		for _, u := range ends {
			a.end(u)
		}
		a.mu.Unlock()
		if err != nil {
			a.scope.ended("ends of connections", err)
			return
		}
	}
}

func (a *account) end(u nfnetlink.Usage) {
	i := identity{u.ID, u.Original}
	if len(a.late) < maxEnded {
		a.late = append(a.late, late{u, a.known[i]})
	} else {
		a.dropped++
	}
	delete(a.known, i)
	if a.gone != nil {
		a.gone[i] = true
	}
}

// look lists the connections and notes what passed over each since it was last seen, and what was forwarded. That is read last: what
// connections count of it must not be taken for something else.
func (a *account) look() error {
	a.mu.Lock()
	a.gone = map[identity]bool{}
	a.mu.Unlock()
	all, err := a.tracker.Connections()
	a.mu.Lock()
	ended := a.late
	a.late = nil
	a.mu.Unlock()
	passages, more := a.forwarded.look()
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	gone := a.gone
	a.gone = nil
	for _, l := range ended {
		a.add(l.usage, l.before, now)
	}
	if err := errors.Join(err, more); err != nil {
		return err
	}
	next := make(map[identity]seen, len(all))
	for _, u := range all {
		i := identity{u.ID, u.Original}
		if _, twice := next[i]; !twice && !gone[i] { // the list may repeat what moves while it is made
			next[i] = a.add(u, a.known[i], now)
		}
	}
	devices := map[uint32]string{}
	for p, n := range passages {
		if t, ok := a.traffic(p, n, devices, now); ok {
			a.note(t)
		}
	}
	a.known, a.looked = next, now
	return nil
}

// note keeps what is to be handed out.
func (a *account) note(t Traffic) {
	if len(a.ended) >= maxEnded {
		a.dropped++
		return
	}
	a.ended = append(a.ended, t)
}

// add notes what passed since the connection was seen before, and returns what is seen now.
func (a *account) add(u nfnetlink.Usage, before seen, now time.Time) seen {
	sent, answered := flags(u)
	after := seen{u.Sent, u.Answered, sent, answered}
	t := Traffic{
		Protocol: world.Protocol(u.Original.Protocol), Src: u.Original.Src, Dst: u.Original.Dst, Target: u.Reply.Src, Start: a.looked, End: now,
	}
	there, back := courses(u)
	t.Sent = a.forwarded.less(since(u.Sent, before.sent, sent&^before.sentFlags), there)
	t.Answered = a.forwarded.less(since(u.Answered, before.answered, answered&^before.answeredFlags), back)
	if t.Sent.Packets == 0 && t.Answered.Packets == 0 {
		return after
	}
	if u.Start.After(t.Start) && u.Start.Before(t.End) {
		t.Start = u.Start
	}
	if !a.scope.named().where().complete(&t) {
		return after
	}
	a.note(t)
	return after
}

// since is what was counted after before. A counter that fell is that of an entry begun anew.
func since(now, before nfnetlink.Counter, flags uint8) Passed {
	if now.Packets < before.Packets || now.Bytes < before.Bytes {
		before = nfnetlink.Counter{}
	}
	p := Passed{Packets: now.Packets - before.Packets, Bytes: now.Bytes - before.Bytes}
	if p.Packets > 0 {
		p.Flags = flags
	}
	return p
}

// flags are the TCP flags that each side of a connection must have sent for it to be where it is.
func flags(u nfnetlink.Usage) (sent, answered uint8) {
	if world.Protocol(u.Original.Protocol) != world.TCP || u.Sent.Packets == 0 {
		return 0, 0
	}
	sent = SYN
	switch {
	case u.Answered.Packets == 0:
	case u.TCP.State == nfnetlink.TCPClosed && u.Sent.Packets == 1: // the first packet was answered with a reset
		answered = RST
	default:
		answered = SYN | ACK
	}
	both := u.TCP.State == nfnetlink.TCPLastAck || u.TCP.State == nfnetlink.TCPTimeWait
	if both || u.TCP.OriginalCloses {
		sent |= FIN
	}
	if both || u.TCP.ReplyCloses {
		answered |= FIN
	}
	return sent, answered
}

// take looks, and hands out all that passed since the last time.
func (a *account) take() ([]Traffic, error) {
	err := a.look()
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.ended
	a.ended = nil
	return out, err
}

func (a *account) lost() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.dropped + a.ends.Lost()
}

// Account sets the VPCs whose traffic is accounted for, from now on. Routers that are made later are accounted for from
// the beginning.
func (d *Driver) Account(vpcs []world.VPCID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accounted = map[string]bool{}
	for _, v := range vpcs {
		d.accounted[string(v)] = true
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.scopes)) {
		errs = append(errs, d.adjust(name))
	}
	return errors.Join(errs...)
}

// adjust begins or ends the accounting of a scope as wanted.
func (d *Driver) adjust(name string) error {
	s := d.scopes[name]
	switch {
	case d.accounted[name] && s.account == nil:
		a, err := openAccount(s, d.path(name))
		if err != nil {
			return fmt.Errorf("flow: account for %s: %w", name, err)
		}
		s.account = a
	case !d.accounted[name] && s.account != nil:
		d.lost += s.account.lost()
		s.account.close()
		s.account = nil
		if err := quiet(d.path(name)); err != nil {
			slog.Warn("connections are still timed", "scope", name, "err", err)
		}
	}
	return nil
}

// Traffic hands out what passed over the tracked connections of a VPC that is accounted for since the last call, and
// how often records of the VPC, refusals included, were lost since its readers were opened.
func (d *Driver) Traffic(v world.VPCID) (passed []Traffic, lost uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.scopes[string(v)]
	if s == nil || s.account == nil {
		return nil, 0, nil
	}
	passed, err = s.account.take()
	if err != nil {
		err = fmt.Errorf("flow: traffic of %s: %w", v, err)
	}
	return passed, s.lost(), err
}
