package main

import (
	"context"
	"errors"
	"net/netip"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/internal/world"
)

// groupsPerInterface is as many groups as AWS lets an interface carry. (Amazon VPC User Guide, "Amazon VPC quotas".)
const groupsPerInterface = 5

// rules compares interfaces under ten thousand rules with interfaces under ten.
func rules(ctx context.Context, c config) (tables []measure.Table, err error) {
	many, closeMany, err := guarded(ctx, 10_000)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeMany()) }()
	few, closeFew, err := guarded(ctx, 10)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeFew()) }()
	rows, err := compare(c, many, few, []aim{
		{what: "new connections", target: "≥ .70", take: connections},
		{what: "throughput, 1 stream", take: throughput(1)},
	})
	return []measure.Table{{Title: "10,000 rules in 5 groups", Peer: "10 rules in 5 groups", Rows: rows}}, err
}

// ruled puts groups with the given number of ingress rules together; the last one lets the service in.
func ruled(tx *world.Tx, v lab.VPC, rules int) []world.SecurityGroupID {
	var groups []world.SecurityGroupID
	for range groupsPerInterface {
		groups = append(groups, lab.AddGroup(tx, v))
	}
	for i := range rules - 1 {
		from := uint16(1000 + i%500)
		lab.AddRule(tx, world.SecurityGroupRule{
			Group: groups[i%len(groups)], Protocol: world.TCP, Ports: world.PortRange{From: from, To: from + uint16(i%50)},
			CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16 + byte(i>>13), byte(i >> 5), byte(i << 3)}), 29),
		})
	}
	lab.Allow(tx, groups[len(groups)-1], "10.0.0.0/8", world.PortRange{From: service, To: service})
	return groups
}
