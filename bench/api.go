package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kumiko/bench/client"
	"kumiko/bench/measure"
)

// The numbers of VPCs there are when descriptions are measured: few beside moto, many alone.
const (
	fewVPCs  = 50
	manyVPCs = 1000
)

// api measures calls to the daemon and, in turns, to moto_server.
func api(ctx context.Context, c config) (tables []measure.Table, err error) {
	d, err := newCloud(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	beside, err := besideMoto(ctx, c, d)
	if err != nil {
		return nil, err
	}
	alone := measure.Table{Title: "API, the daemon alone"}
	for _, clients := range []int{1, atOnce} {
		rows, err := creating(ctx, c, d, clients)
		if err != nil {
			return nil, err
		}
		alone.Rows = append(alone.Rows, rows...)
	}
	if err := fill(ctx, d.api, manyVPCs); err != nil {
		return nil, err
	}
	for _, clients := range []int{1, 4} {
		var r rate
		for range c.rounds {
			if err := r.burst(load{clients: clients, each: c.each, f: func() error { return describeAll(ctx, d.api) }}); err != nil {
				return nil, err
			}
		}
		alone.Rows = append(alone.Rows, r.rows(fmt.Sprintf("DescribeVpcs, all of %d, %d at once", manyVPCs, clients))...)
	}
	return []measure.Table{beside, alone}, nil
}

func describeAll(ctx context.Context, api *client.Client) error {
	xml, err := api.Call(ctx, "DescribeVpcs")
	if n := client.Count(xml, "vpcId"); err == nil && n < manyVPCs {
		err = fmt.Errorf("%d VPCs were described", n)
	}
	return err
}

// creating measures CreateVpc; what it made is deleted again.
func creating(ctx context.Context, c config, d *cloud, clients int) ([]measure.Row, error) {
	var r rate
	for range c.rounds {
		m := maker{api: d.api}
		if err := r.burst(load{clients: clients, calls: createCalls, f: func() error { return m.create(ctx) }}); err != nil {
			return nil, err
		}
		if err := m.undo(ctx); err != nil {
			return nil, err
		}
	}
	return r.rows(fmt.Sprintf("CreateVpc, durable, %d at once", clients)), nil
}

// createCalls is how many VPCs are made a round: an account has no more than a thousand.
const createCalls = 100

// maker makes VPCs and remembers them.
type maker struct {
	api  *client.Client
	mu   sync.Mutex
	made []string
}

func (m *maker) create(ctx context.Context) error {
	xml, err := m.api.Call(ctx, "CreateVpc", "CidrBlock", "10.0.0.0/16")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, client.Element(xml, "vpcId"))
	return err
}

// undo deletes what was made.
func (m *maker) undo(ctx context.Context) error {
	for _, id := range m.made {
		if _, err := m.api.Call(ctx, "DeleteVpc", "VpcId", id); err != nil {
			return err
		}
	}
	m.made = nil
	return nil
}

// fill makes VPCs until there are n.
func fill(ctx context.Context, api *client.Client, n int) error {
	xml, err := api.Call(ctx, "DescribeVpcs")
	if err != nil {
		return err
	}
	for range n - client.Count(xml, "vpcId") {
		if _, err := api.Call(ctx, "CreateVpc", "CidrBlock", "10.0.0.0/16"); err != nil {
			return err
		}
	}
	return nil
}

// rate is what bursts of calls showed, a value a round.
type rate struct{ perSecond, p50, p99 measure.Sample }

func (r rate) rows(what string) []measure.Row {
	return []measure.Row{
		{What: what, Unit: "/s", Ours: r.perSecond},
		{What: what + ", p50", Unit: "ms", Ours: r.p50},
		{What: what + ", p99", Unit: "ms", Ours: r.p99},
	}
}

// load is one burst of calls: of a number of them, or for some time.
type load struct {
	clients, calls int
	each           time.Duration
	f              func() error
}

