package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kumiko/bench/client"
	"kumiko/bench/measure"
)

// change is something that opens or closes a way of an estate.
type change struct {
	what, target string
	way          way // on which packets go; unused when run is set
	opens        bool
	inVPC        bool                   // is measured in a large VPC too
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
	permitted := func(e *estate, s *script) { s.permit(e.plots[0].group, strconv.Itoa(service)) }
	nothing := func(*estate, *script) {}
	return []change{
		{what: "AuthorizeSecurityGroupIngress, first connection", target: notGrowing, way: within, opens: true, inVPC: true, before: nothing, make: authorize, after: revoke},
		{what: "RevokeSecurityGroupIngress, first refusal", target: notGrowing, way: within, inVPC: true, before: authorize, make: revoke},
		{what: "ModifyManagedPrefixList, first connection", target: notGrowing, way: within, opens: true, inVPC: true, before: nothing, make: entries("Add"), after: entries("Remove")},
		{what: "ModifyNetworkInterfaceAttribute of groups, first refusal", target: notGrowing, way: within, inVPC: true, before: permitted, make: regroup(false), after: both(regroup(true), revoke)},
		{what: "ReplaceNetworkAclEntry, first refusal", target: notGrowing, way: within, before: authorize, make: entry("deny"), after: both(entry("allow"), revoke)},
		{what: "CreateRoute to a peering, first connection", target: notGrowing, way: across, opens: true, inVPC: true, before: nothing, make: route("CreateRoute", true), after: route("DeleteRoute", false)},
		{what: "ReplaceRoute, first refusal", target: notGrowing, way: across, inVPC: true, before: route("CreateRoute", true), make: route("ReplaceRoute", false), after: route("DeleteRoute", false)},
		{what: "DeleteRoute, first refusal", target: notGrowing, way: across, inVPC: true, before: route("CreateRoute", true), make: route("DeleteRoute", false)},
		{what: "AcceptVpcPeeringConnection and a route each way, first connection", target: notGrowing, way: across, opens: true, before: unpeer, make: repeer, after: route("DeleteRoute", false)},
		{what: "CreateVpcEndpoint of a gateway, first connection", target: notGrowing, way: toService, opens: true, inVPC: true, before: nothing, make: createEndpoint, after: deleteEndpoint},
		{what: "AssociateDhcpOptions and a rule, first connection", target: notGrowing, way: within, opens: true, before: nothing, make: both(dhcp(true), authorize), after: both(dhcp(false), revoke)},
		{what: "CreateServiceNetworkVpcAssociation, ACTIVE", target: notGrowing, run: associate},
		{what: "AttachNetworkInterface, attached", target: notGrowing, inVPC: true, run: attach},
		{what: "CreateVpc, answered", target: notGrowing, run: createVPC},
		{what: "RunInstances, greeting of its SSH server", target: notGrowing, inVPC: true, run: runInstance},
	}
}

// both makes calls of several changes.
func both(fs ...func(*estate, *script)) func(*estate, *script) {
	return func(e *estate, s *script) {
		for _, f := range fs {
			f(e, s)
		}
	}
}

// route makes a call about the route from the first VPC to the second: to the peering, or to an interface that does not forward.
func route(operation string, peering bool) func(*estate, *script) {
	return func(e *estate, s *script) {
		pairs := []string{"RouteTableId", e.plots[0].table, "DestinationCidrBlock", estateRange(1).String()}
		switch {
		case peering:
			pairs = append(pairs, "VpcPeeringConnectionId", e.peer)
		case operation == "ReplaceRoute":
			pairs = append(pairs, "NetworkInterfaceId", e.eni)
		}
		s.call(operation, pairs...)
	}
}

// entries adds or removes the entry of the prefix list that lets the first VPC in.
func entries(action string) func(*estate, *script) {
	return func(e *estate, s *script) {
		version := client.Element(s.call("DescribeManagedPrefixLists", "PrefixListId.1", e.list), "version")
		pairs := []string{"PrefixListId", e.list, "CurrentVersion", version, action + "Entry.1.Cidr", estateRange(0).String()}
		s.call("ModifyManagedPrefixList", pairs...)
	}
}

