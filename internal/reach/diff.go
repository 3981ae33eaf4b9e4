package reach

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Impact is how two fabrics differ in the conversations they let be had.
type Impact struct {
	Shifts   []Shift
	Compared int  // conversations looked at, in both fabrics
	Cut      bool // there were more than are looked at
}

// Shift is a conversation that one of two fabrics lets be had and the other does not.
type Shift struct {
	From, To Party
	Protocol world.Protocol
	Ports    world.PortRange // of To; for tcp and udp
	Opens    bool            // it could not be had before; otherwise it cannot be had any more
	Origin   fabric.Origin   // what refuses it where it cannot be had; zero when a party is not there
	Cause    string          // the same in words
	By       string          // of one that opens: the rule or route that now decides at that station
}

// Party is one side of a conversation.
type Party struct {
	ID   string // of an instance or a resource configuration, or Internet
	Name string // DNS name of a resource, empty for others
	ENI  world.ENIID
	VPC  world.VPCID
	Addr netip.Addr
}

// Internet is the id of the party that stands for everything beyond internet gateways.
const Internet = "internet"

// maxCompared bounds how many conversations Diff looks at.
const maxCompared = 200_000

// Diff compares what two fabrics let through: between instances, from instances to resources of their service networks,
// to services of AWS by their names, to the Internet and from it.
func Diff(before, after *fabric.Fabric) Impact {
	d := &difference{f: [2]*fabric.Fabric{before, after}}
	d.vpcs()
	for _, from := range d.parties() {
		d.from(from)
	}
	d.fromOutside()
	return d.out
}

// difference is the state of one Diff. The first fabric is the one before.
type difference struct {
	f       [2]*fabric.Fabric
	touched map[world.VPCID]bool
	out     Impact
}

// vpcs finds the VPCs that differ, and those that reach them through a gateway.
func (d *difference) vpcs() {
	d.touched = map[world.VPCID]bool{}
	for i, f := range d.f {
		for _, v := range f.VPCs {
			if o := d.f[1-i].VPC(v.ID); o == nil || v != o && !reflect.DeepEqual(*v, *o) {
				d.touched[v.ID] = true
			}
		}
	}
	for i, f := range d.f {
		for _, g := range f.Gateways {
			o := d.f[1-i].Gateway(g.ID)
			if !d.touched[g.VPC] && o != nil && reflect.DeepEqual(*g, *o) {
				continue
			}
			for _, c := range g.Consumers {
				d.touched[c.VPC] = true
			}
		}
	}
}

// parties are the interfaces of the instances that run before or after, each once.
func (d *difference) parties() []Party {
	var out []Party
	known := map[world.ENIID]bool{}
	for _, f := range d.f {
		for _, v := range f.VPCs {
			for _, p := range v.Ports {
				if p.Peer.Host != "" && !known[p.ENI] {
					known[p.ENI] = true
					out = append(out, Party{ID: string(p.Peer.Host), ENI: p.ENI, VPC: v.ID, Addr: p.Addrs[0]})
				}
			}
		}
	}
	return out
}

// from compares what one interface reaches.
func (d *difference) from(from Party) {
	for _, to := range d.parties() {
		if to.ENI != from.ENI && d.joined(from.VPC, to.VPC) && (d.touched[from.VPC] || d.touched[to.VPC]) {
			d.compare(from, to)
		}
	}
	if !d.touched[from.VPC] {
		return
	}
	for _, to := range d.resources(from.VPC) {
		d.compare(from, to)
	}
	d.services(from)
	if d.uplinked(from.VPC) {
		d.compare(from, Party{ID: Internet, Addr: somewhere})
	}
}

// joined tells whether packets for private addresses of b can be routed from a.
func (d *difference) joined(a, b world.VPCID) bool {
	if a == b {
		return true
	}
	for _, f := range d.f {
		if v := f.VPC(a); v != nil && slices.ContainsFunc(v.Peerings, func(l fabric.PeerLink) bool { return l.VPC == b }) {
			return true
		}
	}
	return false
}

func (d *difference) uplinked(id world.VPCID) bool {
	return slices.ContainsFunc(d.f[:], func(f *fabric.Fabric) bool { v := f.VPC(id); return v != nil && v.Uplink != nil })
}

