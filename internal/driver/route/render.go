package route

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// destination is a place in a routing table.
type destination struct {
	table  int
	prefix netip.Prefix
}

// hop is where packets go: out of an interface, to a neighbour there unless via is invalid.
type hop struct {
	index int
	via   netip.Addr
}

// rule chooses a table for packets, by their mark, where they come from and go, and the interface they came in by.
// Rules are known by their priority.
type rule struct {
	table  int
	mark   uint32
	mask   uint32 // 0: any mark
	src    netip.Prefix
	dst    netip.Prefix
	in     string
	jump   int  // continue with the rules of this priority
	refuse bool // drop
	resume bool // do nothing: a place to jump to
}

// tables are the routes and rules of a namespace.
type tables struct {
	routes map[destination]hop
	rules  map[int]rule // by priority
	own    *ownTable    // of a router
}

// ownTable is a router's table of its own ranges: each address to its port, the rest to the hole. It changes with the VPC's interfaces
// and with nothing else.
type ownTable struct {
	of      *fabric.VPC
	changes uint64 // see Interfaces.Changes
	routes  map[destination]hop
	hops    map[uint32]hop // of attached ports by index
	err     error          // what is missing
}

func newTables() tables { return tables{routes: map[destination]hop{}, rules: map[int]rule{}} }

// Priorities of a router's rules: the VPC's own addresses and nothing else for what comes from beyond the VPC; Lattice's
// range; where some table has routes within the VPC, those, but for what stays in a subnet; the VPC's own addresses;
// and the route tables, by their index. All come before the kernel's own rule for its main table (32766).
const (
	prefBeyond     = 80
	prefBeyondHole = 81
	prefServices   = 99
	prefLattice    = 100
	prefUnchecked  = 1000  // plus twice the position of a port whose packets may be from anybody
	prefSubnet     = 11000 // plus the position of the subnet
	prefWithin     = 15000 // plus the index of the table
	prefPorts      = 20000
	prefTables     = 20001 // plus the index of the table
)

// Priorities of a gateway's rules, some of which NAT gateways and the public side share. What the gateway itself sends goes nowhere. What comes in by an ENI jumps to the
// consumers' rules, the rest is led to an ENI; nothing gets beyond either.
const (
	prefOwn       = 50
	prefLocal     = 200   // of the public side
	prefInbound   = 100   // plus the position of the ENI
	prefEgress    = 200   // plus the position of the ENI
	prefNoEgress  = 9999  // end of the rules for what comes from consumers
	prefReplies   = 10000 // begin of the rules for what comes from ENIs
	prefConsumers = 10001 // plus the index of the consumer
	prefNoReply   = 100000
)

// mostPorts is how many ENIs of a gateway have tables of their own: those numbers of tables that Linux keeps for
// itself follow.
const mostPorts = 49

var everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// indexer finds the number of an interface of the namespace in hand.
type indexer func(device string) (int, bool)

// vpcRender collects a router's tables and what is missing for them.
type vpcRender struct {
	tables
	index indexer
	hole  hop
	peers map[world.PeeringID]hop
	gates map[world.EndpointID]hop
	out   hop // to the public side; to the hole without an uplink
	errs  []error
}

// vpcTables are the tables of a VPC's router. Routes by an interface that is not there are left out (their
// destinations lead to the hole) and reported. The table of its own ranges is the one given, if that is still right.
func vpcTables(v *fabric.VPC, own *ownTable, changes uint64, index indexer) (tables, error) {
	i, ok := index(kernel.HoleDevice)
	if !ok {
		return tables{}, fmt.Errorf("%s is not there", kernel.HoleDevice)
	}
	r := &vpcRender{
		tables: newTables(), index: index, hole: hop{index: i}, out: hop{index: i},
		peers: make(map[world.PeeringID]hop, len(v.Peerings)),
		gates: make(map[world.EndpointID]hop, len(v.Gates)),
	}
	if !own.holds(v, changes, r.hole, index) {
		own = newOwnTable(v, v.Ports, changes, r.hole, index)
	}
	own.of = v
	r.own, r.errs = own, append(r.errs, own.err)
	r.rules[prefPorts] = rule{table: kernel.TablePorts}
	r.beyond(v)
	r.findGates(v)
	r.lattice(v)
	r.point(v)
	for _, t := range v.Tables {
		r.table(t)
	}
	r.within(v)
	return r.tables, errors.Join(r.errs...)
}

// holds tells whether the table is right for a VPC too, since its ports are those it was made of, or differ in nothing that matters.
func (own *ownTable) holds(v *fabric.VPC, changes uint64, hole hop, index indexer) bool {
	if own == nil || own.changes != changes || !fabric.Same(own.of.CIDRs, v.CIDRs) {
		return false
	}
	gone, fresh := fabric.ChangedPorts(own.of.Ports, v.Ports)
	was, now := newOwnTable(v, gone, changes, hole, index), newOwnTable(v, fresh, changes, hole, index)
	return maps.Equal(was.routes, now.routes) && maps.Equal(was.hops, now.hops) && was.err == nil && now.err == nil
}

