package reach

import (
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Query asks for a way through the network, as a path of the Reachability Analyzer does.
type Query struct {
	Source, Destination     string // ids of an instance, an ENI or an internet gateway; the destination may be an address alone
	SourceIP, DestinationIP netip.Addr
	Protocol                world.Protocol
	SourcePorts             *world.PortRange // nil: any
	Ports                   *world.PortRange // of the destination; nil: any
	AtDestination           *world.PacketFilter
	FilterIn, FilterOut     []string // ids or ARNs that a path must, and must not, pass
}

// somewhere is the address that stands for the Internet at large when none was asked for. (RFC 5737, TEST-NET-3.)
var somewhere = netip.MustParseAddr("203.0.113.1")

// maxTries bounds how many packets are tried where ports are free to choose.
const maxTries = 4096

// Analyze answers a query from the fabric of a World.
func Analyze(w world.World, f *fabric.Fabric, q Query) world.Insight {
	a := &analysis{album: album{w: &w, f: f, anySource: q.SourcePorts == nil}, q: q}
	from, x := a.end(q.Source, "source")
	if x != nil {
		return world.Insight{Explanations: []world.Explanation{*x}}
	}
	to, x := a.end(q.Destination, "destination")
	if x == nil {
		x = a.apart(from, to)
	}
	if x != nil {
		return world.Insight{Explanations: []world.Explanation{*x}}
	}
	return a.best(from, to)
}

type analysis struct {
	album
	q Query
}

// place is an end of a path: a port of a VPC, its internet gateway, or, without a VPC, an address.
type place struct {
	v    *fabric.VPC
	port *fabric.Port
}

// end finds an end of the path, or says why there is none.
func (a *analysis) end(id, which string) (place, *world.Explanation) {
	missing := &world.Explanation{Code: string(NoEnd), Missing: which, Component: world.Component{ID: id}}
	prefix, _, _ := strings.Cut(id, "-")
	switch {
	case id == "" && which == "destination":
		return place{}, nil
	case prefix == "igw":
		g, ok := a.w.InternetGateways.Get(world.InternetGatewayID(id))
		v := a.f.VPC(g.VPC)
		if !ok {
			return place{}, missing
		}
		if v == nil || v.Uplink == nil {
			return place{}, &world.Explanation{Code: string(Unassociated), Component: world.Component{ID: id}, Internet: world.Component{ID: id}}
		}
		return place{v: v}, nil
	case prefix == "i" || prefix == "eni":
		return a.port(id, prefix, missing)
	case prefix == "vpce": // by its first interface; gateway endpoints, which have none, are no ends here
		if es := a.w.ENIsOfEndpoint(world.EndpointID(id)); len(es) > 0 {
			return a.port(string(es[0].ID), "eni", missing)
		}
		if !a.w.Endpoints.Has(world.EndpointID(id)) {
			return place{}, missing
		}
	}
	return place{}, &world.Explanation{Code: string(Unsupported), Component: world.Component{ID: id}}
}

func (a *analysis) port(id, prefix string, missing *world.Explanation) (place, *world.Explanation) {
	eni := world.ENIID(id)
	state := ""
	if prefix == "i" {
		i, ok := a.w.Instances.Get(world.InstanceID(id))
		if !ok || i.Deleting {
			return place{}, missing
		}
		state = string(i.Power)
		if es := a.w.ENIsOf(i.ID); len(es) > 0 {
			eni = es[0].ID
		}
	}
	e, ok := a.w.ENIs.Get(eni)
	if !ok {
		return place{}, missing
	}
	v, p, ok := a.f.Port(eni)
	if !ok || !p.Peer.Attached() {
		if state == "" {
			state = "available"
			if i, ok := a.w.Instances.Get(e.Attachment.Instance); ok {
				state = string(i.Power)
			}
		}
		row := a.f.VPC(e.VPC)
		return place{}, &world.Explanation{
			Code: string(BadState), State: state, Component: a.part(row, id), Interface: a.part(row, string(eni)), VPC: a.part(row, string(e.VPC)),
		}
	}
	return place{v: v, port: &p}, nil
}

// apart says so when the two ends are in VPCs that nothing joins.
func (a *analysis) apart(from, to place) *world.Explanation {
	if to.v == nil || from.v.ID == to.v.ID || a.q.DestinationIP.IsValid() && world.PublicAddresses.Contains(a.q.DestinationIP) {
		return nil
	}
	x := &world.Explanation{
		Code: string(Disconnected), SourceVPC: a.part(from.v, string(from.v.ID)), DestVPC: a.part(to.v, string(to.v.ID)),
	}
	if from.port == nil || to.port == nil {
		return x
	}
	for p := range a.w.Peerings.All() {
		if !p.Joins(from.v.ID) || !p.Joins(to.v.ID) {
			continue
		}
		if p.Status == world.PeeringActive {
			return nil
		}
		x.Code, x.State, x.Component, x.Peering = string(BadState), p.Status, a.part(from.v, string(p.ID)), a.part(from.v, string(p.ID))
	}
	return x
}

// best tries the packets the query leaves free until one gets through; else it explains the first.
func (a *analysis) best(from, to place) world.Insight {
	var first *world.Insight
	tries := 0
	for _, port := range a.ports(a.q.Ports, from.v, to.v) {
		sources := []uint16{clientPort}
		if r := a.q.SourcePorts; r != nil && !r.Contains(clientPort) {
			sources[0] = r.From
		}
		for i := 0; i < len(sources) && tries < maxTries; i++ {
			tries++
			got, answerRefused := a.try(from, to, fabric.Flow{Protocol: a.q.Protocol, SrcPort: sources[i], DstPort: port})
			if got.Found {
				return got
			}
			if first == nil {
				first = &got
			}
			if i == 0 && answerRefused { // an ACL may let answers to other ports pass
				sources = append(sources, a.ports(a.q.SourcePorts, from.v, to.v)...)
			}
		}
	}
	return *first
}

// ports are the ports of a range, all if it is nil, at which some rule begins or ends: between them nothing changes.
func (a *analysis) ports(in *world.PortRange, vpcs ...*fabric.VPC) []uint16 {
	r := world.PortRange{From: 1, To: 65535}
	if in != nil {
		r = *in
	}
	out := []uint16{r.From}
	edge := func(p world.PortRange) {
		for _, n := range []int{int(p.From), int(p.To) + 1} {
			if n <= 65535 && r.Contains(uint16(n)) {
				out = append(out, uint16(n))
			}
		}
	}
	if r.From == r.To {
		return out
	}
	for _, v := range vpcs {
		if v != nil {
			edges(v, edge)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func edges(v *fabric.VPC, edge func(world.PortRange)) {
	for _, g := range v.Groups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			edge(r.Ports)
		}
	}
	for _, l := range v.ACLs {
		for _, r := range slices.Concat(l.Ingress, l.Egress) {
			edge(r.Ports)
		}
	}
}

// try follows one packet, and tells whether it was an ACL that refused its answer.
func (a *analysis) try(from, to place, f fabric.Flow) (world.Insight, bool) {
	if from.port == nil {
		return a.fromInternet(from, to, f)
	}
	f.Src, f.Dst = from.port.Addrs[0], a.target(from, to)
	if a.q.SourceIP.IsValid() {
		f.Src = a.q.SourceIP
	}
	if to.port != nil && to.port.ENI == from.port.ENI {
		return world.Insight{Found: true, Forward: a.sender(from.v, *from.port, f), Return: a.sender(from.v, *from.port, f)}, false
	}
	t := From(a.f, from.port.ENI, f)
	if x := a.strayed(t, to, f); x != nil {
		return world.Insight{Explanations: []world.Explanation{*x}}, false
	}
	return a.verdict(t, f)
}

// verdict is what a trace means for the query.
func (a *analysis) verdict(t Trace, f fabric.Flow) (world.Insight, bool) {
	if !t.Open {
		last := fabric.Station("")
		if len(t.Hops) > 0 {
			last = t.Hops[len(t.Hops)-1].Origin.Station
		}
		return world.Insight{Explanations: a.explain(t)}, t.Reply && (last == fabric.ACLIn || last == fabric.ACLOut)
	}
	out := world.Insight{Found: true, Forward: a.forward(t), Return: a.back(t)}
	if x := a.filtered(t, out.Forward); x != nil {
		return world.Insight{Explanations: []world.Explanation{*x}}, false
	}
	return out, false
}

// target is the address to send to.
func (a *analysis) target(from, to place) netip.Addr {
	switch {
	case a.q.DestinationIP.IsValid():
		return a.q.DestinationIP
	case to.port != nil:
		return to.port.Addrs[0]
	}
	for _, t := range from.v.Tables {
		for _, r := range t.Routes {
			if addr := r.Prefix.Addr().Next(); t.Index == from.port.Table && r.Internet && !r.Prefix.Contains(somewhere) && from.v.Route(from.port, addr).Internet {
				return addr
			}
		}
	}
	return somewhere
}

// strayed says why an open trace does not end where the query wants it to.
func (a *analysis) strayed(t Trace, to place, f fabric.Flow) *world.Explanation {
	for _, h := range t.Hops {
		if s := h.Origin.Station; s == fabric.LinkIn || s == fabric.Listen && (h.Origin.Gateway != "" || h.Origin.Endpoint != "") { // Lattice is no part of AWS's model
			v := a.f.VPC(h.Origin.VPC)
			id := string(h.Origin.Gateway) + string(h.Origin.Endpoint)
			return &world.Explanation{Code: string(Unsupported), Component: a.part(v, id), VPC: a.part(v, string(h.Origin.VPC))}
		}
	}
	if !t.Open {
		return nil
	}
	if t.To == "" { // out by an internet gateway
		return a.outside(t, to)
	}
	switch {
	case to.port != nil && t.To != to.port.ENI:
		return &world.Explanation{Code: string(AtSourceDestination), Address: f.Dst, Destination: a.part(to.v, string(to.port.ENI))}
	case to.port == nil && to.v != nil:
		return &world.Explanation{Code: string(NoPath), Component: a.part(to.v, string(to.v.Uplink.Gateway)), Address: f.Dst}
	}
	return nil
}

// outside says that a packet was not to go to the Internet.
func (a *analysis) outside(t Trace, to place) *world.Explanation {
	h := t.Hops[len(t.Hops)-1]
	if i := slices.IndexFunc(t.Hops, func(h Hop) bool { return h.Origin.Station == fabric.Internet }); i >= 0 {
		h = t.Hops[i]
	}
	v := a.f.VPC(h.Origin.VPC)
	if to.port == nil && (to.v == nil || to.v.ID == v.ID) {
		return nil
	}
	return &world.Explanation{
		Code: string(NoPath), Address: t.Flow.Dst, Internet: a.part(v, string(v.Uplink.Gateway)), VPC: a.part(v, string(v.ID)),
	}
}

// fromInternet follows a packet that comes in by an internet gateway.
func (a *analysis) fromInternet(from, to place, f fabric.Flow) (world.Insight, bool) {
	f.Src = somewhere
	if a.q.SourceIP.IsValid() {
		f.Src = a.q.SourceIP
	}
	gateway := a.part(from.v, string(from.v.Uplink.Gateway))
	x := world.Explanation{Direction: ingress, Internet: gateway, VPC: a.part(from.v, string(from.v.ID)), Address: f.Src}
	private, public := netip.Addr{}, netip.Addr{}
	for _, p := range from.v.Uplink.Addresses {
		if p.Private == a.q.DestinationIP || p.Public == a.q.DestinationIP || !a.q.DestinationIP.IsValid() && to.port != nil && to.port.Holds(p.Private) {
			private, public = p.Private, p.Public
			break
		}
	}
	switch {
	case f.Src.IsPrivate():
		x.Code = string(InternetPrivateSource)
	case !fabric.Routable(f.Src):
		x.Code = string(InternetSharedSource)
	case !private.IsValid():
		x.Code, x.Address = string(InternetIngress), a.q.DestinationIP
		if to.port != nil {
			a.at(&x, to.port.ENI)
			x.Address = to.port.Addrs[0]
		}
	}
	if x.Code != "" {
		return world.Insight{Explanations: []world.Explanation{x}}, false
	}
	f.Dst = private
	t := enters(a.f, from.v, f)
	if x := a.strayed(t, to, f); x != nil {
		return world.Insight{Explanations: []world.Explanation{*x}}, false
	}
	got, answer := a.verdict(t, f)
	if got.Found {
		outer := f
		outer.Dst = public
		got.Forward = slices.Insert(got.Forward, 0, a.internet(from.v, a.header(outer), a.header(f)))
	}
	return got, answer
}

// enters follows a packet that comes from the public side, already translated.
func enters(f *fabric.Fabric, v *fabric.VPC, flow fabric.Flow) Trace {
	w := walk{f: f, choices: 1, Trace: Trace{Flow: flow}}
	w.Open = w.enter(v, fabric.Routed{Internet: true}) && w.back()
	return w.Trace
}

// filtered says which filter of the query an open path does not satisfy.
func (a *analysis) filtered(t Trace, path []world.PathComponent) *world.Explanation {
	passes := func(id string) bool {
		return slices.ContainsFunc(path, func(c world.PathComponent) bool { return c.Component.ID == id || c.Component.ARN == id })
	}
	for _, id := range a.q.FilterIn {
		if !passes(id) {
			return &world.Explanation{Code: string(FilterIn), Component: world.Component{ID: id[strings.LastIndexByte(id, '/')+1:], ARN: id}}
		}
	}
	for _, id := range a.q.FilterOut {
		if passes(id) {
			return &world.Explanation{Code: string(FilterOut), Component: world.Component{ID: id[strings.LastIndexByte(id, '/')+1:], ARN: id}}
		}
	}
	d := a.q.AtDestination
	if d == nil {
		return nil
	}
	x := &world.Explanation{Address: t.Flow.Dst}
	switch {
	case d.Source.IsValid() && d.Source != t.Flow.Src:
		x.Code, x.Address = string(AtDestinationSource), t.Flow.Src
	case d.Destination.IsValid() && d.Destination != t.Flow.Dst:
		x.Code = string(AtDestinationDestination)
	case d.SourcePorts != nil && !d.SourcePorts.Contains(t.Flow.SrcPort) && a.q.SourcePorts != nil:
		x.Code = string(AtDestinationSourcePort)
	case d.DestinationPorts != nil && !d.DestinationPorts.Contains(t.Flow.DstPort):
		x.Code = string(AtDestinationDestPort)
	default:
		return nil
	}
	return x
}