// resources are those a VPC reaches through its service networks, before or after.
func (d *difference) resources(id world.VPCID) []Party {
	var out []Party
	for _, f := range d.f {
		v := f.VPC(id)
		if v == nil {
			continue
		}
		add := func(e world.EndpointID, l fabric.Link) {
			for _, a := range l.Addrs {
				t, ok := f.Gateway(l.Gateway).Listener(e, a)
				p := Party{ID: string(t.Configuration), Addr: a, Name: nameOf(v, a)}
				if ok && !slices.ContainsFunc(out, func(o Party) bool { return o.ID == p.ID && o.Addr == p.Addr }) {
					out = append(out, p)
				}
			}
		}
		for _, l := range v.Links {
			add("", l)
		}
		for _, e := range f.Endpoints {
			for _, l := range e.Links {
				if e.VPC == id {
					add(e.ID, l)
				}
			}
		}
	}
	return out
}

// nameOf is a name the VPC's resolver has for an address.
func nameOf(v *fabric.VPC, a netip.Addr) string {
	for z := range v.View.Zones() {
		for name, rs := range z.Records {
			if slices.ContainsFunc(rs, func(r fabric.Record) bool { return r.Addr == a }) {
				return name
			}
		}
	}
	return ""
}

// fromOutside compares what the Internet reaches: the public addresses of instances.
func (d *difference) fromOutside() {
	for _, to := range d.parties() {
		if d.touched[to.VPC] && d.uplinked(to.VPC) {
			d.compare(Party{ID: Internet, Addr: somewhere}, to)
		}
	}
}

// outcome is what came of a conversation in one fabric.
type outcome struct {
	open   bool
	origin fabric.Origin
	cause  string
	hops   []Hop
}

// compare looks at every service the rules between two parties tell apart.
func (d *difference) compare(from, to Party) {
	for _, protocol := range []world.Protocol{world.TCP, world.UDP, world.ICMP} {
		ranges := d.ranges(from, to)
		if protocol == world.ICMP {
			ranges = []world.PortRange{{}}
		}
		last := -1 // index of the shift that the range before belongs to
		for _, r := range ranges {
			if d.out.Compared >= maxCompared {
				d.out.Cut = true
				return
			}
			d.out.Compared++
			was, is := d.look(0, from, to, protocol, r.From), d.look(1, from, to, protocol, r.From)
			if was.open == is.open {
				last = -1
				continue
			}
			s := shift(was, is)
			if last >= 0 && d.out.Shifts[last].Opens == s.Opens && d.out.Shifts[last].Origin == s.Origin && d.out.Shifts[last].By == s.By {
				d.out.Shifts[last].Ports.To = r.To
				continue
			}
			s.From, s.To, s.Protocol, s.Ports = from, to, protocol, r
			last = len(d.out.Shifts)
			d.out.Shifts = append(d.out.Shifts, s)
		}
	}
}

func shift(was, is outcome) Shift {
	if is.open {
		return Shift{Opens: true, Origin: was.origin, Cause: was.cause, By: decided(is.hops, was.origin)}
	}
	return Shift{Origin: is.origin, Cause: is.cause}
}

// decided is what decided at a station, in a trace that passed it.
func decided(hops []Hop, at fabric.Origin) string {
	for _, h := range hops {
		if h.Origin == at && h.Pass {
			return h.By()
		}
	}
	return ""
}

// look follows the first packet of a conversation through one of the fabrics, and its answer.
func (d *difference) look(which int, from, to Party, protocol world.Protocol, port uint16) outcome {
	f := d.f[which]
	flow := fabric.Flow{Protocol: protocol, Src: from.Addr, Dst: to.Addr}
	if protocol.HasPorts() {
		flow.SrcPort, flow.DstPort = clientPort, port
	} else {
		flow.ICMP = world.ICMPMatch{Type: 8} // echo request, RFC 792
	}
	for _, p := range []Party{from, to} {
		if _, port, ok := f.Port(p.ENI); p.ENI != "" && (!ok || !port.Peer.Attached()) {
			return outcome{cause: p.ID + " does not run"}
		}
	}
	var t Trace
	if from.ENI == "" {
		v := f.VPC(to.VPC)
		if v.Uplink == nil {
			return outcome{cause: string(to.VPC) + " has no internet gateway"}
		}
		if _, ok := v.Uplink.PublicOf(to.Addr); !ok {
			return outcome{cause: to.ID + " has no public address"}
		}
		t = enters(f, v, flow)
	} else {
		t = From(f, from.ENI, flow)
	}
	if on, ok := Onward(f, t, from.ENI); ok && from.VPC == to.VPC { // which is taken to forward, and to change nothing
		t = on
	}
	a := Answer{Trace: t, Asked: flow, From: from.ENI}
	if t.Open && to.ENI != "" && t.To != to.ENI {
		return outcome{cause: string(t.To) + " has its address"}
	}
	return outcome{open: t.Open, origin: t.Refused, hops: t.Hops, cause: strings.TrimPrefix(a.Summary(), "no: ")}
}

