package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/bench/traffic"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// resources compares the way through a resource gateway, between two VPCs with one range, with the way between two hosts
// of one VPC, with a plain router, and with HAProxy between two namespaces.
func resources(ctx context.Context, c config) (tables []measure.Table, err error) {
	l, err := lab.New()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	through, routed, err := joined(ctx, l)
	if err != nil {
		return nil, err
	}
	b, err := lab.NewBare()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	plain, err := router(b)
	if err != nil {
		return nil, err
	}
	aims := []aim{
		{what: "throughput, 1 stream", target: "≥ .60", take: throughput(1)},
		{what: "throughput, 8 streams", target: "≥ .60", take: throughput(parallel)},
		{what: "new connections", target: "≥ .45", take: connections},
		{what: "round trip (less is better)", take: roundTrip},
	}
	rows, err := compare(c, through, routed, aims)
	if err != nil {
		return nil, err
	}
	tables = append(tables, measure.Table{Title: "TCP through a resource gateway", Peer: "routed, two interfaces of one VPC", Rows: rows})
	for i := range aims {
		aims[i].target = ""
	}
	if rows, err = compare(c, through, plain, aims); err != nil {
		return tables, err
	}
	tables = append(tables, measure.Table{Title: "TCP through a resource gateway", Peer: "a router without any filter", Rows: rows})
	more, err := besideHAProxy(ctx, c, b, through)
	return append(tables, more...), err
}

// joined lays out two VPCs of one range, a resource between them, and gives the way to it and the way within one VPC.
func joined(ctx context.Context, l *lab.Lab) (through, routed traffic.Path, err error) {
	var client, neighbour, target lab.Host
	var addr netip.Addr
	err = l.Update(ctx, func(tx *world.Tx) {
		consumer, provider := lab.AddVPC(tx, "10.0.0.0/24"), lab.AddVPC(tx, "10.0.0.0/24")
		clients := ruled(tx, consumer, 10)
		hosts := lab.AddHosts(tx, consumer, 2, clients...)
		client, neighbour = hosts[0], hosts[1]
		inside := ruled(tx, provider, 10)
		target = lab.AddHosts(tx, provider, 1, inside...)[0]
		addr = lab.Join(tx, lab.Resource{
			Provider: provider, Consumer: consumer, Target: target, Gateway: inside[0], Clients: clients[len(clients)-1],
			Ports: world.PortRange{From: service, To: service},
		})
	})
	through = traffic.Path{From: l.Namespace(client.ID), To: l.Namespace(target.ID), Dst: netip.AddrPortFrom(addr, service)}
	return through, between(l, client, neighbour), err
}

// router joins two bare namespaces by a third one that forwards.
func router(b *lab.Bare) (traffic.Path, error) {
	p := traffic.Path{From: b.Namespace("c"), To: b.Namespace("s"), Dst: netip.MustParseAddrPort(fmt.Sprintf("10.2.2.2:%d", service))}
	if err := errors.Join(b.Add("c"), b.Add("s"), b.Router("r")); err != nil {
		return p, err
	}
	return p, errors.Join(
		b.Cable("r", "c", netip.MustParsePrefix("10.2.1.1/24"), netip.MustParsePrefix("10.2.1.2/24")),
		b.Cable("r", "s", netip.MustParsePrefix("10.2.2.1/24"), netip.MustParsePrefix("10.2.2.2/24")),
		b.Default("c", netip.MustParseAddr("10.2.1.1")), b.Default("s", netip.MustParseAddr("10.2.2.1")),
	)
}

