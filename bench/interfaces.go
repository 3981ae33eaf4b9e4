package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/bench/traffic"
	"kumiko/internal/world"
)

// service is the port that the measured services listen on.
const service = 7000

// parallel is how many streams or clients are at work at once where there is more than one.
const parallel = 8

// interfaces compares two interfaces of one VPC, guarded by groups, with a cable between two namespaces.
func interfaces(ctx context.Context, c config) (tables []measure.Table, err error) {
	ours, closeOurs, err := guarded(ctx, 10)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeOurs()) }()
	b, err := lab.NewBare()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	direct, err := cable(b)
	if err != nil {
		return nil, err
	}
	rows, err := compare(c, ours, direct, []aim{
		{what: "throughput, 1 stream", target: "≥ .60", take: throughput(1)},
		{what: "throughput, 8 streams", target: "≥ .60", take: throughput(parallel)},
		{what: "new connections", target: "≥ .55", take: connections},
		{what: "round trip (less is better)", target: "≤ 1.6", take: roundTrip},
	})
	return []measure.Table{{Title: "Interface to interface, groups enforced", Peer: "a veth pair alone", Rows: rows}}, err
}

// cable joins two bare namespaces.
func cable(b *lab.Bare) (traffic.Path, error) {
	err := errors.Join(b.Add("a"), b.Add("b"))
	if err == nil {
		err = b.Cable("a", "b", netip.MustParsePrefix("10.1.0.1/24"), netip.MustParsePrefix("10.1.0.2/24"))
	}
	return traffic.Path{From: b.Namespace("a"), To: b.Namespace("b"), Dst: netip.MustParseAddrPort(fmt.Sprintf("10.1.0.2:%d", service))}, err
}

// guarded is the path between two hosts of one VPC, whose groups have the given number of rules together; the last one
// lets the traffic in.
func guarded(ctx context.Context, rules int) (traffic.Path, func() error, error) {
	l, err := lab.New()
	if err != nil {
		return traffic.Path{}, nil, err
	}
	var hosts []lab.Host
	err = l.Update(ctx, func(tx *world.Tx) {
		v := lab.AddVPC(tx, "10.0.0.0/24")
		hosts = lab.AddHosts(tx, v, 2, ruled(tx, v, rules)...)
	})
	if err != nil {
		return traffic.Path{}, nil, errors.Join(err, l.Close())
	}
	return between(l, hosts[0], hosts[1]), l.Close, nil
}

// between is the path from one host to another.
func between(l *lab.Lab, from, to lab.Host) traffic.Path {
	return traffic.Path{From: l.Namespace(from.ID), To: l.Namespace(to.ID), Dst: netip.AddrPortFrom(to.Addr, service)}
}

// aim is one figure of a path and what is wished for it.
type aim struct {
	what, target string
	take         func(config, traffic.Path) (float64, string, error)
}

func throughput(streams int) func(config, traffic.Path) (float64, string, error) {
	return func(c config, p traffic.Path) (float64, string, error) {
		v, err := p.Throughput(streams, c.each)
		return v / 1e9, "Gb/s", err
	}
}

func connections(c config, p traffic.Path) (float64, string, error) {
	v, err := p.Connections(parallel, c.each)
	return v, "/s", err
}

func roundTrip(c config, p traffic.Path) (float64, string, error) {
	v, err := p.PingPong(c.each / 2)
	return float64(v.Nanoseconds()) / 1000, "µs", err
}

// compare measures each aim on both paths in turns.
func compare(c config, ours, peer traffic.Path, aims []aim) ([]measure.Row, error) {
	var rows []measure.Row
	for _, a := range aims {
		unit := ""
		side := func(p traffic.Path) func() (float64, error) {
			return func() (v float64, err error) {
				v, unit, err = a.take(c, p)
				return v, err
			}
		}
		s, err := measure.Take(c.rounds, side(ours), side(peer))
		if err != nil {
			return rows, fmt.Errorf("%s: %w", a.what, err)
		}
		rows = append(rows, measure.Row{What: a.what, Unit: unit, Ours: s[0], Peer: s[1], Target: a.target})
	}
	return rows, nil
}
