package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kumiko/bench/client"
	"kumiko/bench/measure"
)

// change is something that opens or closes a way of an estate.
type change struct {
	what, target string
	way          [2]int // the VPCs from and to which packets go; unused when run is set
	opens        bool
	before, make func(*estate, *script) // before is what is there when the clock starts: the way the other way round
	after        func(*estate, *script) // what is put back
	run          func(context.Context, *estate) (time.Duration, error)
}

// time measures the change once: from the call to the first packet that shows it.
func (e *estate) time(ctx context.Context, ch change) func() (float64, error) {
	return func() (float64, error) {
		if ch.run != nil {
			d, err := ch.run(ctx, e)
			return milliseconds(d), err
		}
		do, gate := script{ctx: ctx, api: e.api}, e.gates[ch.way]
		ch.before(e, &do)
		if do.err != nil {
			return 0, do.err
		}
		if _, err := gate.Until(!ch.opens); err != nil {
			return 0, err
		}
		begun := time.Now()
		ch.make(e, &do)
		answered := time.Since(begun)
		if do.err != nil {
			return 0, do.err
		}
		d, err := gate.Until(ch.opens)
		if ch.after != nil {
			ch.after(e, &do)
		}
		return milliseconds(answered + d), errors.Join(err, do.err)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// notGrowing is what is aimed at: an estate fifty times as large makes no difference that counts.
const notGrowing = "≤ 1.5"

// changes are the changes measured in estates.
func changes() []change {
	authorize := func(e *estate, s *script) { s.permit(e.plots[0].group, strconv.Itoa(service)) }
	revoke := func(e *estate, s *script) {
		s.call("RevokeSecurityGroupIngress", one(e.plots[0].group, strconv.Itoa(service))...)
	}
	entry := func(action string) func(*estate, *script) {
		return func(e *estate, s *script) {
			s.call("ReplaceNetworkAclEntry", "NetworkAclId", e.plots[0].acl, "RuleNumber", "100", "Protocol", "-1", "RuleAction", action, "Egress", "false",
				"CidrBlock", "0.0.0.0/0")
		}
	}
	both := func(fs ...func(*estate, *script)) func(*estate, *script) {
		return func(e *estate, s *script) {
			for _, f := range fs {
				f(e, s)
			}
		}
	}
	route := func(operation string) func(*estate, *script) {
		return func(e *estate, s *script) {
			pairs := []string{"RouteTableId", e.plots[0].table, "DestinationCidrBlock", estateRange(1).String()}
			if operation == "CreateRoute" {
				pairs = append(pairs, "VpcPeeringConnectionId", e.peer)
			}
			s.call(operation, pairs...)
		}
	}
	nothing := func(*estate, *script) {}
	within, across := [2]int{0, 0}, [2]int{0, 1}
	return []change{
		{what: "AuthorizeSecurityGroupIngress, first connection", target: notGrowing, way: within, opens: true, before: nothing, make: authorize, after: revoke},
		{what: "RevokeSecurityGroupIngress, first refusal", target: notGrowing, way: within, before: authorize, make: revoke},
		{what: "ReplaceNetworkAclEntry, first refusal", target: notGrowing, way: within, before: authorize, make: entry("deny"), after: both(entry("allow"), revoke)},
		{what: "CreateRoute to a peering, first connection", target: notGrowing, way: across, opens: true, before: nothing, make: route("CreateRoute"), after: route("DeleteRoute")},
		{what: "DeleteRoute, first refusal", target: notGrowing, way: across, before: route("CreateRoute"), make: route("DeleteRoute")},
		{what: "CreateVpc, answered", target: notGrowing, run: createVPC},
		{what: "RunInstances, greeting of its SSH server", target: notGrowing, run: runInstance},
	}
}

func createVPC(ctx context.Context, e *estate) (time.Duration, error) {
	do := script{ctx: ctx, api: e.api}
	begun := time.Now()
	id := do.get("vpcId", "CreateVpc", "CidrBlock", "10.255.0.0/16")
	took := time.Since(begun)
	do.call("DeleteVpc", "VpcId", id)
	return took, do.err
}

func runInstance(ctx context.Context, e *estate) (time.Duration, error) {
	do := script{ctx: ctx, api: e.api}
	y, p := *e.yard, e.plots[0]
	y.subnet, y.group = p.subnets[0], p.group
	begun := time.Now()
	id, addr, err := y.start(ctx, "1")
	if err != nil {
		return 0, err
	}
	conn, err := y.await(p.ids[1], addr)
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	do.call("TerminateInstances", "InstanceId.1", id)
	return took, errors.Join(conn.Close(), do.err)
}

// pageSize is the largest page AWS gives of most nouns. (Amazon EC2 API Reference, MaxResults.)
const pageSize = "1000"

// pages measures how long pages of descriptions take where there are ten thousand things to describe.
func (e *estate) pages(ctx context.Context, rounds int) (measure.Table, error) {
	t := measure.Table{Title: "A page of " + pageSize + " of 10,000"}
	do := script{ctx: ctx, api: e.api}
	pairs := []string{}
	for i := range estateTags {
		pairs = append(pairs, fmt.Sprintf("Tag.%d.Key", i+1), fmt.Sprintf("key%d", i), fmt.Sprintf("Tag.%d.Value", i+1), "value")
	}
	for _, id := range client.Elements(do.call("DescribeInstances"), "instanceId") {
		do.call("CreateTags", append([]string{"ResourceId.1", id}, pairs...)...)
	}
	for _, d := range []struct{ operation, element string }{{"DescribeSecurityGroupRules", "securityGroupRuleId"}, {"DescribeTags", "resourceId"}} {
		var page measure.Sample
		found := 0
		for range rounds {
			for token := " "; token != "" && do.err == nil; {
				asked := []string{"MaxResults", pageSize}
				if token != " " {
					asked = append(asked, "NextToken", token)
				}
				begun := time.Now()
				xml := do.call(d.operation, asked...)
				page.Milliseconds(time.Since(begun))
				token, found = client.Element(xml, "nextToken"), found+client.Count(xml, d.element)
			}
		}
		t.Rows = append(t.Rows, measure.Row{What: fmt.Sprintf("%s, of %d", d.operation, found/rounds), Unit: "ms", Ours: page, Target: "< 50"})
	}
	return t, do.err
}

// estateTags is how many tags each instance of the large estate gets.
const estateTags = 10
