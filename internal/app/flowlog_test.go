package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kumiko/internal/driver/flow"
	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/nft"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reconcile"
	"kumiko/internal/record"
	"kumiko/internal/record/flowlog"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// patient is how long a test waits for what must happen.
const patient = 10 * time.Second

// flowLab is a data plane with flow logs and bare hosts.
type flowLab struct {
	t       *testing.T
	run     string
	store   *store.Store
	log     *record.Store
	records *flowlog.Collector
	told    chan flow.Refusal
}

// told hands refusals to the test when flow logs have them.
type told struct {
	sink
	ch chan flow.Refusal
}

func (s told) Refused(r flow.Refusal) {
	s.sink.Refused(r)
	s.ch <- r
}

func newFlowLab(t *testing.T) *flowLab {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("network tests need root, and CI must not go without them")
		}
		t.Skip("SKIPPED: network tests need root")
	}
	l := &flowLab{t: t, run: t.TempDir(), store: store.OpenMemory(), told: make(chan flow.Refusal, 100)}
	var err error
	if l.log, err = record.Open(t.TempDir(), record.Options{}); err != nil {
		t.Fatal(err)
	}
	spaces, err := netns.New(l.run)
	if err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return kernel.Path(l.run, name) }
	d := &drivers{watchers: &watchers{all: map[chan event]struct{}{}}}
	d.flows = flow.New(path, told{sink{d}, l.told})
	l.records = flowlog.New(flowlog.Config{
		Store: l.store, Log: l.log, Source: counted{d.flows}, After: func(time.Duration) <-chan time.Time { return nil },
	})
	d.records = l.records
	loop := reconcile.New(l.store, reconcile.Drivers{
		Namespaces: spaces, Rules: nft.New(path), Routes: route.New(l.run, spaces), Flows: d.flows, Names: nobody{}, Doors: nobody{}, Proxy: nobody{}, Metadata: nobodyElse{}, Hosts: noHosts{},
	}, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { loop.Run(ctx) })
	wg.Go(func() { l.records.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		d.flows.Close()
		if err := spaces.Down(context.Background()); err != nil {
			t.Error(err)
		}
		l.log.Close()
		l.store.Close()
	})
	return l
}

type (
	nobody     struct{}
	nobodyElse struct{}
	noHosts    struct{}
)

func (nobody) Apply(context.Context, *fabric.Fabric) error                  { return nil }
func (nobodyElse) Apply(context.Context, *fabric.Fabric, world.World) error { return nil }
func (noHosts) Apply(context.Context, []*fabric.Host) error                 { return nil }
func (noHosts) Changed() <-chan struct{}                                    { return nil }
func (noHosts) Observe() map[world.InstanceID]store.Host                    { return nil }

var flowCaller = world.Caller{Account: world.DefaultAccount, Region: "us-east-1"}

// update changes the world and waits until the kernel has it.
func (l *flowLab) update(f func(tx *world.Tx)) world.World {
	l.t.Helper()
	w, err := l.store.Update(l.t.Context(), func(tx *world.Tx) error { f(tx); return nil })
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.store.Wait(l.t.Context(), func(_ world.World, s store.Seen) bool { return s.Rev >= w.Rev }); err != nil {
		l.t.Fatal(err)
	}
	if s := l.store.Seen(); len(s.Failing) > 0 {
		l.t.Fatalf("not applied: %v", s.Failing)
	}
	return w
}

const flowFormat = "${interface-id} ${flow-direction} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${action} ${tcp-flags} ${log-status}"