func newOwnTable(v *fabric.VPC, ports []fabric.Port, changes uint64, hole hop, index indexer) *ownTable {
	own := &ownTable{of: v, changes: changes, routes: make(map[destination]hop, len(ports)), hops: make(map[uint32]hop, len(ports))}
	t := tables{routes: own.routes}
	for _, c := range v.CIDRs {
		t.add(kernel.TablePorts, c, hole)
	}
	var errs []error
	for i := range ports {
		p := &ports[i]
		if !p.Peer.Attached() || len(p.Addrs) == 0 {
			continue
		}
		out, ok := index(kernel.PortDevice(p.ENI))
		if !ok {
			errs = append(errs, fmt.Errorf("%s has no cable", p.ENI))
			continue
		}
		// Whatever goes to the port is sent to the hardware address that its primary address has.
		primary := p.Addrs[0]
		own.hops[p.Index] = hop{index: out, via: primary}
		t.add(kernel.TablePorts, single(primary), hop{index: out})
		for _, a := range p.Addrs[1:] {
			t.add(kernel.TablePorts, single(a), own.hops[p.Index])
		}
		for _, x := range p.Prefixes {
			t.add(kernel.TablePorts, x, own.hops[p.Index])
		}
	}
	own.err = errors.Join(errs...)
	return own
}

// beyond finds the ways out of the VPC. What comes in by them may go to the VPC's own addresses only: a peering is no way
// to a third place.
func (r *vpcRender) beyond(v *fabric.VPC) {
	if len(v.Peerings) == 0 && v.Uplink == nil && (v.Point == nil || !v.Point.Targets) {
		return
	}
	for _, l := range v.Peerings {
		out, ok := r.index(kernel.PeeringDevice(l.ID))
		if !ok {
			r.errs = append(r.errs, fmt.Errorf("%s has no cable", l.ID))
			continue
		}
		r.peers[l.ID] = hop{index: out, via: kernel.PeeringHop}
	}
	if v.Uplink != nil {
		out, ok := r.index(kernel.UplinkDevice)
		if ok {
			r.out = hop{index: out, via: kernel.UplinkHop}
		} else {
			r.errs = append(r.errs, fmt.Errorf("%s is not there", kernel.UplinkDevice))
		}
	}
	r.add(kernel.TableHole, everywhere, r.hole)
	r.rules[prefBeyond] = rule{table: kernel.TablePorts, mark: kernel.MarkBeyond, mask: allBits}
	r.rules[prefBeyondHole] = rule{table: kernel.TableHole, mark: kernel.MarkBeyond, mask: allBits}
}

// allBits is the mask of rules for one mark.
const allBits = 0xffffffff

// lattice adds the table of the addresses of resources.
func (r *vpcRender) lattice(v *fabric.VPC) {
	if len(v.Links) == 0 {
		return
	}
	r.add(kernel.TableLattice, everywhere, r.hole)
	for _, l := range v.Links {
		out, ok := r.index(kernel.LinkDevice(l.Gateway))
		if !ok {
			r.errs = append(r.errs, fmt.Errorf("no link to %s", l.Gateway))
			continue
		}
		for _, a := range l.Addrs {
			r.add(kernel.TableLattice, single(a), hop{index: out, via: kernel.LinkGateway})
		}
	}
	r.rules[prefLattice] = rule{table: kernel.TableLattice, dst: world.LatticeResources}
}

// table adds a route table, for the packets marked for it.
func (r *vpcRender) table(t fabric.Table) {
	id := kernel.TableTables + int(t.Index)
	r.add(id, everywhere, r.hole)
	for _, x := range slices.Backward(t.Routes) { // the first of a range decides
		r.add(id, x.Prefix, r.target(x))
	}
	r.rules[prefTables+int(t.Index)] = rule{
		table: id, mark: kernel.PortMark(t.Index, 0), mask: kernel.MarkTableMask,
	}
}

// mostUnchecked is how many ports may send packets of anybody in a VPC with routes within it.
const mostUnchecked = (9000 - prefUnchecked) / 2

