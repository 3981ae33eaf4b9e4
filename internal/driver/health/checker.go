package health

import (
	"context"
	"net"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// Config is what a Checker needs.
type Config struct {
	Run     string                                  // runtime folder, where the namespaces are
	Resolve func(name string) (netip.Addr, bool)    // the address a name has on the Internet
	Changed func(id world.HealthCheckID, well bool) // tells that a check has another result than before
	Dial    dial
}

// Finding is what was found when a check was last made from a region.
type Finding struct {
	Region string
	From   netip.Addr
	Text   string // for people
	OK     bool
	Time   time.Time
}

// Checker makes checks. Its methods may be called from any goroutine.
type Checker struct {
	cfg Config

	mu   sync.Mutex
	runs map[world.HealthCheckID]*run
}

// New makes a checker that checks nothing.
func New(c Config) *Checker {
	if c.Dial == nil {
		c.Dial = dialIn(kernel.Path(c.Run, kernel.PublicNamespace))
	}
	return &Checker{cfg: c, runs: map[world.HealthCheckID]*run{}}
}

// dial connects from an address.
type dial = func(ctx context.Context, from netip.Addr, to netip.AddrPort) (net.Conn, error)

// dialIn connects in the namespace at path.
func dialIn(path string) dial {
	return func(ctx context.Context, from netip.Addr, to netip.AddrPort) (conn net.Conn, err error) {
		err = kernel.In(path, func() (err error) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}
			d.SetMultipathTCP(false)
			conn, err = d.DialContext(ctx, "tcp4", to.String())
			return err
		})
		return conn, err
	}
}

// Apply makes the checks those given: with what was found before, if that is known, for new ones.
func (c *Checker) Apply(checks []world.HealthCheck, before map[world.HealthCheckID]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[world.HealthCheckID]bool{}
	for _, h := range checks {
		if h.Disabled || h.Calculated() {
			continue
		}
		wanted[h.ID] = true
		if r := c.runs[h.ID]; r != nil {
			if reflect.DeepEqual(r.check.HealthCheckConfig, h.HealthCheckConfig) {
				continue
			}
			r.stop()
		}
		well, known := before[h.ID]
		c.runs[h.ID] = c.start(h, well || !known)
	}
	for id, r := range c.runs {
		if !wanted[id] {
			r.stop()
			delete(c.runs, id)
		}
	}
}

// Last is what was last found by a check, by region.
func (c *Checker) Last(id world.HealthCheckID) []Finding {
	c.mu.Lock()
	r := c.runs[id]
	c.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.last()
}

// Close ends all checks.
func (c *Checker) Close() { c.Apply(nil, nil) }

// run is a check that is made again and again.
type run struct {
	check  world.HealthCheck
	ask    func(ctx context.Context, from netip.Addr) (string, bool)
	tell   func(bool)
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	votes []vote
	well  bool
}

// vote is one region's opinion, which changes when so many questions in a row have another outcome.
type vote struct {
	Finding
	well bool
	row  int // questions in a row whose outcome is not the opinion
}

func (c *Checker) start(h world.HealthCheck, well bool) *run {
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{
		check: h, well: well, cancel: cancel, done: make(chan struct{}),
		ask:  func(ctx context.Context, from netip.Addr) (string, bool) { return c.ask(ctx, h, from) },
		tell: func(well bool) { c.cfg.Changed(h.ID, well) },
	}
	regions := h.Regions
	if len(regions) == 0 {
		regions = world.CheckerRegions()
	}
	for _, region := range regions {
		if a := world.CheckerAddress(region); a.IsValid() {
			r.votes = append(r.votes, vote{Finding: Finding{Region: region, From: a}, well: well})
		}
	}
	go r.loop(ctx)
	return r
}

func (r *run) stop() {
	r.cancel()
	<-r.done
}

// loop asks at once and then at the interval, until ctx ends.
func (r *run) loop(ctx context.Context) {
	defer close(r.done)
	tick := time.NewTicker(time.Duration(r.check.Interval) * time.Second)
	defer tick.Stop()
	for {
		r.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round asks from all regions at once, and tells if the check's result is another than before.
func (r *run) round(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range r.votes {
		wg.Go(func() {
			text, ok := r.ask(ctx, r.votes[i].From)
			if ctx.Err() == nil {
				r.count(i, text, ok)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	was, is := r.well, healthy(r.votes)
	r.well = is
	r.mu.Unlock()
	if was != is {
		r.tell(is)
	}
}

// count takes the outcome of one question.
func (r *run) count(i int, text string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := &r.votes[i]
	v.Text, v.OK, v.Time = text, ok, time.Now().UTC()
	if ok == v.well {
		v.row = 0
		return
	}
	if v.row++; v.row >= r.check.FailureThreshold {
		v.well, v.row = ok, 0
	}
}

// healthy tells whether more than 18 % of the regions say so. (Amazon Route 53 Developer Guide, "How Route 53 determines
// whether a health check is healthy".)
func healthy(votes []vote) bool {
	n := 0
	for _, v := range votes {
		if v.well {
			n++
		}
	}
	return n*100 > len(votes)*18
}

func (r *run) last() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Finding
	for _, v := range r.votes {
		if !v.Time.IsZero() {
			out = append(out, v.Finding)
		}
	}
	return out
}
