package health

import (
	"bufio"
	"context"
	"net/http"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Targets asks the targets of load balancers whether they are well: real connections, from the namespace of the load
// balancer and by way of each node that may send to the target. Its methods may be called from any goroutine.
type Targets struct {
	run  string                      // runtime folder, where the namespaces are
	told func(key string, well bool) // tells what was found first, and when that changes

	mu   sync.Mutex
	runs map[string]*asking
}

// NewTargets makes one that asks nobody.
func NewTargets(run string, told func(key string, well bool)) *Targets {
	return &Targets{run: run, told: told, runs: map[string]*asking{}}
}

// asking is a target that is asked again and again.
type asking struct {
	probe  fabric.Probe
	dial   dial
	cancel context.CancelFunc
	done   chan struct{}
}

// Apply asks the targets that the fabric, which the kernel must have, says are to be asked. Of those that are asked
// anew, it may be known how they were before.
func (t *Targets) Apply(f *fabric.Fabric, before map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := map[string]bool{}
	for _, g := range f.Gateways {
		if g.Balancer == nil {
			continue
		}
		for _, p := range g.Balancer.Probes {
			wanted[p.Key] = true
			if r := t.runs[p.Key]; r != nil {
				if reflect.DeepEqual(r.probe, p) {
					continue
				}
				r.stop()
			}
			o := opinion{healthy: p.Check.Healthy, unhealthy: p.Check.Unhealthy}
			o.well, o.known = before[p.Key]
			t.runs[p.Key] = t.start(kernel.Path(t.run, g.ID), p, o)
		}
	}
	for key, r := range t.runs {
		if !wanted[key] {
			r.stop()
			delete(t.runs, key)
		}
	}
}

// Close ends all questions.
func (t *Targets) Close() { t.Apply(&fabric.Fabric{}, nil) }

func (t *Targets) start(namespace string, p fabric.Probe, o opinion) *asking {
	ctx, cancel := context.WithCancel(context.Background())
	r := &asking{probe: p, dial: dialIn(namespace), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		tick := time.NewTicker(time.Duration(p.Check.Interval) * time.Second)
		defer tick.Stop()
		for {
			well := r.round(ctx)
			if ctx.Err() != nil {
				return
			}
			if o.count(well) {
				t.told(p.Key, o.well)
			}
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

// opinion is what is held of a target. One that is not known yet is well with the first answer.
type opinion struct {
	healthy, unhealthy int // outcomes in a row that change it
	known, well        bool
	row                int // outcomes in a row that differ from it
}

// count takes an outcome and tells whether the opinion is another one now.
func (o *opinion) count(well bool) (changed bool) {
	if o.known && well == o.well {
		o.row = 0
		return false
	}
	need := o.unhealthy
	if well {
		need = o.healthy
		if !o.known {
			need = 1
		}
	}
	if o.row++; o.row < need {
		return false
	}
	o.known, o.well, o.row = true, well, 0
	return true
}

// round asks by way of all nodes at once. The target is well when all of them reach it.
func (r *asking) round(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.probe.Check.Timeout)*time.Second)
	defer cancel()
	outcomes := make(chan bool, len(r.probe.Nodes))
	for _, n := range r.probe.Nodes {
		go func() { outcomes <- r.ask(ctx, kernel.ProbeAddr(n)) }()
	}
	well := true
	for range r.probe.Nodes {
		well = <-outcomes && well
	}
	return well
}

// ask asks from one address.
func (r *asking) ask(ctx context.Context, from netip.Addr) bool {
	if r.probe.Check.Protocol == "HTTP" {
		return r.get(ctx, from)
	}
	conn, err := r.dial(ctx, from, r.probe.To)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// get makes an HTTP request.
func (r *asking) get(ctx context.Context, from netip.Addr) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.probe.To.String()+r.probe.Check.Path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	req.Close = true
	conn, err := r.dial(ctx, from, r.probe.To)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := req.Write(conn); err != nil {
		return false
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode >= r.probe.Check.FirstCode && resp.StatusCode <= r.probe.Check.LastOne
}
