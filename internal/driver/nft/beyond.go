package nft

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// Names of the sets of the uplink: addresses that are translated on the way out and in, and whether they are.
const (
	setPrivate  = "private4"
	setPublic   = "public4"
	mapToPublic = "to_public4"
	mapPrivate  = "to_private4"
	setPeers    = "peer_sources4"
	setNoPublic = "unroutable4"
)

// Names of the map from peerings and uplink to the mark of connections that begin there, of the set that leads back, and
// of the chain that looks there.
const (
	mapWays   = "ways"
	setBack   = "ways_back"
	chainBack = "back"
)

// hasBeyond tells whether connections may begin at a way out of the router's VPC.
func (r *router) hasBeyond() bool { return len(r.beyondDevices()) > 0 }

// beyondDevices are the interfaces at which connections begin that do not begin at a port: the ways out, and the cable of services with
// targets.
func (r *router) beyondDevices() []string {
	out := r.waysOut()
	if p := r.vpc.Point; p != nil && p.Targets {
		out = append(out, kernel.EndpointDevice(p.Endpoint))
	}
	return out
}

// waysOut are the interfaces of peerings and of the uplink.
func (r *router) waysOut() []string {
	var out []string
	for _, l := range r.vpc.Peerings {
		out = append(out, kernel.PeeringDevice(l.ID))
	}
	if r.vpc.Uplink != nil {
		out = append(out, kernel.UplinkDevice)
	}
	return out
}

// beyond prints the sets of the ways out of the VPC: what peers may send from, and how addresses are translated.
func (r *router) beyond() {
	if len(r.vpc.Peerings) > 0 {
		r.table.Sets = append(r.table.Sets, r.peerSources())
	}
	if r.hasBeyond() {
		r.table.Sets = append(r.table.Sets, r.ways()...)
	}
	u := r.vpc.Uplink
	if u == nil {
		return
	}
	private := nft.Set{Name: setPrivate, Key: []nft.Type{nft.Addr4}}
	public := nft.Set{Name: setPublic, Key: []nft.Type{nft.Addr4}}
	out := nft.Set{Name: mapToPublic, Key: []nft.Type{nft.Addr4}, Value: nft.Addr4}
	in := nft.Set{Name: mapPrivate, Key: []nft.Type{nft.Addr4}, Value: nft.Addr4}
	for _, a := range u.Addresses {
		if !a.Private.Is4() || !a.Public.Is4() {
			continue
		}
		inside, outside := nft.Concat(nft.FieldAddr(a.Private)), nft.Concat(nft.FieldAddr(a.Public))
		private.Elements = append(private.Elements, nft.Element{Key: inside})
		public.Elements = append(public.Elements, nft.Element{Key: outside})
		out.Elements = append(out.Elements, nft.Element{Key: inside, Value: outside})
		in.Elements = append(in.Elements, nft.Element{Key: outside, Value: inside})
	}
	unroutable := nft.Set{Name: setNoPublic, Key: []nft.Type{nft.Interface, nft.Addr4}, Interval: true}
	uplink := nft.FieldInterface(kernel.UplinkDevice)
	for _, p := range fabric.Unroutable() {
		first, last := nft.PrefixRange(p)
		unroutable.Elements = append(unroutable.Elements, nft.Element{Key: nft.Concat(uplink, first), End: nft.Concat(uplink, last)})
	}
	for _, s := range []*nft.Set{&private, &public, &unroutable, &out, &in} {
		s.Elements = tidy(s.Elements)
		r.table.Sets = append(r.table.Sets, *s)
	}
}

// peerSources says which addresses may come by which peering. Ranges that lie in others are left out.
func (r *router) peerSources() nft.Set {
	s := nft.Set{Name: setPeers, Key: []nft.Type{nft.Interface, nft.Addr4}, Interval: true}
	for _, l := range r.vpc.Peerings {
		dev := nft.FieldInterface(kernel.PeeringDevice(l.ID))
		ranges := slices.Clone(l.CIDRs)
		slices.SortFunc(ranges, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) })
		for i, c := range ranges {
			covered := slices.ContainsFunc(ranges[:i], func(o netip.Prefix) bool { return o.Overlaps(c) })
			if covered || !c.Addr().Is4() {
				continue
			}
			first, last := nft.PrefixRange(c.Masked())
			s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(dev, first), End: nft.Concat(dev, last)})
		}
	}
	s.Elements = tidy(s.Elements)
	return s
}

