package fabric

import (
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/world"
)

// Routed is where a VPC's router sends a destination. Exactly one of Port, Link, Peering, Internet, Gate and Point is set, or none: see Nowhere.
type Routed struct {
	Prefix netip.Prefix
	Table  world.RouteTableID // empty for the VPC's own ranges and for Lattice's
	Port   *Port
	Link   *Link

	Peering  *PeerLink
	Internet bool
	Gate     *Gate
	Point    *Point
}

// Nowhere tells whether the packet goes nowhere.
func (r Routed) Nowhere() bool {
	return r.Port == nil && r.Link == nil && r.Peering == nil && !r.Internet && r.Gate == nil && r.Point == nil
}

// Route decides where the router sends a packet for dst that came in through the port from: Lattice's ranges first
// (only in an associated VPC), then the routes of the table of the port's subnet that lie within the VPC – no table is
// asked about what stays in the subnet –, the VPC's own ranges, and the table's longest matching prefix. An address of
// the VPC that no attached ENI holds goes nowhere. What came from beyond the VPC (from is nil) goes to its own ranges only.
func (v *VPC) Route(from *Port, dst netip.Addr) Routed {
	if ForEverybody(dst) {
		return Routed{}
	}
	if len(v.Links) > 0 && world.LatticeResources.Contains(dst) {
		r := Routed{Prefix: world.LatticeResources}
		for i := range v.Links {
			if _, ok := slices.BinarySearchFunc(v.Links[i].Addrs, dst, netip.Addr.Compare); ok {
				r.Link = &v.Links[i]
			}
		}
		return r
	}
	if from != nil && v.Point != nil && world.LatticeServices.Contains(dst) {
		return Routed{Prefix: world.LatticeServices, Point: v.Point}
	}
	var t *Table
	if from != nil {
		t = v.table(from.Table)
	}
	for _, c := range v.CIDRs {
		if !c.Contains(dst) {
			continue
		}
		if t != nil && !v.sameSubnet(*from, dst) {
			if r, ok := v.routed(t, t.Within, dst); ok {
				return r
			}
		}
		return Routed{Prefix: c, Port: v.portOf(dst)}
	}
	if t == nil {
		return Routed{}
	}
	if r, ok := v.routed(t, t.Routes, dst); ok {
		return r
	}
	return Routed{Table: t.ID}
}

// ForEverybody tells whether an address is that of no single receiver: multicast and broadcast are not carried. (VPC FAQ.)
func ForEverybody(a netip.Addr) bool {
	return a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// routed is where the first of a table's routes that matches leads.
func (v *VPC) routed(t *Table, routes []Route, dst netip.Addr) (Routed, bool) {
	for _, r := range routes {
		if r.Prefix.Contains(dst) {
			return Routed{
				Prefix: r.Prefix, Table: t.ID, Port: v.portByIndex(r.Port), Peering: v.peering(r.Peering), Internet: r.Internet && v.Uplink != nil,
				Gate: v.gate(r.Endpoint),
			}, true
		}
	}
	return Routed{}, false
}

func (v *VPC) table(index uint32) *Table {
	i, ok := slices.BinarySearchFunc(v.Tables, index, func(t Table, n uint32) int { return int(t.Index) - int(n) })
	if !ok {
		return nil
	}
	return &v.Tables[i]
}

// sameSubnet tells whether a lies in the subnet of the port.
func (v *VPC) sameSubnet(p Port, a netip.Addr) bool {
	return netip.PrefixFrom(p.Router, p.Mask).Masked().Contains(a)
}

// portOf is the attached port that holds the address, or to which its prefix is delegated.
func (v *VPC) portOf(a netip.Addr) *Port {
	for i := range v.Ports {
		if v.Ports[i].Peer.Attached() && v.Ports[i].Holds(a) {
			return &v.Ports[i]
		}
	}
	return nil
}

func (v *VPC) portByIndex(n uint32) *Port {
	i, ok := slices.BinarySearchFunc(v.Ports, n, func(p Port, n uint32) int { return int(p.Index) - int(n) })
	if !ok || n == 0 {
		return nil
	}
	return &v.Ports[i]
}

func (v *VPC) peering(id world.PeeringID) *PeerLink {
	for i := range v.Peerings {
		if v.Peerings[i].ID == id {
			return &v.Peerings[i]
		}
	}
	return nil
}

func (v *VPC) portByENI(id world.ENIID) (Port, bool) {
	i := slices.IndexFunc(v.Ports, func(p Port) bool { return p.ENI == id })
	if i < 0 {
		return Port{}, false
	}
	return v.Ports[i], true
}

// Holds tells whether a is an address of the port or lies in a prefix delegated to it.
func (p Port) Holds(a netip.Addr) bool {
	return slices.Contains(p.Addrs, a) || slices.ContainsFunc(p.Prefixes, func(x netip.Prefix) bool { return x.Contains(a) })
}

// TakesOwn tells whether answers that the port is sent must be for an address of its own. A NAT gateway knows only the
// connections it began itself.
func (p Port) TakesOwn() bool { return p.SourceDestCheck || p.Peer.NAT != "" }

// Forwards tells whether the instance at the port may be sent, and send, packets that are not its own: NAT instances, firewalls. Its
// groups track connections that pass it as they track its own.
func (p Port) Forwards() bool { return !p.TakesOwn() }

// VPC finds a VPC of the fabric; nil when it is not there.
func (f *Fabric) VPC(id world.VPCID) *VPC {
	i, ok := slices.BinarySearchFunc(f.VPCs, id, func(v *VPC, id world.VPCID) int { return strings.Compare(string(v.ID), string(id)) })
	if !ok {
		return nil
	}
	return f.VPCs[i]
}

// Gateway finds a gateway of the fabric; nil when it is not there.
func (f *Fabric) Gateway(id world.ResourceGatewayID) *Gateway {
	i, ok := slices.BinarySearchFunc(f.Gateways, id, func(g *Gateway, id world.ResourceGatewayID) int {
		return strings.Compare(string(g.ID), string(id))
	})
	if !ok {
		return nil
	}
	return f.Gateways[i]
}

// Port finds the port of an ENI and the VPC it is in.
func (f *Fabric) Port(id world.ENIID) (*VPC, Port, bool) {
	for _, v := range f.VPCs {
		if p, ok := v.portByENI(id); ok {
			return v, p, true
		}
	}
	return nil, Port{}, false
}

// Contains tells whether the address lies in one of the VPC's ranges.
func (v *VPC) Contains(a netip.Addr) bool {
	return slices.ContainsFunc(v.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) })
}

// Own tells whether a is an address of the VPC's router itself: of a subnet's router, the resolver or metadata.
func (v *VPC) Own(a netip.Addr) bool {
	return a == MetadataAddr || slices.Contains(v.Resolver.Addrs, a) ||
		slices.ContainsFunc(v.Subnets, func(s Subnet) bool { return s.Gateway == a })
}

// Answers tells whether the router itself answers the flow: names, while the resolver is on, and metadata. Neither
// security groups nor ACLs judge that. (VPC User Guide, "Security groups", "Network ACL basics".)
func (v *VPC) Answers(f Flow) bool {
	switch {
	case f.Dst == MetadataAddr:
		return f.Protocol == world.TCP && f.DstPort == 80
	case slices.Contains(v.Resolver.Addrs, f.Dst):
		return v.Resolver.Enabled && f.DstPort == 53 && f.Protocol.HasPorts()
	}
	return false
}
