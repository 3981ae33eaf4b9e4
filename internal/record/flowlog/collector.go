package flowlog

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kumiko/internal/record"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// The lengths of windows, in seconds. (Amazon EC2 API Reference, CreateFlowLogs, MaxAggregationInterval.)
const (
	Short = 60
	Long  = 600
)

// Config is what a Collector needs.
type Config struct {
	Store  *store.Store
	Log    *record.Store // where records go
	Source Source
	Now    func() time.Time                     // nil: time.Now
	After  func(time.Duration) <-chan time.Time // nil: time.After
}

// Collector gathers traffic and writes flow logs. While there are none it does nothing.
type Collector struct {
	c  Config
	on atomic.Bool // there are flow logs

	mu     sync.Mutex // guards the minute
	minute *minute
	vpcs   map[world.VPCID]bool // that flow logs are about

	turning sync.Mutex // guards what follows, and makes windows end one after the other
	long    *window
	lost    map[world.VPCID]uint64
	seen    world.World              // as it was last looked at
	gone    map[world.ENIID]departed // interfaces that have gone during the long window
}

// New makes a collector, which collects while it runs.
func New(c Config) *Collector {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = time.After
	}
	now := c.Now()
	return &Collector{c: c, minute: newMinute(now), long: newWindow(now), lost: map[world.VPCID]uint64{}, vpcs: map[world.VPCID]bool{}, gone: map[world.ENIID]departed{}}
}

// Run collects until ctx ends, and then writes what there is.
func (c *Collector) Run(ctx context.Context) {
	changed := c.c.Store.Watch(ctx)
	c.follow()
	tick := c.tick()
	for {
		select {
		case <-changed:
			c.follow()
		case <-tick:
			c.turn(c.c.Now(), false)
			tick = c.tick()
		case <-ctx.Done():
			c.Flush()
			return
		}
	}
}

// tick is the end of the running minute.
func (c *Collector) tick() <-chan time.Time {
	now := c.c.Now()
	return c.c.After(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
}

// Flush ends all windows now and writes their records.
func (c *Collector) Flush() {
	if c.on.Load() {
		c.follow()
	}
	c.turn(c.c.Now(), true)
}

// follow lets the source count in the VPCs that flow logs are about now.
func (c *Collector) follow() {
	c.turning.Lock()
	defer c.turning.Unlock()
	w := c.c.Store.World()
	c.remember(w)
	want := map[world.VPCID]bool{}
	for f := range w.FlowLogs.All() {
		if v, ok := f.VPCOf(&w); ok {
			want[v] = true
		}
	}
	c.mu.Lock()
	same := maps.Equal(c.vpcs, want)
	if !same && len(c.vpcs) == 0 { // the first: nothing was counted until now
		now := c.c.Now()
		c.minute, c.long = newMinute(now), newWindow(now)
	}
	c.vpcs = want
	c.mu.Unlock()
	c.on.Store(len(want) > 0)
	if same {
		return
	}
	c.account(want)
}

func (c *Collector) account(vpcs map[world.VPCID]bool) {
	if err := c.c.Source.Account(slices.Sorted(maps.Keys(vpcs))); err != nil {
		slog.Error("flow logs: traffic is not counted everywhere", "err", err)
	}
}

// Refused takes in a packet that was refused. It costs next to nothing while there are no flow logs.
func (c *Collector) Refused(r Refusal) {
	if !c.on.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.vpcs[r.VPC] {
		c.minute.refuse(r)
	}
}

// turn ends the minute, and the longer window when it is over, or when all are to end.
func (c *Collector) turn(now time.Time, all bool) {
	c.turning.Lock()
	defer c.turning.Unlock()
	w := c.c.Store.World()
	c.remember(w)
	vpcs := c.gather(&w)
	c.mu.Lock()
	m := c.minute
	c.minute = newMinute(now)
	c.mu.Unlock()
	for _, t := range vpcs.passed {
		m.pass(t)
	}
	short := m.end()
	for v := range vpcs.lost {
		short.skipped[v] = true
	}
	c.long.join(short)
	var due []batch
	due = append(due, batch{Short, short})
	if all || now.Unix()/Long != c.long.start.Unix()/Long {
		due = append(due, batch{Long, c.long})
		c.long = newWindow(now)
	}
	for _, b := range due {
		if err := c.write(&w, b, now); err != nil {
			slog.Error("flow logs: records are lost", "err", err)
		}
	}
	if len(due) > 1 {
		clear(c.gone)
	}
}

// departed is an interface that is no more, and where it was.
type departed struct {
	world.ENI
	at place
}

// remember keeps interfaces that have gone since the last look, for what they did is still to be told.
func (c *Collector) remember(w world.World) {
	was := c.seen
	c.seen = w
	if !c.on.Load() {
		return
	}
	changes, ok := c.c.Store.Since(was.Rev, w)
	for _, x := range changes {
		if e, had := was.ENIs.Get(world.ENIID(x.ID)); had && x.Noun == "network-interface" && x.Row == nil {
			c.gone[e.ID] = departed{e, placeOf(&was, e)}
		}
	}
	if ok {
		return
	}
	for e := range was.ENIs.All() { // too much has changed
		if _, is := w.ENIs.Get(e.ID); !is {
			c.gone[e.ID] = departed{e, placeOf(&was, e)}
		}
	}
}

// gathered is what the source tells at the end of a minute.
type gathered struct {
	passed []Traffic
	lost   map[world.VPCID]bool // where something was lost
}

func (c *Collector) gather(w *world.World) gathered {
	c.mu.Lock()
	vpcs := maps.Clone(c.vpcs)
	c.mu.Unlock()
	g := gathered{lost: map[world.VPCID]bool{}}
	if len(vpcs) > 0 {
		c.account(vpcs) // where it failed it is tried again
	}
	for v := range vpcs {
		passed, lost, err := c.c.Source.Traffic(v)
		if err != nil {
			slog.Error("flow logs: what passed is not known", "vpc", v, "err", err)
		}
		if err != nil || lost > c.lost[v] {
			g.lost[v] = true
		}
		c.lost[v] = lost
		for _, t := range passed {
			if t.Way == Peering && far(w, t.Peering) {
				t.Way = FarPeering
			}
			g.passed = append(g.passed, t)
		}
	}
	return g
}

// far tells whether a peering joins two regions.
func far(w *world.World, id world.PeeringID) bool {
	p, ok := w.Peerings.Get(id)
	return ok && p.Requester.Region != p.Accepter.Region
}
