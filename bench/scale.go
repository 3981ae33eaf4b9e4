package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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

// largeVPC is how many instances the first VPC has where that is large.
const largeVPC = 1000

// What each VPC of an estate has.
const (
	estateInstances = 10 // half of them in each of two subnets
	estateTables    = 5  // route tables, the main one included
	estateGroups    = 2  // security groups with rules nobody needs, each as full as AWS lets it be but for ten
	estateRules     = 50 // in each of them
)

// scale compares the time a change takes from the call to the packet in a small estate, in a large one, and in one with a large VPC.
func scale(ctx context.Context, c config) (tables []measure.Table, err error) {
	small, err := newEstate(ctx, c, size{smallEstate, estateInstances})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, small.close()) }()
	for _, s := range []size{{largeEstate, estateInstances}, {smallEstate, largeVPC}} {
		more, err := beside(ctx, c, small, s)
		if tables = append(tables, more...); err != nil {
			return tables, err
		}
	}
	return tables, nil
}

// beside makes an estate of a size and compares it with the small one.
func beside(ctx context.Context, c config, small *estate, s size) (tables []measure.Table, err error) {
	begun := time.Now()
	large, err := newEstate(ctx, c, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, large.close()) }()
	var all measure.Sample
	all.Milliseconds(time.Since(begun))
	made := measure.Table{Title: "An estate of " + s.String(), Rows: []measure.Row{{
		What: fmt.Sprintf("%d rules, %d route tables besides: from nothing to all running", s.vpcs*estateGroups*estateRules, s.vpcs*estateTables), Unit: "ms", Ours: all,
	}}}
	t := measure.Table{Title: "A change among " + s.String(), Peer: "among " + small.size.String()}
	for _, ch := range changes() {
		if s.first > estateInstances && !ch.inVPC {
			continue
		}
		times, err := measure.Take(c.rounds*changeTurns, large.time(ctx, ch), small.time(ctx, ch))
		if err != nil {
			return []measure.Table{made, t}, fmt.Errorf("%s: %w", ch.what, err)
		}
		t.Rows = append(t.Rows, measure.Row{What: ch.what, Unit: "ms", Ours: times[0], Peer: times[1], Target: ch.target})
	}
	if kib, err := resident(large.PID()); err == nil {
		made.Rows = append(made.Rows, measure.Row{What: "resident memory of its daemon", Unit: "MB", Ours: measure.Sample{float64(kib) * 1024 / 1e6}})
	}
	if s.vpcs != largeEstate {
		return []measure.Table{made, t}, nil
	}
	pages, err := large.pages(ctx, c.rounds)
	return []measure.Table{made, t, pages}, err
}

// size is how many VPCs an estate has, and how many instances the first of them; each other one has estateInstances.
type size struct{ vpcs, first int }

func (s size) instances() int { return s.first + (s.vpcs-1)*estateInstances }

func (s size) String() string {
	if s.first > estateInstances {
		return fmt.Sprintf("%d instances in one VPC and %d in another", s.first, s.instances()-s.first)
	}
	return fmt.Sprintf("%d instances in %d VPCs", s.instances(), s.vpcs)
}

// changeTurns is how often a change is measured for each round that was asked for: it takes milliseconds.
const changeTurns = 3

// estate is a daemon with a number of VPCs that are alike.
type estate struct {
	*yard
	size                        size
	plots                       [smallEstate]plot
	network, eni, list, options string // a service network, a free ENI, a prefix list that the first VPC's group lets in, DHCP options
	service, endpoint           string // of a gateway endpoint: address and port of its service, and its id
	peer                        string // the peering of the first two VPCs
	gates                       map[way]*traffic.Gate
}

// plot is one VPC of an estate.
type plot struct {
	vpc, group, acl, table string
	other, asked           string // a group that lets nothing in, and the interface that is asked
	subnets                [2]string
	ids, addrs             [2]string // of an instance in each subnet
}

