package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"kumiko/bench/client"
	"kumiko/bench/measure"
	"kumiko/bench/traffic"
	"kumiko/internal/kernel"
)

// The sizes of the two estates in which the same changes are measured, in VPCs. What is measured lies in the first two,
// which are alike in both.
const (
	smallEstate = 2
	largeEstate = 100
)

// What each VPC of an estate has.
const (
	estateInstances = 10 // half of them in each of two subnets
	estateTables    = 5  // route tables, the main one included
	estateGroups    = 2  // security groups with rules nobody needs, each as full as AWS lets it be but for ten
	estateRules     = 50 // in each of them
)

// scale compares the time a change takes from the call to the packet in a small estate and in a large one.
func scale(ctx context.Context, c config) (tables []measure.Table, err error) {
	var estates []*estate
	defer func() {
		for _, e := range estates {
			err = errors.Join(err, e.close())
		}
	}()
	made := measure.Table{Title: "A large estate"}
	for _, n := range []int{largeEstate, smallEstate} {
		begun := time.Now()
		e, err := newEstate(ctx, c, n)
		if err != nil {
			return nil, err
		}
		estates = append(estates, e)
		if n == largeEstate {
			var all measure.Sample
			all.Milliseconds(time.Since(begun))
			made.Rows = append(made.Rows, measure.Row{
				What: fmt.Sprintf("%d VPCs, %d instances, %d rules, %d route tables: from nothing to all running", n, n*estateInstances,
					n*estateGroups*estateRules, n*estateTables), Unit: "ms", Ours: all,
			})
		}
	}
	t := measure.Table{
		Title: fmt.Sprintf("A change among %d instances in %d VPCs", largeEstate*estateInstances, largeEstate),
		Peer:  fmt.Sprintf("among %d in %d", smallEstate*estateInstances, smallEstate),
	}
	for _, ch := range changes() {
		s, err := measure.Take(c.rounds*changeTurns, estates[0].time(ctx, ch), estates[1].time(ctx, ch))
		if err != nil {
			return []measure.Table{made, t}, fmt.Errorf("%s: %w", ch.what, err)
		}
		t.Rows = append(t.Rows, measure.Row{What: ch.what, Unit: "ms", Ours: s[0], Peer: s[1], Target: ch.target})
	}
	if kib, err := resident(estates[0].PID()); err == nil {
		made.Rows = append(made.Rows, measure.Row{What: "resident memory of its daemon", Unit: "MB", Ours: measure.Sample{float64(kib) * 1024 / 1e6}})
	}
	pages, err := estates[0].pages(ctx, c.rounds)
	return []measure.Table{made, t, pages}, err
}

// changeTurns is how often a change is measured for each round that was asked for: it takes milliseconds.
const changeTurns = 3

// estate is a daemon with a number of VPCs that are alike.
type estate struct {
	*yard
	plots [smallEstate]plot
	peer  string // the peering of the first two VPCs
	gates map[[2]int]*traffic.Gate
}

// plot is one VPC of an estate.
type plot struct {
	vpc, group, acl, table string
	subnets                [2]string
	ids, addrs             [2]string // of an instance in each subnet
}

