package flowlog

import (
	"net/netip"
	"time"

	"kumiko/internal/world"
)

// window gathers what is to be in one set of records.
type window struct {
	start   time.Time
	sums    map[key]sum
	skipped map[world.VPCID]bool // something was lost
	full    bool                 // something did not fit
}

// maxSums is how many different records a window has at most: whoever scans ports makes one with each packet.
const maxSums = 1 << 18

func newWindow(start time.Time) *window {
	return &window{start: start, sums: map[key]sum{}, skipped: map[world.VPCID]bool{}}
}

func (w *window) add(k key, s sum) {
	if k.eni == "" || s.packets == 0 {
		return
	}
	have, known := w.sums[k]
	if !known && len(w.sums) >= maxSums {
		w.full = true
		return
	}
	have.join(s)
	w.sums[k] = have
}

func (w *window) join(o *window) {
	for k, s := range o.sums {
		w.add(k, s)
	}
	for v := range o.skipped {
		w.skipped[v] = true
	}
	w.full = w.full || o.full
}

// course is one direction of a conversation in a VPC, as its router sees it.
type course struct {
	vpc      world.VPCID
	protocol world.Protocol
	src, dst netip.AddrPort
}

// doubt is what one sender was refused in a course and may have been counted as passed: where it left the sender, and where it was
// to enter the receiver.
type doubt struct {
	left, entering sum
	taken          bool // off what was counted of the course
}

// minute is the window that goes on, with what can be told only at its end.
type minute struct {
	*window
	doubts map[course]map[world.ENIID]*doubt // by sender: who began, or who forwards
	count  int                               // of doubts
}

func newMinute(start time.Time) *minute {
	return &minute{window: newWindow(start), doubts: map[course]map[world.ENIID]*doubt{}}
}

// refuse takes a refusal in. Who sent a packet that was refused where it was to enter has sent it all the same.
func (m *minute) refuse(r Refusal) {
	k := key{eni: r.Sender, egress: true, refused: true, protocol: r.Protocol, src: r.Src, dst: r.Dst}
	sent := k
	sent.refused = false
	if r.entering() {
		k.eni, k.egress = r.Receiver, false
	}
	m.add(k, r.sum())
	switch {
	case r.doubtful():
		d := m.doubt(course{r.VPC, r.Protocol, r.Src, r.Dst}, r.Sender)
		if d == nil {
			return
		}
		if r.entering() {
			d.entering.join(r.sum())
		} else {
			d.left.join(r.sum())
		}
	case r.entering():
		s := r.sum()
		s.way = Inside
		m.add(sent, s)
	}
}

// doubt is the sender's in the course; nil when there is no more room.
func (m *minute) doubt(c course, sender world.ENIID) *doubt {
	d := m.doubts[c][sender]
	if d != nil {
		return d
	}
	if m.count >= maxSums {
		m.full = true
		return nil
	}
	if m.doubts[c] == nil {
		m.doubts[c] = map[world.ENIID]*doubt{}
	}
	d = &doubt{}
	m.doubts[c][sender] = d
	m.count++
	return d
}

// pass takes in what was counted on a connection, less what was refused of it.
func (m *minute) pass(t Traffic) {
	var there, back doubt
	if !t.Forwarded {
		there = m.settle(course{t.VPC, t.Protocol, t.Src, t.Target}, t.Sender, &t.Sent)
		back = m.settle(course{t.VPC, t.Protocol, t.Target, t.Src}, t.Receiver, &t.Answered)
	}
	counted := func(p Passed, refused ...sum) sum {
		p.less(refused...)
		return sum{p.Packets, p.Bytes, t.Start, t.End, p.Flags, t.Way}
	}
	k := key{eni: t.Sender, egress: true, protocol: t.Protocol, src: t.Src, dst: t.Dst}
	m.add(k, counted(t.Sent, there.left))
	k = key{eni: t.Sender, protocol: t.Protocol, src: t.Dst, dst: t.Src}
	m.add(k, counted(t.Answered, back.left, back.entering))
	k = key{eni: t.Receiver, protocol: t.Protocol, src: t.Src, dst: t.Target}
	m.add(k, counted(t.Sent, there.left, there.entering))
	k = key{eni: t.Receiver, egress: true, protocol: t.Protocol, src: t.Target, dst: t.Src}
	m.add(k, counted(t.Answered, back.left))
}

// less takes off what was refused.
func (p *Passed) less(refused ...sum) {
	for _, s := range refused {
		p.Packets -= min(p.Packets, s.packets)
		p.Bytes -= min(p.Bytes, s.bytes)
	}
}

// settle takes out what the sender was refused in the course of a connection. What others were, who forward it, was counted too, but is not
// the sender's.
func (m *minute) settle(c course, sender world.ENIID, counted *Passed) doubt {
	var own doubt
	for who, d := range m.doubts[c] {
		switch {
		case who == sender:
			own = *d
			delete(m.doubts[c], who)
			m.count--
		case !d.taken:
			counted.less(d.left, d.entering)
			d.taken = true
		}
	}
	return own
}

// end gives those who sent packets of no connection, or forwarded some, refused where they were to enter, their due.
func (m *minute) end() *window {
	for c, by := range m.doubts {
		for sender, d := range by {
			s := d.entering
			s.way = Inside
			m.add(key{eni: sender, egress: true, protocol: c.protocol, src: c.src, dst: c.dst}, s)
		}
	}
	return m.window
}
