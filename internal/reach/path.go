package reach

import (
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// forward shows the resources an open trace's packet passes, in order.
func (a album) forward(t Trace) []world.PathComponent {
	var out []world.PathComponent
	var at *fabric.VPC // where the packet is
	var from fabric.Port
	came := t.first()
	for _, h := range t.Hops {
		if h.Reply {
			break
		}
		v := a.f.VPC(h.Origin.VPC)
		switch h.Origin.Station {
		case fabric.Spoof:
			_, p, _ := a.f.Port(h.Origin.ENI)
			if p.Peer.NAT != "" {
				out = append(out, a.nat(v, p, came, h.Flow)...)
			} else {
				out = append(out, a.sender(v, p, h.Flow)...)
			}
			from = p
		case fabric.SGOut, fabric.SGIn:
			out = append(out, a.group(v, h))
		case fabric.ACLOut, fabric.ACLIn:
			out = append(out, a.acl(v, h))
		case fabric.NoRoute:
			out = append(out, a.leave(v, from, h.Routed)...)
		case fabric.Internet:
			public, _ := v.Uplink.PublicOf(h.Flow.Src)
			goes := h.Flow
			goes.Src = public
			out = append(out, a.internet(v, a.header(h.Flow), a.header(goes)))
			if far, private, ok := a.f.VPCOf(goes.Dst); ok {
				in := goes
				in.Dst = private
				out = append(out, a.internet(far, a.header(goes), a.header(in)))
			}
		}
		at, came = v, h.Flow
	}
	if v, p, ok := a.f.Port(t.To); ok {
		at = v
		out = append(out, a.receiver(at, p, t.Flow)...)
	}
	return out
}

// first is the packet as its sender made it.
func (t Trace) first() fabric.Flow {
	if len(t.Hops) == 0 {
		return t.Flow
	}
	return t.Hops[0].Flow
}

// leave shows the route a packet takes from a port, and the peering it leads to; nothing within a subnet, where no
// table is asked.
func (a album) leave(v *fabric.VPC, from fabric.Port, r fabric.Routed) []world.PathComponent {
	if r.Port != nil && r.Table == "" && r.Port.Subnet == from.Subnet {
		return nil
	}
	out := []world.PathComponent{a.route(v, from.Table, r)}
	if r.Peering != nil {
		out = append(out, a.peering(v, *r.Peering))
	}
	return out
}

// back shows the resources the answer passes: no security groups, for they know the conversation.
func (a album) back(t Trace) []world.PathComponent {
	var out []world.PathComponent
	flow := t.Flow.Reply()
	if v, p, ok := a.f.Port(t.To); ok {
		out = append(out, a.sender(v, p, flow)...)
	}
	for _, h := range t.Hops {
		if !h.Reply {
			continue
		}
		v := a.f.VPC(h.Origin.VPC)
		out = append(out, a.acl(v, h))
		p, ok := holder(v, h.Flow.Dst)
		switch {
		case h.Origin.Station == fabric.ACLOut:
			out = append(out, a.home(v, h)...)
		case ok && p.Peer.NAT != "":
			out = append(out, a.interfaceOf(v, p), world.PathComponent{Component: a.part(v, string(p.Peer.NAT)), Inbound: a.header(h.Flow)})
		}
		flow = h.Flow
	}
	if len(t.Hops) > 0 {
		first := t.Hops[0]
		if v, p, ok := a.f.Port(first.Origin.ENI); ok {
			out = append(out, a.receiver(v, p, first.Flow.Reply())...)
		}
	}
	return out
}

// home shows the route of an answer that leaves a subnet.
func (a album) home(v *fabric.VPC, h Hop) []world.PathComponent {
	var from fabric.Port
	for _, s := range v.Subnets {
		if s.ID == h.Origin.Subnet {
			from = fabric.Port{Table: s.Table, Subnet: s.ID, Router: s.Gateway, Mask: s.CIDR.Bits()}
		}
	}
	table, r := from.Table, v.Route(&from, h.Flow.Dst)
	out := []world.PathComponent{a.route(v, table, r)}
	switch {
	case r.Peering != nil:
		out = append(out, a.peering(v, *r.Peering))
	case r.Internet:
		out = append(out, a.internet(v, a.header(h.Flow), nil))
	}
	return out
}

// holder is the port that has an address.
func holder(v *fabric.VPC, addr netip.Addr) (fabric.Port, bool) {
	i := slices.IndexFunc(v.Ports, func(p fabric.Port) bool { return p.Holds(addr) })
	if i < 0 {
		return fabric.Port{}, false
	}
	return v.Ports[i], true
}