// burst makes the calls and adds what they showed.
func (r *rate) burst(l load) error {
	took, errs := make([]measure.Sample, l.clients), make([]error, l.clients)
	var made atomic.Int64
	begun := time.Now()
	more := func() bool {
		if l.calls > 0 {
			return made.Add(1) <= int64(l.calls)
		}
		return time.Since(begun) < l.each
	}
	var wg sync.WaitGroup
	for i := range l.clients {
		wg.Go(func() {
			for errs[i] == nil && more() {
				t := time.Now()
				errs[i] = l.f()
				took[i].Milliseconds(time.Since(t))
			}
		})
	}
	wg.Wait()
	passed := time.Since(begun)
	all := measure.Sample(slices.Concat(took...))
	r.perSecond = append(r.perSecond, float64(len(all))/passed.Seconds())
	r.p50, r.p99 = append(r.p50, all.Median()), append(r.p99, all.Quantile(0.99))
	return errors.Join(errs...)
}

// besideMoto compares calls one after the other with moto_server's.
func besideMoto(ctx context.Context, c config, d *cloud) (t measure.Table, err error) {
	t = measure.Table{Title: "API beside moto (which makes no networks)", Peer: "moto_server"}
	if _, err := exec.LookPath("moto_server"); err != nil {
		t.Rows = append(t.Rows, measure.NotMeasured("all", "moto_server is not installed"))
		return t, nil
	}
	moto, stop, err := startMoto(ctx)
	if err != nil {
		return t, err
	}
	defer stop()
	for _, api := range []*client.Client{moto, d.api} {
		if err := fill(ctx, api, fewVPCs); err != nil {
			return t, err
		}
	}
	describe := func(api *client.Client) func() (float64, error) {
		return func() (float64, error) {
			var r rate
			err := r.burst(load{clients: 1, each: c.each / 2, f: func() error { _, err := api.Call(ctx, "DescribeVpcs"); return err }})
			return r.perSecond.Median(), err
		}
	}
	create := func(api *client.Client) func() (float64, error) {
		return func() (float64, error) {
			var r rate
			m := maker{api: api}
			err := r.burst(load{clients: 1, calls: motoCalls, f: func() error { return m.create(ctx) }})
			return r.perSecond.Median(), errors.Join(err, m.undo(ctx))
		}
	}
	for _, op := range []struct {
		what, target string
		side         func(*client.Client) func() (float64, error)
	}{
		{fmt.Sprintf("DescribeVpcs, all of %d, one after the other", fewVPCs), "≥ 20", describe},
		{"CreateVpc, durable with kumiko, one after the other", "≥ 5", create},
	} {
		s, err := measure.Take(c.rounds, op.side(d.api), op.side(moto))
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, measure.Row{What: op.what, Unit: "/s", Ours: s[0], Peer: s[1], Target: op.target})
	}
	return t, nil
}

// motoCalls is how many VPCs are made a round beside moto.
const motoCalls = 20

// motoWait bounds how long moto_server may take to answer at all.
const motoWait = 20 * time.Second

// startMoto runs moto_server on a free port until the function it gives is called.
func startMoto(ctx context.Context) (*client.Client, func(), error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "moto_server", "-H", "127.0.0.1", "-p", strconv.Itoa(addr.Port))
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, nil, fmt.Errorf("moto_server: %w", err)
	}
	api := client.New("http://"+addr.String(), region, "test", "test", atOnce)
	stop := func() {
		api.Close()
		cancel()
		_ = cmd.Wait() // it ends by being killed
	}
	for deadline := time.Now().Add(motoWait); ; time.Sleep(10 * time.Millisecond) {
		_, err := api.Call(ctx, "DescribeVpcs")
		if err == nil {
			return api, stop, nil
		}
		if time.Now().After(deadline) {
			stop()
			return nil, nil, fmt.Errorf("moto_server does not answer: %w", err)
		}
	}
}
