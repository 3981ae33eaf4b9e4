package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"kumiko/internal/driver/dns"
	"kumiko/internal/driver/flow"
	"kumiko/internal/driver/host"
	"kumiko/internal/driver/netns"
	"kumiko/internal/driver/nft"
	"kumiko/internal/driver/proxy"
	"kumiko/internal/driver/route"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reconcile"
	"kumiko/internal/record/access"
	"kumiko/internal/record/flowlog"
	"kumiko/internal/record/querylog"
	"kumiko/internal/session/door"
	"kumiko/internal/session/imds"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// drivers are the hands of a daemon.
type drivers struct {
	spaces   *netns.Driver
	rules    *nft.Driver
	routes   *route.Driver
	flows    *flow.Driver
	names    *dns.Driver
	metadata *imds.Service
	hosts    *host.Driver
	access   *access.Recorder
	queries  *querylog.Recorder
	records  *flowlog.Collector
	doors    *door.Service
	proxy    *proxy.Proxy
	watchers *watchers

	stopped sync.Once
}

// metadata is what the metadata service needs: the key that proves tokens, and the roles of instances.
type metadata struct {
	key  []byte
	role func(world.Instance) (imds.Role, bool)
}

// recorders write what drivers tell of.
type recorders struct {
	access  *access.Recorder
	queries *querylog.Recorder
}

// newDrivers makes the drivers.
func newDrivers(c Config, f folder, m metadata, logs recorders) (*drivers, error) {
	d := &drivers{access: logs.access, queries: logs.queries, watchers: &watchers{all: map[chan event]struct{}{}}}
	var err error
	if d.metadata, err = imds.New(imds.Config{Run: f.run(), Key: m.key, Role: m.role, Log: c.Log}); err != nil {
		return nil, err
	}
	if d.hosts, err = host.New(hostConfig(c, f)); err != nil {
		return nil, err
	}
	if d.spaces, err = netns.New(f.run()); err != nil { // last: what failed before it leaves nothing in the kernel
		d.hosts.Close()
		return nil, err
	}
	path := func(name string) string { return kernel.Path(f.run(), name) }
	d.rules, d.routes = nft.New(path), route.New(f.run(), d.spaces)
	d.flows = flow.New(path, sink{d})
	d.proxy = proxy.New(proxy.Config{Run: f.run(), Log: c.Log, Served: d.served})
	d.names = dns.New(dns.Config{Run: f.run(), Log: c.Log, Asked: sink{d}.Asked})
	return d, nil
}

func hostConfig(c Config, f folder) host.Config {
	return host.Config{Run: f.run(), State: string(f), CA: c.trusted, Folders: c.Folders, Log: c.Log}
}

func (d *drivers) forLoop() reconcile.Drivers {
	return reconcile.Drivers{
		Namespaces: d.spaces, Rules: d.rules, Routes: d.routes, Flows: d.flows, Names: d.names, Metadata: d.metadata, Doors: d.doors, Proxy: d.proxy,
		Hosts: hosts{d.hosts},
	}
}

// stopServing ends what is done by this process. What is in the kernel goes on.
func (d *drivers) stopServing() {
	d.stopped.Do(func() {
		d.names.Close()
		d.metadata.Close()
		d.proxy.Close()
		if d.doors != nil {
			d.doors.Close()
		}
		d.flows.Close()
	})
}

// down ends the instances and removes everything from the kernel.
func (d *drivers) down(ctx context.Context) error {
	d.stopServing()
	return errors.Join(d.hosts.Down(ctx), d.spaces.Down(ctx))
}

func (d *drivers) close() {
	d.stopServing()
	d.hosts.Close()
	d.rules.Close()
	d.spaces.Close()
}

// takeDown ends everything of a folder that has no daemon.
func takeDown(ctx context.Context, c Config, f folder) error {
	h, failed := host.New(hostConfig(c, f))
	if failed == nil {
		defer h.Close()
		failed = h.Down(ctx)
	}
	s, err := netns.New(f.run())
	if err != nil {
		return errors.Join(failed, err)
	}
	defer s.Close()
	return errors.Join(failed, s.Down(ctx))
}

// hosts shows the host driver as the reconciler wants to see it.
type hosts struct{ *host.Driver }