// rawBeyond lets in what may come by a peering or by the uplink: from the peer's ranges, or to an address that somebody
// has, from one of the Internet. The rest is nobody's here.
func (r *router) rawBeyond() []nft.Rule {
	if len(r.waysOut()) == 0 {
		return nil
	}
	var out []nft.Rule
	if len(r.vpc.Peerings) > 0 {
		out = append(out, nft.NewRule(nft.In(setPeers, nft.InInterface(), nft.IPv4.Source()), accept()))
	}
	if r.vpc.Uplink != nil {
		out = append(out, nft.NewRule(
			nft.In(setNoPublic, nft.InInterface(), nft.IPv4.Source()), nft.Log(string(fabric.Internet), kernel.LogGroup, logBytes), drop()))
		out = append(out, nft.NewRule(byUplink(nft.InInterface()), nft.In(setPublic, nft.IPv4.Destination()), accept()))
	}
	return append(out, nft.NewRule(fromBeyond(), nft.Log(string(fabric.NoRoute), kernel.LogGroup, logBytes), drop()))
}

// ways say by which interface a connection began that began beyond the VPC, so that its answers go no other way.
func (r *router) ways() []nft.Set {
	in := nft.Set{Name: mapWays, Key: []nft.Type{nft.Interface}, Value: nft.Mark}
	back := nft.Set{Name: setBack, Key: []nft.Type{nft.Interface, nft.Mark}}
	for _, dev := range r.beyondDevices() {
		way, name := nft.FieldU32(wayMark(dev)), nft.FieldInterface(dev)
		in.Elements = append(in.Elements, nft.Element{Key: nft.Concat(name), Value: nft.Concat(way)})
		back.Elements = append(back.Elements, nft.Element{Key: nft.Concat(name, way)})
	}
	in.Elements, back.Elements = tidy(in.Elements), tidy(back.Elements)
	return []nft.Set{in, back}
}

// wayMark is the mark of connections that begin at an interface. It stays the same whatever else there is, and is not 0.
func wayMark(device string) uint32 {
	sum := sha256.Sum256([]byte(device))
	return binary.BigEndian.Uint32(sum[:]) | 1
}

// wayBack looks at answers to connections that began beyond the VPC.
func (r *router) wayBack() nft.Rule {
	return nft.NewRule(
		nft.IsNot(nft.ConnectionMark(), nft.FieldU32(0)), nft.IsNot(nft.PacketMark(), nft.FieldU32(kernel.MarkBeyond)),
		nft.End(nft.Verdict{Kind: nft.Jump, Chain: chainBack}),
	)
}

// backChain returns for answers that go back the way their connection came.
func (r *router) backChain() nft.Chain {
	return nft.Chain{Name: chainBack, Rules: []nft.Rule{
		nft.NewRule(nft.In(setBack, nft.OutInterface(), nft.ConnectionMark()), nft.End(nft.Verdict{Kind: nft.Return})),
		refuse(fabric.NoRoute),
	}}
}

// fromBeyond holds for packets that came by a peering or by the uplink.
func fromBeyond() nft.Clause { return nft.Is(nft.PacketMark(), nft.FieldU32(kernel.MarkBeyond)) }

func byUplink(s nft.Selector) nft.Clause { return nft.Is(s, nft.FieldInterface(kernel.UplinkDevice)) }

// translation is the chains that give packets public addresses on their way out, and private ones on their way in.
func (r *router) translation() []nft.Chain {
	if r.vpc.Uplink == nil {
		return nil
	}
	base := func(h nft.Hook, priority int32) nft.Base {
		return nft.Base{Type: "nat", Hook: h, Priority: priority, Policy: nft.Accept}
	}
	return []nft.Chain{
		{Name: "dstnat", Base: base(nft.Prerouting, nft.PriorityDstNAT), Rules: []nft.Rule{
			nft.NewRule(byUplink(nft.InInterface()), nft.DestinationNAT(mapPrivate, nft.IPv4.Destination())),
		}},
		{Name: "srcnat", Base: base(nft.Postrouting, nft.PrioritySrcNAT), Rules: []nft.Rule{
			nft.NewRule(byUplink(nft.OutInterface()), nft.SourceNAT(mapToPublic, nft.IPv4.Source())),
		}},
	}
}