// newEstate makes an estate of a size and waits until all instances run.
func newEstate(ctx context.Context, c config, n size) (*estate, error) {
	d, err := newCloud(ctx, c)
	if err != nil {
		return nil, err
	}
	e := &estate{size: n, gates: map[way]*traffic.Gate{}}
	if e.yard, err = newYard(ctx, d, "172.31.0.0/24"); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if err := e.settle(ctx, n.vpcs); err != nil {
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
	e.furnish(&do)
	if do.err != nil {
		return do.err
	}
	if err := e.running(ctx, e.size.instances()); err != nil {
		return err
	}
	from, run := e.plots[0], filepath.Join(e.conf.State, "run")
	for w, dst := range map[way]string{
		within: from.addrs[1] + ":" + strconv.Itoa(service), across: e.plots[1].addrs[1] + ":" + strconv.Itoa(service), toService: e.service,
	} {
		at, err := netip.ParseAddrPort(dst)
		if err != nil {
			return err
		}
		to := from.ids[1]
		if w == across {
			to = e.plots[1].ids[1]
		}
		path := traffic.Path{From: kernel.Path(run, from.ids[0]), To: kernel.Path(run, to), Dst: at, Port: service}
		if w == toService {
			path.Port++ // nobody is asked there
		}
		if e.gates[w], err = path.Watch(); err != nil {
			return err
		}
	}
	return nil
}

// furnish makes what changes are about besides.
func (e *estate) furnish(do *script) {
	first := e.plots[0]
	xml := do.call("DescribePrefixLists", "Filter.1.Name", "prefix-list-name", "Filter.1.Value.1", "com.amazonaws."+region+".s3")
	for _, cidr := range client.Elements(xml, "item") {
		if p, err := netip.ParsePrefix(cidr); err == nil {
			e.service = netip.AddrPortFrom(p.Addr().Next(), 443).String()
		}
	}
	e.plots[0].other = do.get("groupId", "CreateSecurityGroup", "VpcId", first.vpc, "GroupName", "other", "GroupDescription", "other")
	e.plots[0].asked = do.get("networkInterfaceId", "DescribeNetworkInterfaces", "Filter.1.Name", "attachment.instance-id", "Filter.1.Value.1", first.ids[1])
	e.eni = do.get("networkInterfaceId", "CreateNetworkInterface", "SubnetId", first.subnets[0], "SecurityGroupId.1", first.group)
	e.list = do.get("prefixListId", "CreateManagedPrefixList", "PrefixListName", "bench", "AddressFamily", "IPv4", "MaxEntries", "5")
	do.call("AuthorizeSecurityGroupIngress", "GroupId", first.group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", strconv.Itoa(service),
		"IpPermissions.1.ToPort", strconv.Itoa(service), "IpPermissions.1.PrefixListIds.1.PrefixListId", e.list)
	e.options = do.get("dhcpOptionsId", "CreateDhcpOptions", "DhcpConfiguration.1.Key", "domain-name", "DhcpConfiguration.1.Value.1", "example.org")
	e.network = do.lattice(http.MethodPost, "/servicenetworks", map[string]any{"name": "bench"}, "id")
	gateway := do.lattice(http.MethodPost, "/resourcegateways", map[string]any{
		"name": "bench", "vpcIdentifier": e.plots[1].vpc, "subnetIds": e.plots[1].subnets[:1], "securityGroupIds": []string{e.plots[1].group},
	}, "id")
	resource := do.lattice(http.MethodPost, "/resourceconfigurations", map[string]any{
		"name": "bench", "type": "SINGLE", "protocol": "TCP", "portRanges": []string{"22"}, "resourceGatewayIdentifier": gateway,
		"resourceConfigurationDefinition": map[string]any{"ipResource": map[string]string{"ipAddress": e.plots[1].addrs[1]}},
	}, "id")
	do.lattice(http.MethodPost, "/servicenetworkresourceassociations", map[string]any{
		"resourceConfigurationIdentifier": resource, "serviceNetworkIdentifier": e.network,
	}, "id")
}

// way is a way of packets in an estate: within the first VPC, to the second, and to the service of a gateway endpoint.
type way int

const (
	within way = iota
	across
	toService
)

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
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16)
}

// plot makes the i-th VPC.
func (e *estate) plot(ctx context.Context, i int) (p plot, err error) {
	cidr, instances := estateRange(i), estateInstances
	if i == 0 {
		instances = e.size.first
	}
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
		part := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), byte(s) << 7, 0}), 17)
		p.subnets[s] = do.get("subnetId", "CreateSubnet", "VpcId", p.vpc, "CidrBlock", part.String())
		half := strconv.Itoa(instances / 2)
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

// lattice calls an operation of VPC Lattice and gives one member of its answer.
func (s *script) lattice(method, path string, body any, member string) string {
	var answer map[string]any
	if s.err != nil {
		return ""
	}
	raw, err := json.Marshal(body)
	if err == nil {
		raw, err = s.api.Rest(s.ctx, "vpc-lattice", method, path, string(raw))
	}
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &answer)
	}
	s.err = err
	text, _ := answer[member].(string)
	return text
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
