package flowlog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/world"
)

// printer prints the records of a window that one flow log wants.
type printer struct {
	w      *world.World
	gone   map[world.ENIID]departed // during the window
	log    world.FlowLog
	format Format
	lines  map[string][]record.Event // by stream
}

// records prints the records of a window that a flow log wants.
func (c *Collector) records(w *world.World, f world.FlowLog, b batch, now time.Time) (delivery, error) {
	format, err := ParseFormat(f.Format)
	if err != nil {
		return delivery{}, fmt.Errorf("flowlog: format of %s: %w", f.ID, err)
	}
	p := printer{w, c.gone, f, format, map[string][]record.Event{}}
	p.idle(b, p.busy(b), now)
	for _, events := range p.lines {
		slices.SortFunc(events, func(a, b record.Event) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.Message, b.Message))
		})
	}
	return delivery{log: f, lines: p.lines}, nil
}

// busy prints what passed and was refused, and returns the interfaces that had traffic.
func (p printer) busy(b batch) map[world.ENIID]bool {
	places, busy := map[world.ENIID]*place{}, map[world.ENIID]bool{}
	for k, s := range b.sums {
		at, known := places[k.eni]
		if !known {
			at = p.find(k.eni)
			places[k.eni] = at
		}
		if at == nil {
			continue
		}
		busy[k.eni] = true
		e := entry{status: statusOK, key: k, sum: s, at: *at}
		if p.log.Traffic == world.FlowAll || p.log.Traffic == e.action() {
			p.add(e)
		}
	}
	return busy
}

// idle prints that interfaces had no traffic, or that records were lost.
func (p printer) idle(b batch, busy map[world.ENIID]bool, now time.Time) {
	start := b.start
	if p.log.Created.After(start) {
		start = p.log.Created
	}
	for i := range p.w.ENIs.All() {
		lost := b.full || b.skipped[i.VPC]
		if !p.log.Covers(i) || !inUse(i) || busy[i.ID] && !lost {
			continue
		}
		e := entry{status: statusNone, key: key{eni: i.ID}, sum: sum{start: start, end: now}, at: placeOf(p.w, i)}
		if lost {
			e.status = statusSkip
		}
		p.add(e)
	}
}

func (p printer) add(e entry) {
	stream := string(e.key.eni) + "-" + strings.ToLower(p.log.Traffic)
	p.lines[stream] = append(p.lines[stream], record.Event{Time: e.sum.start.UnixMilli(), Message: p.format.line(e)})
}

// find is where an interface that the flow log covers is, or was; nil for others.
func (p printer) find(id world.ENIID) *place {
	was, left := p.gone[id]
	i, ok := p.w.ENIs.Get(id)
	switch {
	case ok && p.log.Covers(i):
		return new(placeOf(p.w, i))
	case !ok && left && p.log.Covers(was.ENI):
		return &was.at
	}
	return nil
}

func placeOf(w *world.World, i world.ENI) place {
	s, _ := w.Subnets.Get(i.Subnet)
	at := place{
		account: string(i.Account), region: i.Region, zoneID: world.ZoneID(i.Region, s.Zone), vpc: i.VPC, subnet: i.Subnet,
		instance: i.Attachment.Instance,
	}
	if len(i.Addrs) > 0 {
		at.primary = i.Addrs[0]
	}
	return at
}

// inUse tells whether something is plugged into the interface.
func inUse(i world.ENI) bool { return i.Attachment.ID != "" || i.Gateway != "" || i.NAT != "" }