// regroup gives the instance that is asked the group that lets it be, or another one.
func regroup(back bool) func(*estate, *script) {
	return func(e *estate, s *script) {
		p := e.plots[0]
		group := p.other
		if back {
			group = p.group
		}
		s.call("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", p.asked, "SecurityGroupId.1", group)
	}
}

func unpeer(e *estate, s *script) {
	s.call("DeleteRoute", "RouteTableId", e.plots[1].table, "DestinationCidrBlock", estateRange(0).String())
	s.call("DeleteVpcPeeringConnection", "VpcPeeringConnectionId", e.peer)
	e.peer = s.get("vpcPeeringConnectionId", "CreateVpcPeeringConnection", "VpcId", e.plots[0].vpc, "PeerVpcId", e.plots[1].vpc)
}

func repeer(e *estate, s *script) {
	s.call("AcceptVpcPeeringConnection", "VpcPeeringConnectionId", e.peer)
	s.call("CreateRoute", "RouteTableId", e.plots[1].table, "DestinationCidrBlock", estateRange(0).String(), "VpcPeeringConnectionId", e.peer)
	route("CreateRoute", true)(e, s)
}

func createEndpoint(e *estate, s *script) {
	e.endpoint = s.get("vpcEndpointId", "CreateVpcEndpoint", "VpcId", e.plots[0].vpc, "ServiceName", "com.amazonaws."+region+".s3", "VpcEndpointType", "Gateway",
		"RouteTableId.1", e.plots[0].table)
}

func deleteEndpoint(e *estate, s *script) {
	s.call("DeleteVpcEndpoints", "VpcEndpointId.1", e.endpoint)
}

// dhcp gives the first VPC its DHCP options, or none.
func dhcp(some bool) func(*estate, *script) {
	return func(e *estate, s *script) {
		options := "default"
		if some {
			options = e.options
		}
		s.call("AssociateDhcpOptions", "DhcpOptionsId", options, "VpcId", e.plots[0].vpc)
	}
}

// stateWait bounds how long something may take to get into a state.
const stateWait = 10 * time.Second

// until asks for a state until it is the one that is waited for.
func until(want string, state func() (string, error)) error {
	for deadline := time.Now().Add(stateWait); ; {
		is, err := state()
		if err != nil || is == want {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it is %s, not %s", is, want)
		}
	}
}

// associate measures how long it takes until a VPC is associated with the service network.
func associate(ctx context.Context, e *estate) (time.Duration, error) {
	do := script{ctx: ctx, api: e.api}
	const path = "/servicenetworkvpcassociations"
	begun := time.Now()
	id := do.lattice(http.MethodPost, path, map[string]any{"serviceNetworkIdentifier": e.network, "vpcIdentifier": e.plots[0].vpc}, "id")
	err := until("ACTIVE", func() (string, error) { return do.lattice(http.MethodGet, path+"/"+id, struct{}{}, "status"), do.err })
	took := time.Since(begun)
	do.lattice(http.MethodDelete, path+"/"+id, struct{}{}, "status")
	return took, errors.Join(err, do.err, until("", func() (string, error) {
		gone := script{ctx: ctx, api: e.api}
		return gone.lattice(http.MethodGet, path+"/"+id, struct{}{}, "status"), nil
	}))
}

// attach measures how long it takes until an interface is attached.
func attach(ctx context.Context, e *estate) (time.Duration, error) {
	do := script{ctx: ctx, api: e.api}
	state := func() (string, error) {
		xml := do.call("DescribeNetworkInterfaces", "NetworkInterfaceId.1", e.eni)
		_, attachment, _ := strings.Cut(string(xml), "<attachment>")
		return client.Element([]byte(attachment), "status"), do.err
	}
	begun := time.Now()
	id := do.get("attachmentId", "AttachNetworkInterface", "NetworkInterfaceId", e.eni, "InstanceId", e.plots[0].ids[0], "DeviceIndex", "1")
	err := until("attached", state)
	took := time.Since(begun)
	do.call("DetachNetworkInterface", "AttachmentId", id)
	return took, errors.Join(err, do.err, until("", func() (string, error) {
		is, err := state()
		if is == "available" {
			is = ""
		}
		return is, err
	}))
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