// ranges are the ranges of destination ports that the rules on the way tell apart, in both fabrics.
func (d *difference) ranges(from, to Party) []world.PortRange {
	starts := []int{1}
	edge := func(p world.PortRange) { starts = append(starts, int(p.From), int(p.To)+1) }
	for _, f := range d.f {
		for i, side := range []Party{from, to} {
			if v, p, ok := f.Port(side.ENI); ok {
				portEdges(v, p, i == 0, edge)
			}
		}
		if from.ENI != "" && to.ENI == "" && to.ID != Internet {
			linkEdges(f, f.VPC(from.VPC), to.Addr, edge)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	var out []world.PortRange
	for i, s := range starts {
		end := 65535
		if i+1 < len(starts) {
			end = starts[i+1] - 1
		}
		if s >= 1 && s <= 65535 {
			out = append(out, world.PortRange{From: uint16(s), To: uint16(end)})
		}
	}
	return out
}

func portEdges(v *fabric.VPC, p fabric.Port, egress bool, edge func(world.PortRange)) {
	for _, id := range p.Groups {
		g, _ := v.Group(id)
		rules := g.Ingress
		if egress {
			rules = g.Egress
		}
		for _, r := range rules {
			edge(portsOf(r.Protocol, r.Ports))
		}
	}
	a := v.ACLOf(p.Subnet)
	for _, r := range slices.Concat(a.Ingress, a.Egress) {
		edge(portsOf(r.Protocol, r.Ports))
	}
}

// linkEdges are those of the groups of a service network's association, and of the resource itself.
func linkEdges(f *fabric.Fabric, v *fabric.VPC, addr netip.Addr, edge func(world.PortRange)) {
	if v == nil {
		return
	}
	if p, ok := holder(v, addr); ok { // an endpoint's
		portEdges(v, p, false, edge)
	}
	for _, l := range linksFrom(f, v) {
		for _, id := range l.Groups {
			g, _ := v.Group(id)
			for _, r := range g.Ingress {
				edge(portsOf(r.Protocol, r.Ports))
			}
		}
		g := f.Gateway(l.Gateway)
		for _, t := range g.Listeners {
			if t.Addr != addr {
				continue
			}
			for _, r := range t.Ports {
				edge(r)
			}
		}
		behind := f.VPC(g.VPC)
		for _, own := range g.Ports { // the target's groups are the provider's: any rule there may tell ports apart
			if _, p, ok := f.Port(own.ENI); ok && behind != nil {
				portEdges(behind, p, true, edge)
			}
		}
		targetEdges(f, g, addr, edge)
	}
}

// linksFrom are the links of a VPC, and those of its endpoints.
func linksFrom(f *fabric.Fabric, v *fabric.VPC) []fabric.Link {
	out := slices.Clone(v.Links)
	for _, e := range f.Endpoints {
		if e.VPC == v.ID {
			out = append(out, e.Links...)
		}
	}
	return out
}

func targetEdges(f *fabric.Fabric, g *fabric.Gateway, addr netip.Addr, edge func(world.PortRange)) {
	v := f.VPC(g.VPC)
	for _, t := range g.Listeners {
		if t.Addr != addr || v == nil {
			continue
		}
		if p, ok := holder(v, t.Target); ok {
			portEdges(v, p, false, edge)
		}
	}
}

func portsOf(p world.Protocol, r world.PortRange) world.PortRange {
	if p.HasPorts() {
		return r
	}
	return world.PortRange{From: 1, To: 65535}
}
