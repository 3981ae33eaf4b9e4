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

// resources compares the way through a resource gateway, between two VPCs with one range, with the way between two hosts
// of one VPC, with a plain router, and with HAProxy in the gateway's place.
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
	more, err := besideHAProxy(ctx, c, proxies{lab: l, bare: b}, through)
	tables = append(tables, more...)
	if err != nil {
		return tables, err
	}
	rows, err := compare(c, through, routed, aims)
	if err != nil {
		return tables, err
	}
	tables = append(tables, measure.Table{Title: "TCP through a resource gateway", Peer: "routed, two interfaces of one VPC", Rows: rows})
	for i := range aims {
		aims[i].target = ""
	}
	if rows, err = compare(c, through, plain, aims); err != nil {
		return tables, err
	}
	return append(tables, measure.Table{Title: "TCP through a resource gateway", Peer: "a router without any filter", Rows: rows}), nil
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
