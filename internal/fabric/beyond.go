package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// peerings adds the active peerings of a VPC.
func (c *compilation) peerings(v *VPC) {
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
		v.Peerings = append(v.Peerings, l)
	}
}

// uplink adds a VPC's way to the public side, when it has an internet gateway.
func (c *compilation) uplink(v *VPC) {
	var u *Uplink
	for g := range c.w.InternetGateways.In(string(v.ID)) {
		if !g.Deleting {
			u = &Uplink{Gateway: g.ID}
		}
	}
	if u == nil {
		return
	}
	given := map[netip.Addr]netip.Addr{}
	for e := range c.w.ENIs.In(string(v.ID)) {
		if e.Public.IsValid() && len(e.Addrs) > 0 {
			given[e.Addrs[0]] = e.Public
		}
	}
	for a := range c.w.Addresses.In(string(v.ID)) { // an elastic address takes the place of one given at launch
		if a.Private.IsValid() {
			given[a.Private] = a.Public
		}
	}
	for private, public := range given {
		u.Addresses = append(u.Addresses, PublicAddress{private, public})
	}
	slices.SortFunc(u.Addresses, func(a, b PublicAddress) int { return a.Private.Compare(b.Private) })
	v.Uplink = u
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

// public adds the public side.
func (c *compilation) public() {
	for _, v := range c.vpcs {
		if v.Uplink == nil {
			continue
		}
		u := PublicUplink{VPC: v.ID}
		for _, a := range v.Uplink.Addresses {
			u.Addrs = append(u.Addrs, a.Public)
		}
		slices.SortFunc(u.Addrs, netip.Addr.Compare)
		c.out.Public.Uplinks = append(c.out.Public.Uplinks, u)
	}
	slices.SortFunc(c.out.Public.Uplinks, func(a, b PublicUplink) int { return cmp.Compare(a.VPC, b.VPC) })
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

// nats adds the NAT gateways that work.
func (c *compilation) nats() {
	for _, v := range c.vpcs {
		for _, p := range v.Ports {
			if p.Peer.NAT != "" {
				c.out.NATs = append(c.out.NATs, &NAT{ID: p.Peer.NAT, VPC: v.ID, Port: GatewayPort{
					ENI: p.ENI, Device: p.Peer.Device, Addrs: p.Addrs, MAC: p.MAC, Router: p.Router, Mask: p.Mask, MTU: p.MTU,
				}})
			}
		}
	}
	slices.SortFunc(c.out.NATs, func(a, b *NAT) int { return cmp.Compare(a.ID, b.ID) })
}
