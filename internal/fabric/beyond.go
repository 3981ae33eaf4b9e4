package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// peerings are the active peerings of a VPC.
func (c *compilation) peerings(v *VPC) []PeerLink {
	var out []PeerLink
	for p := range c.w.Peerings.In(string(v.ID)) {
		if p.Status != world.PeeringActive {
			continue
		}
		other, ok := c.w.VPCs.Get(p.Other(v.ID).VPC)
		if !ok {
			continue
		}
		l := PeerLink{ID: p.ID, VPC: other.ID, MTU: MTU}
		if other.Region != v.Region {
			l.MTU = MTURegions
		}
		for _, a := range other.CIDRs {
			l.CIDRs = append(l.CIDRs, a.CIDR)
		}
		out = append(out, l)
	}
	return out
}

// uplink makes a VPC's way to the public side, when it has an internet gateway: with the addresses of all ENIs, or with
// those of ENIs that are stale.
func (c *compilation) uplink(v *VPC, s *staleVPC) {
	if !s.all && !s.uplink && (v.Uplink == nil || len(s.enis) == 0) {
		return
	}
	var now Uplink
	for g := range c.w.InternetGateways.In(string(v.ID)) {
		if !g.Deleting {
			now.Gateway = g.ID
		}
	}
	if now.Gateway == "" {
		v.Uplink = nil
		return
	}
	all, was := s.all, v.Uplink
	if was == nil {
		all, was = true, &Uplink{}
	}
	stale := map[netip.Addr]bool{}
	var fresh []PublicAddress
	for e := range rowsOf(&c.w.ENIs, string(v.ID), all, s.enis) {
		fresh = append(fresh, publicOf(c.w, e)...)
	}
	for e := range rowsOf(&c.old.ENIs, string(v.ID), all, s.enis) {
		for _, a := range publicOf(c.old, e) {
			stale[a.Private] = true
		}
	}
	now.Addresses = patched(was.Addresses, func(a PublicAddress) bool { return stale[a.Private] }, fresh, func(a, b PublicAddress) int { return a.Private.Compare(b.Private) })
	if now.Gateway != was.Gateway || !Same(now.Addresses, was.Addresses) {
		v.Uplink = &now
	}
}

// publicOf are the public addresses of an ENI: the one given at launch, in whose place comes an elastic one.
func publicOf(w *world.World, e world.ENI) []PublicAddress {
	var out []PublicAddress
	if e.Public.IsValid() && len(e.Addrs) > 0 {
		out = append(out, PublicAddress{Private: e.Addrs[0], Public: e.Public})
	}
	for a := range w.Addresses.In(string(e.ID)) {
		if a.Private.IsValid() {
			out = append(slices.DeleteFunc(out, func(o PublicAddress) bool { return o.Private == a.Private }), PublicAddress{a.Private, a.Public})
		}
	}
	return out
}

// gateway is the internet gateway a VPC has.
func (v *VPC) gateway() world.InternetGatewayID {
	if v.Uplink == nil {
		return ""
	}
	return v.Uplink.Gateway
}

// Unroutable are the ranges that no internet gateway carries anything to or from: private ones (RFC 1918) and carriers'
// own (RFC 6598). (Reachability Analyzer guide, "Explanation codes", IGW_DESTINATION_ADDRESS_NOT_IN_RFC….)
func Unroutable() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range [...]string{"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Routable tells whether internet gateways carry packets to and from the address.
func Routable(a netip.Addr) bool {
	return !slices.ContainsFunc(Unroutable(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// PublicOf is the public address that stands for a private one.
func (u *Uplink) PublicOf(private netip.Addr) (netip.Addr, bool) {
	for _, a := range u.Addresses {
		if a.Private == private {
			return a.Public, true
		}
	}
	return netip.Addr{}, false
}

// public makes the public side: the uplinks of VPCs that are not as before.
func (c *compilation) public() {
	var fresh []PublicUplink
	for id := range c.changed {
		v := c.out.VPC(id)
		if v == nil || v.Uplink == nil {
			continue
		}
		u := PublicUplink{VPC: v.ID}
		for _, a := range v.Uplink.Addresses {
			u.Addrs = append(u.Addrs, a.Public)
		}
		slices.SortFunc(u.Addrs, netip.Addr.Compare)
		fresh = append(fresh, u)
	}
	c.out.Public.Uplinks = patched(c.prev.Public.Uplinks, func(u PublicUplink) bool { return c.changed[u.VPC] }, fresh, func(a, b PublicUplink) int { return cmp.Compare(a.VPC, b.VPC) })
}

// VPCOf is the VPC behind which a public address is, and the private address it stands for.
func (f *Fabric) VPCOf(public netip.Addr) (*VPC, netip.Addr, bool) {
	for _, u := range f.Public.Uplinks {
		if _, ok := slices.BinarySearchFunc(u.Addrs, public, netip.Addr.Compare); !ok {
			continue
		}
		v := f.VPC(u.VPC)
		for _, a := range v.Uplink.Addresses {
			if a.Public == public {
				return v, a.Private, true
			}
		}
	}
	return nil, netip.Addr{}, false
}

// nats makes the NAT gateways that work, of VPCs that are not as before.
func (c *compilation) nats() {
	var fresh []*NAT
	for id := range c.changed {
		v := c.out.VPC(id)
		for g := range c.w.NATGateways.In(string(id)) {
			for _, p := range c.portsOf(v, string(g.ID)) {
				if p.Peer.NAT == g.ID {
					fresh = append(fresh, &NAT{ID: g.ID, VPC: id, Port: gatewayPort(p)})
				}
			}
		}
	}
	c.out.NATs = patched(c.prev.NATs, func(n *NAT) bool { return c.changed[n.VPC] }, fresh, func(a, b *NAT) int { return cmp.Compare(a.ID, b.ID) })
}

// portsOf are the ports of a VPC whose ENIs are those of an instance, a gateway or an endpoint, in the order of the ENIs.
func (c *compilation) portsOf(v *VPC, owner string) []Port {
	if v == nil {
		return nil
	}
	var out []Port
	for e := range c.w.ENIs.In(owner) {
		if p := v.portByIndex(e.Index); p != nil && p.ENI == e.ID {
			out = append(out, *p)
		}
	}
	return out
}

// gatewayPort is a port as seen from the namespace its cable leads to.
func gatewayPort(p Port) GatewayPort {
	return GatewayPort{ENI: p.ENI, Device: p.Peer.Device, Addrs: p.Addrs, MAC: p.MAC, Router: p.Router, Mask: p.Mask, MTU: p.MTU}
}