// newEstate makes n VPCs and waits until all instances run.
func newEstate(ctx context.Context, c config, n int) (*estate, error) {
	d, err := newCloud(ctx, c)
	if err != nil {
		return nil, err
	}
	e := &estate{gates: map[[2]int]*traffic.Gate{}}
	if e.yard, err = newYard(ctx, d, "172.31.0.0/24"); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := e.settle(ctx, n); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *estate) settle(ctx context.Context, n int) error {
	var wg sync.WaitGroup
	errs := make([]error, n)
	next := make(chan int)
	for range atOnce {
		wg.Go(func() {
			for i := range next {
				p, err := e.plot(ctx, i)
				if i < len(e.plots) {
					e.plots[i] = p
				}
				errs[i] = err
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	do := script{ctx: ctx, api: e.api}
	e.peer = do.get("vpcPeeringConnectionId", "CreateVpcPeeringConnection", "VpcId", e.plots[0].vpc, "PeerVpcId", e.plots[1].vpc)
	do.get("vpcPeeringConnectionId", "AcceptVpcPeeringConnection", "VpcPeeringConnectionId", e.peer)
	do.get("return", "CreateRoute", "RouteTableId", e.plots[1].table, "DestinationCidrBlock", estateRange(0).String(), "VpcPeeringConnectionId", e.peer)
	if do.err != nil {
		return do.err
	}
	if err := e.running(ctx, n*estateInstances); err != nil {
		return err
	}
	for _, way := range [][2]int{{0, 0}, {0, 1}} { // within the first VPC, and to the second
		from, to := e.plots[way[0]], e.plots[way[1]]
		at, err := netip.ParseAddr(to.addrs[1])
		if err != nil {
			return err
		}
		run := filepath.Join(e.conf.State, "run")
		path := traffic.Path{From: kernel.Path(run, from.ids[0]), To: kernel.Path(run, to.ids[1]), Dst: netip.AddrPortFrom(at, service)}
		if e.gates[way], err = path.Watch(); err != nil {
			return err
		}
	}
	return nil
}

func (e *estate) close() error {
	for _, g := range e.gates {
		if g != nil {
			g.Close()
		}
	}
	return e.yard.close()
}

// estateRange is the range of the i-th VPC.
func estateRange(i int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 23)
}

// plot makes the i-th VPC.
func (e *estate) plot(ctx context.Context, i int) (p plot, err error) {
	cidr := estateRange(i)
	do := script{ctx: ctx, api: e.api}
	p.vpc = do.get("vpcId", "CreateVpc", "CidrBlock", cidr.String())
	p.table = do.get("routeTableId", "DescribeRouteTables", "Filter.1.Name", "vpc-id", "Filter.1.Value.1", p.vpc)
	p.acl = do.get("networkAclId", "DescribeNetworkAcls", "Filter.1.Name", "vpc-id", "Filter.1.Value.1", p.vpc)
	for range estateTables - 1 {
		do.get("routeTableId", "CreateRouteTable", "VpcId", p.vpc)
	}
	for g := range estateGroups {
		do.rules(do.get("groupId", "CreateSecurityGroup", "VpcId", p.vpc, "GroupName", "idle"+strconv.Itoa(g), "GroupDescription", "idle"), estateRules)
	}
	p.group = do.get("groupId", "CreateSecurityGroup", "VpcId", p.vpc, "GroupName", "used", "GroupDescription", "used")
	do.permit(p.group, "22")
	if i == 1 {
		do.permit(p.group, strconv.Itoa(service))
	}
	for s := range p.subnets {
		part := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), byte(s), 0}), 24)
		p.subnets[s] = do.get("subnetId", "CreateSubnet", "VpcId", p.vpc, "CidrBlock", part.String())
		half := strconv.Itoa(estateInstances / 2)
		xml := do.call("RunInstances", "ImageId", e.ami, "InstanceType", "t3.micro", "MinCount", half, "MaxCount", half, "KeyName", "bench",
			"SubnetId", p.subnets[s], "SecurityGroupId.1", p.group)
		p.ids[s], p.addrs[s] = client.Element(xml, "instanceId"), client.Element(xml, "privateIpAddress")
	}
	return p, do.err
}

// script makes calls until one fails.
type script struct {
	ctx context.Context
	api *client.Client
	err error
}

func (s *script) call(operation string, pairs ...string) []byte {
	if s.err != nil {
		return nil
	}
	xml, err := s.api.Call(s.ctx, operation, pairs...)
	s.err = err
	return xml
}

// get makes a call and gives one element of its answer.
func (s *script) get(element, operation string, pairs ...string) string {
	return client.Element(s.call(operation, pairs...), element)
}

// permit lets a port of TCP in from everywhere.
func (s *script) permit(group, port string) {
	s.call("AuthorizeSecurityGroupIngress", one(group, port)...)
}

// one are the parameters of a rule that lets a port of TCP in from everywhere.
func one(group, port string) []string {
	return []string{
		"GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", port, "IpPermissions.1.ToPort", port,
		"IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0",
	}
}

// rules puts n rules into a group.
func (s *script) rules(group string, n int) {
	pairs := []string{"GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "443", "IpPermissions.1.ToPort", "443"}
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("IpPermissions.1.IpRanges.%d.CidrIp", i+1), fmt.Sprintf("192.168.%d.0/24", i))
	}
	s.call("AuthorizeSecurityGroupIngress", pairs...)
}
