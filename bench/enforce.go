package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"kumiko/bench/lab"
	"kumiko/bench/measure"
	"kumiko/internal/api/ec2api"
	"kumiko/internal/service/ec2"
	"kumiko/internal/world"
)

// enforce measures how long a rule that was answered for is not yet in force.
func enforce(ctx context.Context, c config) ([]measure.Table, error) {
	t := measure.Table{Title: "From the answer of a rule change to its enforcement"}
	for _, n := range []int{2, 1000, 5000} {
		rows, err := enforced(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("%d interfaces: %w", n, err)
		}
		t.Rows = append(t.Rows, rows...)
	}
	return []measure.Table{t}, nil
}

// enforceRounds is how often a rule is added and removed; perNetwork is how many interfaces a VPC has at most.
const (
	enforceRounds = 15
	perNetwork    = 1000
)

// enforced measures among n interfaces, all of which carry the group that is changed or are in other VPCs.
func enforced(ctx context.Context, n int) (rows []measure.Row, err error) {
	l, err := lab.New()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	var hosts []lab.Host
	var group world.SecurityGroupID
	for left := n; left > 0; left -= perNetwork {
		if err := l.Update(ctx, func(tx *world.Tx) {
			v := lab.AddVPC(tx, "10.0.0.0/16")
			group = lab.AddGroup(tx, v)
			hosts = lab.AddHosts(tx, v, min(left, perNetwork), group)
		}); err != nil {
			return nil, err
		}
	}
	e := edit{service: ec2.New(ec2.Config{Store: l.Store}), group: string(group)}
	path := between(l, hosts[0], hosts[1])
	gate, err := path.Watch()
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	var opened, closed measure.Sample
	for range enforceRounds {
		if err := errors.Join(l.Settle(ctx), e.authorize(ctx)); err != nil {
			return nil, err
		}
		d, err := gate.Until(true)
		if err != nil {
			return nil, err
		}
		opened.Milliseconds(d)
		if err := errors.Join(l.Settle(ctx), e.revoke(ctx)); err != nil {
			return nil, err
		}
		if d, err = gate.Until(false); err != nil {
			return nil, err
		}
		closed.Milliseconds(d)
	}
	return []measure.Row{
		{What: fmt.Sprintf("%d interfaces: authorized, first connection", n), Unit: "ms", Ours: opened, Target: "< 10 ms"},
		{What: fmt.Sprintf("%d interfaces: revoked, first refusal", n), Unit: "ms", Ours: closed, Target: "< 10 ms"},
	}, nil
}

// edit adds and removes one rule.
type edit struct {
	service *ec2.Service
	group   string
}

// permission lets the service's port in from everywhere.
func permission() []ec2api.IpPermission {
	return []ec2api.IpPermission{{
		IpProtocol: new("tcp"), FromPort: new(int32(service)), ToPort: new(int32(service)), IpRanges: []ec2api.IpRange{{CidrIp: new(netip.PrefixFrom(netip.IPv4Unspecified(), 0).String())}},
	}}
}

func (e edit) authorize(ctx context.Context) error {
	_, err := e.service.AuthorizeSecurityGroupIngress(ctx, lab.Caller, &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: &e.group, IpPermissions: permission()})
	return err
}

func (e edit) revoke(ctx context.Context) error {
	_, err := e.service.RevokeSecurityGroupIngress(ctx, lab.Caller, &ec2api.RevokeSecurityGroupIngressInput{GroupId: &e.group, IpPermissions: permission()})
	return err
}