// Observe is what is known of the hosts now.
func (h hosts) Observe() map[world.InstanceID]store.Host {
	out := map[world.InstanceID]store.Host{}
	for id, s := range h.Driver.Observe() {
		out[id] = store.Host{Phase: store.Phase(s.Phase), Boot: s.Boot}
	}
	return out
}

// sink takes what the flow driver reads from the kernel.
type sink struct{ *drivers }

// Refused tells flow logs, and who watches, that a packet was refused. Flow logs have nothing of what is for the router. (Amazon VPC User
// Guide, "Flow log limitations".)
func (s sink) Refused(r flow.Refusal) {
	if r.Origin.Station != fabric.Router {
		s.records.Refused(refused(r))
	}
	s.watchers.tell(event{Time: r.Time, Flow: r.Flow.String(), RefusedBy: r.Origin.String()})
}

// Connected writes a connection to the access logs, and tells who watches.
func (s sink) Connected(c flow.Connection) {
	s.watchers.tell(event{
		Time: c.Time, Flow: fmt.Sprintf("tcp %s → %s", c.Client, c.Dest),
		Gateway: string(c.Gateway), From: c.From.String(), Target: c.Target.String(),
	})
	s.access.Add(access.Connection{
		Time: c.Time, Gateway: c.Gateway, Consumer: c.Consumer, Client: c.Client, Dest: c.Dest, From: c.From, Target: c.Target,
	})
}

// served writes a request to the access logs.
func (d *drivers) served(r *proxy.Served) {
	v := r.VPC
	out := access.Request{
		Start: r.Start, End: r.End, ID: r.ID, NetworkARN: v.NetworkARN, Network: world.ServiceNetworkID(v.NetworkARN[strings.LastIndexByte(v.NetworkARN, '/')+1:]),
		Service: r.Service.ARN, Listener: r.Listener, Source: v.ID, SourceARN: world.ARN("ec2", v.Region, v.Account, "vpc/"+string(v.ID)),
		Client: r.Client, Target: r.Target, Host: r.Host, Method: r.Method, Path: r.Path, Agent: r.Agent, Protocol: r.Protocol,
		Status: r.Status, Received: r.Received, Sent: r.Sent, ToTarget: r.ToTarget, FromTarget: r.FromTarget, Failure: r.Failure,
	}
	if r.Group != nil {
		out.TargetGroup, out.Destination = r.Group.ARN, r.Group.VPC
	}
	d.access.AddRequest(out)
}

// Asked writes a query to the query logs.
func (s sink) Asked(q dns.Question) {
	out := querylog.Query{
		Time: q.Time, VPC: q.VPC, Endpoint: q.Endpoint, From: q.From, TCP: q.TCP, Name: q.Name, Type: q.Type, Class: q.Class, Rcode: q.Rcode,
	}
	for _, a := range q.Answers {
		out.Answers = append(out.Answers, querylog.Answer(a))
	}
	s.queries.Add(out)
}

// event is a refusal, or a connection through a gateway, as those who watch see it.
type event struct {
	Time      time.Time `json:"time"`
	Flow      string    `json:"flow"`
	RefusedBy string    `json:"refusedBy,omitempty"`
	Gateway   string    `json:"gateway,omitempty"` // and, as the gateway made them,
	From      string    `json:"from,omitempty"`    // the source
	Target    string    `json:"target,omitempty"`  // and the destination
}

// watchers are the commands that follow events.
type watchers struct {
	mu  sync.Mutex
	all map[chan event]struct{}
}

// backlog is how many events a watcher may be behind before it misses some.
const backlog = 1024

func (w *watchers) tell(r event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.all {
		select {
		case ch <- r:
		default: // it does not read fast enough; packets must not wait for it
		}
	}
}

func (w *watchers) add() (ch chan event, remove func()) {
	ch = make(chan event, backlog)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[ch] = struct{}{}
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, ch)
	}
}

// tell writes a line of JSON that says that it watches, and then one for each event until ctx ends.
func (d *drivers) tell(ctx context.Context, out io.Writer) error {
	ch, remove := d.watchers.add()
	defer remove()
	e := json.NewEncoder(out)
	if err := e.Encode(map[string]string{"watching": "refusals, and connections through gateways"}); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-ch:
			if err := e.Encode(ev); err != nil {
				return err
			}
		}
	}
}
