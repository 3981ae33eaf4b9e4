package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"kumiko/bench/measure"
)

// manyInstances is how many a new daemon takes over.
const manyInstances = 200

// daemons measures how long a daemon takes to be ready and how much memory it keeps, without anything to do and with
// instances to take over.
func daemons(ctx context.Context, c config) (tables []measure.Table, err error) {
	d, err := newCloud(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	empty, err := d.restarts(ctx, c.rounds)
	if err != nil {
		return nil, err
	}
	y, err := newYard(ctx, d, "10.0.0.0/24")
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if _, _, err := y.start(ctx, strconv.Itoa(manyInstances)); err != nil {
		return nil, err
	}
	if err := y.running(ctx, manyInstances); err != nil {
		return nil, err
	}
	var all measure.Sample
	all.Milliseconds(time.Since(begun))
	full, err := d.restarts(ctx, c.rounds)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(c.binary)
	if err != nil {
		return nil, err
	}
	with := fmt.Sprintf(", %d instances", manyInstances)
	return []measure.Table{{Title: "The daemon", Rows: []measure.Row{
		{What: "start to ready, nothing there", Unit: "ms", Ours: empty.ready, Target: "< 500 ms"},
		{What: "start to ready" + with + " taken over", Unit: "ms", Ours: full.ready, Target: "< 500 ms"},
		{What: "resident memory, nothing there", Unit: "MB", Ours: empty.memory},
		{What: "resident memory" + with, Unit: "MB", Ours: full.memory},
		{What: fmt.Sprintf("%d instances in one call: to all running", manyInstances), Unit: "ms", Ours: all, Target: "< 10000 ms"},
		{What: "size of the program", Unit: "MB", Ours: measure.Sample{float64(info.Size()) / 1e6}},
	}}}, nil
}

// restart is what starts of a daemon showed, a value each.
type restart struct{ ready, memory measure.Sample }

// settleTime is how long a daemon is left alone before its memory is looked at.
const settleTime = time.Second

// restarts stops the daemon and starts it again, a number of times.
func (d *cloud) restarts(ctx context.Context, rounds int) (restart, error) {
	var r restart
	for range rounds {
		if err := d.Stop(); err != nil {
			return r, err
		}
		begun := time.Now()
		if err := d.up(ctx); err != nil {
			return r, err
		}
		r.ready.Milliseconds(time.Since(begun))
		time.Sleep(settleTime)
		kib, err := resident(d.PID())
		if err != nil {
			return r, err
		}
		r.memory = append(r.memory, float64(kib)*1024/1e6)
	}
	return r, nil
}

// resident is the memory of a process that is in use, in KiB. (proc_pid_status(5), VmRSS.)
func resident(pid int) (int, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(raw)) {
		if f := strings.Fields(l); len(f) > 1 && f[0] == "VmRSS:" {
			return strconv.Atoi(f[1])
		}
	}
	return 0, errors.New("no VmRSS")
}
