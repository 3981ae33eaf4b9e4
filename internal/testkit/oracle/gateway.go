package oracle

import (
	"net/netip"

	"kumiko/internal/world"
)

// notPublic are ranges an internet gateway sends nothing to: RFC 1918 and RFC 6598.
func notPublic(a netip.Addr) bool {
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"} {
		if netip.MustParsePrefix(s).Contains(a) {
			return true
		}
	}
	return false
}

// toInternet goes out by an internet gateway: under the public address of the sender, which it must have.
func (c *conversation) toInternet(e world.ENI, id world.InternetGatewayID, p Packet) (place, Packet, *Verdict) {
	public, ok := netip.Addr{}, false
	for _, owner := range c.w.ENIs.Where(func(o world.ENI) bool { return o.VPC == e.VPC && has(o, p.Src) }) {
		public, ok = c.public(owner, p.Src) // a middlebox may send for others
	}
	if !ok || notPublic(p.Dst) {
		return place{}, p, refuse(InternetGateway, string(id))
	}
	p.Src = public
	return place{outside: true}, p, nil
}

// public is the public address that stands for a private one.
func (c *conversation) public(e world.ENI, private netip.Addr) (netip.Addr, bool) {
	for a := range c.w.Addresses.All() {
		if a.Association != "" && a.ENI == e.ID && a.Private == private {
			return a.Public, true
		}
	}
	return e.Public, e.Public.IsValid() && private == e.Addrs[0]
}

// publicly is the interface that a public address stands for a private address of.
func (c *conversation) publicly(a netip.Addr) (world.ENI, bool) {
	for e := range c.w.ENIs.All() {
		for _, private := range e.Addrs {
			if public, ok := c.public(e, private); ok && public == a {
				return e, true
			}
		}
	}
	return world.ENI{}, false
}

// unused tells whether the public address is somebody's who does not use it.
func (c *conversation) unused(a netip.Addr) bool {
	return c.w.Addresses.Any(func(r world.Address) bool { return r.Public == a && r.Association == "" })
}

// fromInternet comes in by the internet gateway of the VPC where the public address is somebody's.
func (c *conversation) fromInternet(p Packet) (place, Packet, *Verdict) {
	e, ok := c.publicly(p.Dst)
	if !ok {
		return place{}, p, refuse(Nobody, p.Dst.String())
	}
	gateways := c.w.InternetGateways.Where(func(g world.InternetGateway) bool { return g.VPC == e.VPC })
	if len(gateways) == 0 || !alive(c.w, e) {
		return place{}, p, refuse(Nobody, p.Dst.String())
	}
	for _, private := range e.Addrs {
		if public, ok := c.public(e, private); ok && public == p.Dst {
			p.Dst = private
			break
		}
	}
	return place{eni: e}, p, nil
}

// translate is what a NAT gateway does. It takes what is routed to it from its own VPC, sends it on from one of its own addresses
// – the port stays, as long as nobody else has it – and gives answers back to who asked. Nothing else is for it.
func (c *conversation) translate(from place, nat world.ENI, p Packet) (Packet, *Verdict) {
	if c.answering {
		for _, t := range c.nats {
			if t.gateway == nat.NAT && t.went.answer() == p {
				return t.came.answer(), nil
			}
		}
		return p, refuse(NATGateway, string(nat.NAT))
	}
	known := p.Protocol == world.TCP || p.Protocol == world.UDP || p.Protocol == world.ICMP
	if from.outside || from.eni.VPC != nat.VPC || has(nat, p.Dst) || has(nat, p.Src) || !known {
		return p, refuse(NATGateway, string(nat.NAT))
	}
	went := p
	c.choices = max(c.choices, len(nat.Addrs))
	went.Src = nat.Addrs[c.choice%len(nat.Addrs)]
	c.nats = append(c.nats, translation{gateway: nat.NAT, came: p, went: went})
	return went, nil
}
