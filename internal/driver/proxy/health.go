package proxy

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// checks ask targets whether they are well, from where requests to them come.
type checks struct {
	dial dial

	mu   sync.Mutex
	runs map[asked]*asking
}

// asked is a target of a group.
type asked struct {
	group  world.LatticeTargetGroupID
	target string
}

// question is what a target is asked.
type question struct {
	vpc    world.VPCID
	target fabric.ServiceTarget
	check  world.LatticeCheck
}

// asking is a target that is asked again and again.
type asking struct {
	question
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	opinion opinion
}

func newChecks(d dial) *checks { return &checks{dial: d, runs: map[asked]*asking{}} }

// apply asks the targets of all groups that are used and checked, and no others.
func (c *checks) apply(f *fabric.Fabric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := map[asked]bool{}
	for _, g := range f.TargetGroups {
		if !g.Used || !g.Check.Enabled {
			continue
		}
		for _, t := range g.Targets {
			key, q := asked{g.ID, t.Key}, question{g.VPC, t, g.Check}
			wanted[key] = true
			if r := c.runs[key]; r != nil {
				if r.question == q {
					continue
				}
				r.stop()
			}
			c.runs[key] = c.start(q)
		}
	}
	for key, r := range c.runs {
		if !wanted[key] {
			r.stop()
			delete(c.runs, key)
		}
	}
}

// of is what was found of a target.
func (c *checks) of(g world.LatticeTargetGroupID, target string) (well, known bool) {
	c.mu.Lock()
	r := c.runs[asked{g, target}]
	c.mu.Unlock()
	if r == nil {
		return false, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.opinion.well, r.opinion.known
}

func (c *checks) start(q question) *asking {
	ctx, cancel := context.WithCancel(context.Background())
	r := &asking{question: q, cancel: cancel, done: make(chan struct{}), opinion: opinion{healthy: q.check.Healthy, unhealthy: q.check.Unhealthy}}
	go func() {
		defer close(r.done)
		tick := time.NewTicker(time.Duration(q.check.Interval) * time.Second)
		defer tick.Stop()
		for {
			well := q.ask(ctx, c.dial)
			if ctx.Err() != nil {
				return
			}
			r.mu.Lock()
			r.opinion.count(well)
			r.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return r
}

func (r *asking) stop() {
	r.cancel()
	<-r.done
}

// ask asks once.
func (q question) ask(ctx context.Context, d dial) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(q.check.Timeout)*time.Second)
	defer cancel()
	to := q.target.To
	if q.check.Port != 0 {
		to = netip.AddrPortFrom(to.Addr(), q.check.Port)
	}
	t := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx, q.vpc, to) },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+to.String()+q.check.Path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", "kumiko-health-check")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return matchesCode(q.check.Codes, resp.StatusCode)
}

// matchesCode tells whether a code is one of those listed, as in 200,300-399.
func matchesCode(codes string, code int) bool {
	for part := range strings.SplitSeq(codes, ",") {
		lo, hi, ranged := strings.Cut(part, "-")
		if !ranged {
			hi = lo
		}
		a, errA := strconv.Atoi(lo)
		b, errB := strconv.Atoi(hi)
		if errA == nil && errB == nil && a <= code && code <= b {
			return true
		}
	}
	return false
}

// opinion is what is held of a target. One that is not known yet is well with the first good answer.
type opinion struct {
	healthy, unhealthy int // answers in a row that change it
	known, well        bool
	row                int // answers in a row that differ from it
}

// count takes an answer.
func (o *opinion) count(well bool) {
	if o.known && well == o.well {
		o.row = 0
		return
	}
	need := o.unhealthy
	switch {
	case well && o.known:
		need = o.healthy
	case well:
		need = 1
	}
	if o.row++; o.row >= need {
		o.known, o.well, o.row = true, well, 0
	}
}