// besideHAProxy compares with HAProxy in the place of the gateway, between two plain routers, and then with HAProxy
// alone, with a cable to client and server.
func besideHAProxy(ctx context.Context, c config, b *lab.Bare, through traffic.Path) ([]measure.Table, error) {
	const title = "TCP through a resource gateway"
	if _, err := exec.LookPath("haproxy"); err != nil {
		return []measure.Table{{Title: title, Peer: "HAProxy", Rows: []measure.Row{measure.NotMeasured("all", "haproxy is not installed")}}}, nil
	}
	if err := proxied(b); err != nil {
		return nil, err
	}
	between := measure.Table{Title: title, Peer: "HAProxy between two routers"}
	var err error
	between.Rows, err = besideProxy(ctx, c, through, proxy{
		ns: b.Namespace("hap"), listen: netip.MustParseAddr("10.3.2.2"), target: netip.MustParseAddr("10.3.4.2"), from: b.Namespace("hac"), to: b.Namespace("has"),
	}, []aim{
		{what: "throughput, 1 stream", target: "≥ 1.4", take: throughput(1)},
		{what: "throughput, 8 streams", take: throughput(parallel)},
		{what: "new connections", target: "≥ 1.2", take: connections},
		{what: "round trip (less is better)", take: roundTrip},
	})
	if err != nil {
		return nil, err
	}
	alone := measure.Table{Title: title, Peer: "HAProxy with cables to both ends"}
	alone.Rows, err = besideProxy(ctx, c, through, proxy{
		ns: b.Namespace("r"), listen: netip.MustParseAddr("10.2.1.1"), target: netip.MustParseAddr("10.2.2.2"), from: b.Namespace("c"), to: b.Namespace("s"),
	}, []aim{{what: "throughput, 1 stream", take: throughput(1)}, {what: "new connections", take: connections}})
	return []measure.Table{between, alone}, err
}

// proxied joins two bare namespaces by two routers with a namespace for a proxy between them.
func proxied(b *lab.Bare) error {
	if err := errors.Join(b.Add("hac"), b.Router("har"), b.Add("hap"), b.Router("hat"), b.Add("has")); err != nil {
		return err
	}
	return errors.Join(
		b.Cable("har", "hac", netip.MustParsePrefix("10.3.1.1/24"), netip.MustParsePrefix("10.3.1.2/24")),
		b.Cable("har", "hap", netip.MustParsePrefix("10.3.2.1/24"), netip.MustParsePrefix("10.3.2.2/24")),
		b.Cable("hat", "hap", netip.MustParsePrefix("10.3.3.1/24"), netip.MustParsePrefix("10.3.3.2/24")),
		b.Cable("hat", "has", netip.MustParsePrefix("10.3.4.1/24"), netip.MustParsePrefix("10.3.4.2/24")),
		b.Default("hac", netip.MustParseAddr("10.3.1.1")), b.Default("has", netip.MustParseAddr("10.3.4.1")),
		b.Route("hap", netip.MustParsePrefix("10.3.1.0/24"), netip.MustParseAddr("10.3.2.1")),
		b.Default("hap", netip.MustParseAddr("10.3.3.1")),
	)
}

// proxy is where HAProxy stands: its namespace, what it listens on and leads to, and the two ends.
type proxy struct {
	ns, from, to   string
	listen, target netip.Addr
}

// besideProxy compares with HAProxy.
func besideProxy(ctx context.Context, c config, through traffic.Path, p proxy, aims []aim) (rows []measure.Row, err error) {
	dst := netip.AddrPortFrom(p.listen, service)
	stop, err := startHAProxy(ctx, p.ns, dst, netip.AddrPortFrom(p.target, service))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return compare(c, through, traffic.Path{From: p.from, To: p.to, Dst: dst}, aims)
}

// startHAProxy runs HAProxy in a namespace until the function it gives is called.
func startHAProxy(ctx context.Context, ns string, listen, target netip.AddrPort) (stop func() error, err error) {
	conf := fmt.Sprintf(`global
	nbthread 2
	maxconn 2000
	tune.bufsize 65536
	tune.pipesize 1048576
defaults
	mode tcp
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	option splice-auto
	option tcp-smart-accept
	option tcp-smart-connect
listen service
	bind %s
	server target %s
`, listen, target)
	file, remove, err := temporary("haproxy.cfg", conf)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "haproxy", "-db", "-q", "-f", file)
	if err := kernel.In(ns, cmd.Start); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("haproxy: %w", err), remove())
	}
	stop = func() error {
		cancel()
		_ = cmd.Wait() // it ends by being killed
		return remove()
	}
	if err := traffic.Listening(ns, listen); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}
