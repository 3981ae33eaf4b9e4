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

// doubt is what was refused in a course and may have been counted as passed: where it left the sender, and where it was
// to enter the receiver.
type doubt struct {
	sender         world.ENIID
	left, entering sum
}

// minute is the window that goes on, with what can be told only at its end.
type minute struct {
	*window
	doubts map[course]*doubt
}

func newMinute(start time.Time) *minute {
	return &minute{window: newWindow(start), doubts: map[course]*doubt{}}
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
		c := course{r.VPC, r.Protocol, r.Src, r.Dst}
		d := m.doubts[c]
		if d == nil {
			if len(m.doubts) >= maxSums {
				m.full = true
				return
			}
			d = &doubt{sender: r.Sender}
			m.doubts[c] = d
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

// pass takes in what was counted on a connection, less what was refused of it.
func (m *minute) pass(t Traffic) {
	there := m.settle(course{t.VPC, t.Protocol, t.Src, t.Target})
	back := m.settle(course{t.VPC, t.Protocol, t.Target, t.Src})
	counted := func(p Passed, refused ...sum) sum {
		for _, s := range refused {
			p.Packets -= min(p.Packets, s.packets)
			p.Bytes -= min(p.Bytes, s.bytes)
		}
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

// settle takes out what was refused in the course of a connection.
func (m *minute) settle(c course) doubt {
	d := m.doubts[c]
	if d == nil {
		return doubt{}
	}
	delete(m.doubts, c)
	return *d
}

// end gives those who sent packets of no connection, refused where they were to enter, their due.
func (m *minute) end() *window {
	for c, d := range m.doubts {
		s := d.entering
		s.way = Inside
		m.add(key{eni: d.sender, egress: true, protocol: c.protocol, src: c.src, dst: c.dst}, s)
	}
	return m.window
}