// within adds the tables of the routes within the VPC. What stays in a subnet is not asked about: what is from and for
// its addresses – or, of a port that may send from others, what it sends there, and only that.
func (r *vpcRender) within(v *fabric.VPC) {
	has := map[uint32]bool{}
	for _, t := range v.Tables {
		for _, x := range t.Within {
			has[t.Index] = true
			r.add(kernel.TableWithin+int(t.Index), x.Prefix, r.target(x))
		}
		if has[t.Index] {
			r.rules[prefWithin+int(t.Index)] = inTable(t.Index)
		}
	}
	for i, s := range v.Subnets {
		if has[s.Table] {
			r.rules[prefSubnet+i] = rule{table: kernel.TablePorts, src: s.CIDR, dst: s.CIDR, mark: kernel.PortMark(s.Table, 0), mask: kernel.MarkTableMask}
		}
	}
	n := 0
	for _, p := range v.Ports {
		if p.SourceDestCheck || !has[p.Table] || !p.Peer.Attached() {
			continue
		}
		if n++; n > mostUnchecked {
			r.errs = append(r.errs, fmt.Errorf("%s: more than %d interfaces without source/destination check", p.ENI, mostUnchecked))
			return
		}
		own, others := rule{table: kernel.TablePorts, dst: netip.PrefixFrom(p.Router, p.Mask).Masked()}, inTable(p.Table)
		own.in, others.in = kernel.PortDevice(p.ENI), kernel.PortDevice(p.ENI)
		r.rules[prefUnchecked+2*n], r.rules[prefUnchecked+2*n+1] = own, others
	}
}

// inTable leads what is marked for a route table to its routes within the VPC.
func inTable(index uint32) rule {
	return rule{table: kernel.TableWithin + int(index), mark: kernel.PortMark(index, 0), mask: kernel.MarkTableMask}
}

// target is where a route leads: to the hole when it is a blackhole.
func (r *vpcRender) target(x fabric.Route) hop {
	if x.Internet {
		return r.out
	}
	if to, ok := r.gates[x.Endpoint]; ok && x.Endpoint != "" {
		return to
	}
	if to, ok := r.peers[x.Peering]; ok && x.Peering != "" {
		return to
	}
	if to, ok := r.own.hops[x.Port]; ok && x.Port != 0 {
		return to
	}
	return r.hole
}

func (t tables) add(table int, p netip.Prefix, to hop) {
	if p.Addr().Is4() { // routers speak IPv4 only
		t.routes[destination{table, p.Masked()}] = to
	}
}

// gatewayTables are the tables of a gateway.
func gatewayTables(g *fabric.Gateway, index indexer) (tables, error) {
	t := newTables()
	if len(g.Ports) > mostPorts {
		return t, fmt.Errorf("%d network interfaces, at most %d are possible", len(g.Ports), mostPorts)
	}
	var errs []error
	t.rules[prefOwn] = rule{in: "lo", refuse: true}
	for n, p := range g.Ports {
		table := kernel.TableEgress + n
		t.rules[prefInbound+n] = rule{in: p.Device, jump: prefReplies}
		t.rules[prefEgress+n] = rule{table: table, mark: uint32(n+1) << kernel.MarkEgressShift, mask: kernel.MarkEgressMask}
		out, ok := index(p.Device)
		if !ok {
			errs = append(errs, fmt.Errorf("%s is not there", p.Device))
			continue
		}
		t.add(table, everywhere, hop{index: out, via: p.Router})
	}
	t.rules[prefNoEgress] = rule{refuse: true}
	t.rules[prefReplies] = rule{resume: true}
	for _, c := range g.Consumers {
		table := kernel.TableConsumers + int(c.Index)
		t.rules[prefConsumers+int(c.Index)] = rule{table: table, mark: uint32(c.Index), mask: kernel.MarkConsumerMask}
		out, ok := index(kernel.ConsumerDevice(c.Index))
		if !ok {
			errs = append(errs, fmt.Errorf("link of consumer %s is not there", c.VPC))
			continue
		}
		t.add(table, everywhere, hop{index: out, via: kernel.LinkRouter})
	}
	t.rules[prefNoReply] = rule{refuse: true}
	balancerRules(t, g)
	return t, errors.Join(errs...)
}

// natTables are the tables of a NAT gateway: everything goes to its subnet's router.
func natTables(n *fabric.NAT, index indexer) (tables, error) {
	t := newTables()
	t.rules[prefOwn] = rule{in: "lo", refuse: true}
	t.rules[prefEgress] = rule{table: kernel.TableEgress}
	t.rules[prefNoReply] = rule{refuse: true}
	out, ok := index(n.Port.Device)
	if !ok {
		return t, fmt.Errorf("%s is not there", n.Port.Device)
	}
	t.add(kernel.TableEgress, everywhere, hop{index: out, via: n.Port.Router})
	return t, nil
}

// publicTables are the tables of the public side: each public address is behind its VPC's uplink, others are nowhere.
func publicTables(p *fabric.Public, index indexer) (tables, error) {
	t := newTables()
	t.rules[prefLocal] = rule{table: kernel.TablePublic}
	t.rules[prefNoReply] = rule{refuse: true}
	var errs []error
	for _, u := range p.Uplinks {
		out, ok := index(kernel.PublicDevice(u.VPC))
		if !ok {
			errs = append(errs, fmt.Errorf("no uplink of %s", u.VPC))
			continue
		}
		for _, a := range u.Addrs {
			t.add(kernel.TablePublic, single(a), hop{index: out, via: kernel.PublicHop})
		}
	}
	return t, errors.Join(errs...)
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