// TestFlowLogsTellWhatPassedAndWhatWasRefused sends real packets between two instances and reads both logs.
func TestFlowLogsTellWhatPassedAndWhatWasRefused(t *testing.T) {
	l := newFlowLab(t)
	var a, b world.ENI
	all := netip.MustParsePrefix("0.0.0.0/0")
	l.update(func(tx *world.Tx) {
		m := tx.NewMeta(flowCaller, nil)
		v := world.VPC{ID: "vpc-00000000000000001", Meta: m, NextTable: 1, NextPort: 1, CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/16")}}}
		tx.VPCs.Put(v)
		tx.RouteTables.Put(world.RouteTable{ID: "rtb-00000000000000001", Meta: m, VPC: v.ID, Index: 1, Main: true})
		tx.NetworkACLs.Put(world.NetworkACL{ID: "acl-00000000000000001", Meta: m, VPC: v.ID, Default: true, Entries: []world.NetworkACLEntry{
			{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: all}, {Number: 100, Egress: true, Allow: true, Protocol: world.AnyProtocol, CIDR: all},
		}})
		s := world.Subnet{ID: "subnet-00000000000000001", Meta: m, VPC: v.ID, Zone: "us-east-1a", CIDR: netip.MustParsePrefix("10.0.0.0/24"), NetworkACL: "acl-00000000000000001"}
		tx.Subnets.Put(s)
		tx.SecurityGroups.Put(world.SecurityGroup{ID: "sg-00000000000000001", Meta: m, VPC: v.ID, Name: "g"})
		tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: "sgr-00000000000000001", Meta: m, Group: "sg-00000000000000001", Egress: true, Protocol: world.AnyProtocol, CIDR: all})
		tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: "sgr-00000000000000002", Meta: m, Group: "sg-00000000000000001", Protocol: world.TCP, Ports: world.PortRange{From: 80, To: 80}, CIDR: all})
		put := func(id world.InstanceID, addr string) world.ENI {
			tx.Instances.Put(world.Instance{ID: id, Meta: m, VPC: v.ID, Subnet: s.ID, Power: world.Running, Boot: 1})
			e := tx.NewENI(flowCaller, s, []netip.Addr{netip.MustParseAddr(addr)}, []world.SecurityGroupID{"sg-00000000000000001"})
			e.Attachment, e.SourceDestCheck = world.Attachment{ID: "eni-attach-" + string(id), Instance: id}, true
			tx.ENIs.Put(e)
			return e
		}
		a, b = put("i-0000000000000000a", "10.0.0.10"), put("i-0000000000000000b", "10.0.0.11")
		f := world.FlowLog{Meta: m, Resource: string(v.ID), Traffic: world.FlowAll, Group: "flows", Interval: flowlog.Short, Format: flowFormat}
		f.ID = "fl-all"
		tx.FlowLogs.Put(f)
		f.ID, f.Traffic, f.Interval = "fl-long", world.FlowReject, flowlog.Long
		tx.FlowLogs.Put(f)
	})
	l.records.Flush() // what follows is counted from here
	l.talk("i-0000000000000000a", "i-0000000000000000b", "10.0.0.11:80")
	l.knock("i-0000000000000000a", "10.0.0.11:81")
	l.records.Flush()

	conn := func(e world.ENI, dir, from, to, fromPort, toPort string) string {
		return fmt.Sprintf("%s %s %s %s %s %s ", e.ID, dir, from, to, fromPort, toPort)
	}
	lines := l.lines(string(a.ID)+"-all", string(b.ID)+"-all")
	for _, want := range []struct {
		start, end string
	}{
		{conn(a, "egress", "10.0.0.10", "10.0.0.11", "40000", "80") + "6 ", " ACCEPT 3 OK"},
		{conn(a, "ingress", "10.0.0.11", "10.0.0.10", "80", "40000") + "6 ", " ACCEPT 19 OK"},
		{conn(b, "ingress", "10.0.0.10", "10.0.0.11", "40000", "80") + "6 ", " ACCEPT 3 OK"},
		{conn(b, "egress", "10.0.0.11", "10.0.0.10", "80", "40000") + "6 ", " ACCEPT 19 OK"},
		{conn(a, "egress", "10.0.0.10", "10.0.0.11", "40001", "81") + "6 1 60", " ACCEPT 2 OK"},
		{conn(b, "ingress", "10.0.0.10", "10.0.0.11", "40001", "81") + "6 1 60", " REJECT 2 OK"},
	} {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, want.start) && strings.HasSuffix(line, want.end) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d records %s…%s", n, want.start, want.end)
		}
	}
	if t.Failed() {
		t.Log("\n" + strings.Join(lines, "\n"))
	}
	rejected := l.lines(string(a.ID)+"-reject", string(b.ID)+"-reject")
	if n := len(slices.DeleteFunc(rejected, func(s string) bool { return strings.HasSuffix(s, "NODATA") })); n != 1 {
		t.Errorf("%d refusals in the long window, want 1", n)
	}
	l.statuses()
}

