package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"kumiko/internal/cli/admin"
	"kumiko/internal/fabric"
	"kumiko/internal/reach"
	"kumiko/internal/record"
	"kumiko/internal/service/ec2"
	"kumiko/internal/service/lattice"
	"kumiko/internal/service/ssm"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// lab keeps the copies of the World that changes are tried out on.
type lab struct {
	*daemon
	mu     sync.Mutex
	trials map[string]*trial
	order  []string // oldest first
}

// maxTrials bounds how many copies there are; the oldest one gives way, for its owner may have been killed.
const maxTrials = 8

// trial is a copy of the World with AWS APIs of its own. No driver knows of it: nothing of it is in the kernel.
type trial struct {
	before  *fabric.Fabric
	rev     uint64
	store   *store.Store
	logs    *record.Store
	dir     string // of logs
	server  *http.Server
	stop    context.CancelFunc
	running sync.WaitGroup
}

// BeginTrial copies the World as it is now and serves the APIs over the copy.
func (l *lab) BeginTrial(context.Context) (admin.Trial, error) {
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return admin.Trial{}, err
	}
	id := hex.EncodeToString(raw)
	t, url, err := l.start()
	if err != nil {
		return admin.Trial{}, fmt.Errorf("try a change: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trials[id], l.order = t, append(l.order, id)
	if len(l.order) > maxTrials {
		err = l.forget(l.order[0])
	}
	return admin.Trial{ID: id, URL: url}, err
}

func (l *lab) start() (_ *trial, url string, err error) {
	w := l.store.World()
	t := &trial{before: fabric.Compile(w), rev: w.Rev, store: store.OpenCopy(w), stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if t.dir, err = os.MkdirTemp(l.folder.run(), "trial-"); err != nil {
		return nil, "", err
	}
	if t.logs, err = record.Open(t.dir, record.Options{}); err != nil {
		return nil, "", err
	}
	front, err := l.frontOf(t.store, t.logs, ssm.New(ssm.Config{Store: t.store, Box: l.box, Public: ec2.ImageParameters}))
	if err != nil {
		return nil, "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.stop = cancel
	t.server = &http.Server{Handler: front, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(l.conf.Log.Handler(), slog.LevelDebug)}
	t.running.Go(func() {
		if err := served(t.server.Serve(listener)); err != nil {
			l.conf.Log.Error("the APIs of a trial ended", "err", err)
		}
	})
	t.settle(ctx)
	t.running.Go(func() { t.follow(ctx) })
	return t, "http://" + listener.Addr().String(), nil
}

// follow lets the copy see its own wishes fulfilled, as if a kernel had done all that was asked for.
func (t *trial) follow(ctx context.Context) {
	changed := t.store.Watch(ctx)
	for {
		t.settle(ctx)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (t *trial) settle(ctx context.Context) {
	w := t.store.World()
	if t.store.Seen().Rev == w.Rev && w.Rev > 0 {
		return
	}
	seen := store.Seen{Rev: w.Rev, Hosts: map[world.InstanceID]store.Host{}}
	for i := range w.Instances.All() {
		if i.Power == world.Running {
			seen.Hosts[i.ID] = store.Host{Phase: store.Running, Boot: i.Boot}
		}
	}
	t.store.SetSeen(seen)
	if !lattice.Unfinished(w) && !ec2.Unfinished(w, seen, time.Now()) {
		return
	}
	// An error means that the copy was closed meanwhile, or that what is unfinished stays so.
	_, _ = t.store.Update(ctx, func(tx *world.Tx) error {
		lattice.Finish(tx, seen)
		ec2.Finish(tx, seen)
		return nil
	})
}

// EndTrial compares the copy as it is now with what it was, and forgets it.
func (l *lab) EndTrial(_ context.Context, id string) (admin.Impact, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.trials[id]
	if !ok {
		return admin.Impact{}, fmt.Errorf("%w: trial %s", admin.ErrNotFound, id)
	}
	w := t.store.World()
	out := impact(reach.Diff(t.before, fabric.Compile(w)))
	out.Changed = w.Rev != t.rev
	return out, l.forget(id)
}

// forget ends a trial. The caller holds the lock.
func (l *lab) forget(id string) error {
	t := l.trials[id]
	delete(l.trials, id)
	l.order = slices.DeleteFunc(l.order, func(o string) bool { return o == id })
	return t.close()
}

// close ends the trials that nobody ended.
func (l *lab) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Clone(l.order) {
		if err := l.forget(id); err != nil {
			l.conf.Log.Error("a trial is left", "err", err)
		}
	}
}

func (t *trial) close() error {
	t.stop()
	var errs []error
	if t.server != nil {
		errs = append(errs, t.server.Close())
	}
	t.running.Wait()
	errs = append(errs, t.store.Close())
	if t.logs != nil {
		errs = append(errs, t.logs.Close())
	}
	if t.dir != "" {
		errs = append(errs, os.RemoveAll(t.dir))
	}
	return errors.Join(errs...)
}

// service is what shifts are told together by: a service of one side that several others lose, or gain, for one reason.
type service struct {
	to      reach.Party
	name    string
	opens   bool
	refusal fabric.Origin
	cause   string // when no station refuses it
}

// impact tells what was compared, a service a line.
func impact(found reach.Impact) admin.Impact {
	out := admin.Impact{Closes: []admin.Shift{}, Opens: []admin.Shift{}, Compared: found.Compared, Cut: found.Cut}
	groups := map[service]*admin.Shift{}
	var order []service
	for _, s := range found.Shifts {
		key := service{to: s.To, name: serviceName(s), opens: s.Opens, refusal: s.Origin}
		if s.Origin == (fabric.Origin{}) {
			key.cause = s.Cause
		}
		g := groups[key]
		if g == nil {
			one := serviceName(reach.Shift{Protocol: s.Protocol, Ports: world.PortRange{From: s.Ports.From, To: s.Ports.From}})
			g = &admin.Shift{To: party(s.To), Service: key.name, Cause: strings.Replace(s.Cause, one+" ", key.name+" ", 1), By: s.By}
			if key.cause == "" {
				g.Refusal = s.Origin.String()
			}
			groups[key], order = g, append(order, key)
		}
		g.From = append(g.From, party(s.From))
	}
	for _, k := range order {
		if k.opens {
			out.Opens = append(out.Opens, *groups[k])
		} else {
			out.Closes = append(out.Closes, *groups[k])
		}
	}
	byService := func(a, b admin.Shift) int {
		return cmp.Or(cmp.Compare(a.To.ID, b.To.ID), cmp.Compare(a.To.Address, b.To.Address), cmp.Compare(a.Service, b.Service))
	}
	slices.SortStableFunc(out.Closes, byService)
	slices.SortStableFunc(out.Opens, byService)
	return out
}

func party(p reach.Party) admin.Party {
	out := admin.Party{ID: p.ID, Name: p.Name, ENI: string(p.ENI)}
	if p.Addr.IsValid() && p.ID != reach.Internet {
		out.Address = p.Addr.String()
	}
	return out
}

// serviceName is tcp/443, tcp/1000-2000, tcp/* or icmp.
func serviceName(s reach.Shift) string {
	name := map[world.Protocol]string{world.TCP: "tcp", world.UDP: "udp", world.ICMP: "icmp"}[s.Protocol]
	switch p := s.Ports; {
	case !s.Protocol.HasPorts():
		return name
	case p.From == p.To:
		return fmt.Sprintf("%s/%d", name, p.From)
	case p.From <= 1 && p.To == 65535:
		return name + "/*"
	default:
		return fmt.Sprintf("%s/%d-%d", name, p.From, p.To)
	}
}
