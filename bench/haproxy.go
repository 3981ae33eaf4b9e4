package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/bench/traffic"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// proxies are where the networks around HAProxy are laid out.
type proxies struct {
	lab  *lab.Lab
	bare *lab.Bare
}

// besideHAProxy compares with HAProxy in three places. The targets speak of the first, where only what stands in the
// middle differs: kumiko's routers, groups and connection tracking on both sides of HAProxy, as of the gateway. Then
// the routers are plain ones, and at last there are none, only a cable to client and server.
func besideHAProxy(ctx context.Context, c config, at proxies, through traffic.Path) (tables []measure.Table, err error) {
	const title = "TCP through a resource gateway"
	if _, err := exec.LookPath("haproxy"); err != nil {
		return []measure.Table{{Title: title, Peer: "HAProxy", Rows: []measure.Row{measure.NotMeasured("all", "haproxy is not installed")}}}, nil
	}
	equal, err := straddled(ctx, at.lab)
	if err != nil {
		return nil, err
	}
	plain, err := proxied(at.bare)
	if err != nil {
		return nil, err
	}
	alone := proxy{
		ns: at.bare.Namespace("r"), listen: netip.MustParseAddr("10.2.1.1"), target: netip.MustParseAddr("10.2.2.2"),
		from: at.bare.Namespace("c"), to: at.bare.Namespace("s"),
	}
	for _, p := range []struct {
		peer  string
		proxy proxy
		aims  []aim
	}{
		{"HAProxy between the same routers and groups", equal, []aim{
			{what: "throughput, 1 stream", target: "≥ 1.4", take: throughput(1)},
			{what: "throughput, 8 streams", take: throughput(parallel)},
			{what: "new connections", target: "≥ 1.2", take: connections},
			{what: "round trip (less is better)", take: roundTrip},
		}},
		{"HAProxy between two routers without filters", plain, []aim{
			{what: "throughput, 1 stream", take: throughput(1)},
			{what: "throughput, 8 streams", take: throughput(parallel)},
			{what: "new connections", take: connections},
			{what: "round trip (less is better)", take: roundTrip},
		}},
		{"HAProxy with cables to both ends", alone, []aim{
			{what: "throughput, 1 stream", take: throughput(1)}, {what: "new connections", take: connections},
		}},
	} {
		t := measure.Table{Title: title, Peer: p.peer}
		if t.Rows, err = besideProxy(ctx, c, through, p.proxy, p.aims); err != nil {
			return tables, err
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// straddled lays out what joined does, with a host that has an interface in each VPC in place of the gateway. Its
// interfaces carry the groups of the association and of the gateway.
func straddled(ctx context.Context, l *lab.Lab) (proxy, error) {
	var client, middle, target lab.Host
	err := l.Update(ctx, func(tx *world.Tx) {
		consumer, provider := lab.AddVPC(tx, "10.0.0.0/24"), lab.AddVPC(tx, "10.1.0.0/24")
		clients, inside := ruled(tx, consumer, 10), ruled(tx, provider, 10)
		client = lab.AddHosts(tx, consumer, 1, clients...)[0]
		target = lab.AddHosts(tx, provider, 1, inside...)[0]
		middle = lab.AddHosts(tx, consumer, 1, clients[len(clients)-1])[0]
		lab.Straddle(tx, middle, provider, inside[0])
	})
	return proxy{
		ns: l.Namespace(middle.ID), listen: middle.Addr, target: target.Addr, from: l.Namespace(client.ID), to: l.Namespace(target.ID),
	}, err
}

// proxied joins two bare namespaces by two routers with a namespace for a proxy between them.
func proxied(b *lab.Bare) (proxy, error) {
	p := proxy{
		ns: b.Namespace("hap"), listen: netip.MustParseAddr("10.3.2.2"), target: netip.MustParseAddr("10.3.4.2"),
		from: b.Namespace("hac"), to: b.Namespace("has"),
	}
	if err := errors.Join(b.Add("hac"), b.Router("har"), b.Add("hap"), b.Router("hat"), b.Add("has")); err != nil {
		return p, err
	}
	return p, errors.Join(
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

// startHAProxy runs HAProxy in a namespace until the function it gives is called. It records each connection, as kumiko
// does, to a socket like a syslog daemon's that is read all the while.
func startHAProxy(ctx context.Context, ns string, listen, target netip.AddrPort) (stop func() error, err error) {
	const conf = `global
	nbthread 2
	maxconn 2000
	log %s local0
	tune.bufsize 65536
	tune.pipesize 1048576
defaults
	mode tcp
	log global
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	option tcplog
	option splice-auto
	option tcp-smart-accept
	option tcp-smart-connect
listen service
	bind %s
	server target %s
`
	log, remove, err := temporary("log", "")
	if err != nil {
		return nil, err
	}
	log += ".sock"
	file, removeConf, err := temporary("haproxy.cfg", fmt.Sprintf(conf, log, listen, target))
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	quiet, err := swallow(log)
	if err != nil {
		return nil, errors.Join(err, remove(), removeConf())
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "haproxy", "-db", "-q", "-f", file)
	if err := kernel.In(ns, cmd.Start); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("haproxy: %w", err), quiet(), remove(), removeConf())
	}
	stop = func() error {
		cancel()
		_ = cmd.Wait() // it ends by being killed
		return errors.Join(quiet(), remove(), removeConf())
	}
	if err := traffic.Listening(ns, listen); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

// swallow reads a datagram socket until the function it gives is called.
func swallow(path string) (stop func() error, err error) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("log of haproxy: %w", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 4<<10)
		for {
			if _, err := c.Read(b); err != nil {
				return
			}
		}
	})
	return func() error {
		err := c.Close()
		wg.Wait()
		return err
	}, nil
}

// temporary writes a file for a peer to read.
func temporary(name, text string) (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "kumiko-bench-")
	if err != nil {
		return "", nil, fmt.Errorf("write %s: %w", name, err)
	}
	path, remove = filepath.Join(dir, name), func() error { return os.RemoveAll(dir) }
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return "", nil, errors.Join(fmt.Errorf("write %s: %w", name, err), remove())
	}
	return path, remove, nil
}