// statuses deletes the log group, which makes the delivery fail, and makes it again.
func (l *flowLab) statuses() {
	l.t.Helper()
	state := func() string {
		w := l.store.World()
		f, _ := w.FlowLogs.Get("fl-all")
		return fmt.Sprint(f.Delivered, f.Failure)
	}
	key := world.LogGroupKey(flowCaller.Account, flowCaller.Region, "flows")
	var group world.LogGroup
	if got := state(); got != "true" {
		l.t.Errorf("delivery is %q", got)
	}
	l.update(func(tx *world.Tx) {
		group, _ = tx.LogGroups.Get(key)
		tx.LogGroups.Delete(key)
	})
	l.records.Flush()
	if got := state(); got != "trueAccess error" {
		l.t.Errorf("without a group delivery is %q", got)
	}
	l.update(func(tx *world.Tx) { tx.LogGroups.Put(group) })
	l.records.Flush()
	if got := state(); got != "true" {
		l.t.Errorf("with a group again delivery is %q", got)
	}
}

// lines are the messages of streams, without those that say that there was nothing.
func (l *flowLab) lines(streams ...string) []string {
	l.t.Helper()
	var out []string
	for _, s := range streams {
		events, err := l.log.Read(world.LogGroupKey(flowCaller.Account, flowCaller.Region, "flows"), s, record.Query{})
		if err != nil {
			l.t.Fatal(err)
		}
		for _, e := range events {
			out = append(out, e.Message)
		}
	}
	return out
}

// talk connects two hosts, lets both close, and waits until they have.
func (l *flowLab) talk(from, to, at string) {
	l.t.Helper()
	dest := netip.MustParseAddrPort(at)
	listener, err := kernel.ListenTCP(kernel.Path(l.run, to), dest)
	if err != nil {
		l.t.Fatal(err)
	}
	defer listener.Close()
	c, err := l.dial(from, 40000, at, patient)
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.Close()
	s, err := listener.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.Close()
	c.SetDeadline(time.Now().Add(patient))
	s.SetDeadline(time.Now().Add(patient))
	c.(*net.TCPConn).CloseWrite()
	if _, err := io.ReadAll(s); err != nil {
		l.t.Fatal(err)
	}
	s.Close()
	if _, err := io.ReadAll(c); err != nil {
		l.t.Fatal(err)
	}
}

// knock sends a packet that is refused, and waits until that is told.
func (l *flowLab) knock(from, at string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), patient)
	defer cancel()
	var wg sync.WaitGroup
	dial, stop := context.WithCancel(ctx)
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		kernel.In(kernel.Path(l.run, from), func() error {
			d := net.Dialer{LocalAddr: &net.TCPAddr{Port: 40001}}
			c, err := d.DialContext(dial, "tcp4", at)
			if err == nil {
				c.Close()
			}
			return nil
		})
	})
	select {
	case <-l.told:
	case <-ctx.Done():
		l.t.Fatal("nothing was refused")
	}
}

func (l *flowLab) dial(from string, port int, at string, d time.Duration) (c net.Conn, err error) {
	err = kernel.In(kernel.Path(l.run, from), func() (err error) {
		dialer := net.Dialer{Timeout: d, LocalAddr: &net.TCPAddr{Port: port}}
		c, err = dialer.Dial("tcp4", at)
		return err
	})
	return c, err
}
