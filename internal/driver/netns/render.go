package netns

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// kind is what a namespace is for.
type kind int

const (
	router kind = iota + 1
	gateway
	host
	nat
	public
	endpoint
	resolver
)

// namespaces are the names of the namespaces a fabric needs.
func namespaces(f *fabric.Fabric) iter.Seq2[string, kind] {
	return func(yield func(string, kind) bool) {
		_ = each(yield, router, f.VPCs, func(v *fabric.VPC) world.VPCID { return v.ID }) &&
			each(yield, gateway, f.Gateways, func(g *fabric.Gateway) world.ResourceGatewayID { return g.ID }) &&
			each(yield, host, f.Hosts, func(h *fabric.Host) world.InstanceID { return h.ID }) &&
			each(yield, nat, f.NATs, func(n *fabric.NAT) world.NATGatewayID { return n.ID }) &&
			each(yield, endpoint, f.Endpoints, func(e *fabric.Endpoint) world.EndpointID { return e.ID }) &&
			each(yield, resolver, f.Resolvers, func(e *fabric.ResolverEndpoint) world.ResolverEndpointID { return e.ID }) &&
			(len(f.Public.Uplinks) == 0 || yield(kernel.PublicNamespace, public))
	}
}

// sameNamespaces tells whether two fabrics need the same namespaces, as far as that shows at a glance.
func sameNamespaces(was, now *fabric.Fabric) bool {
	return was != nil && fabric.Same(was.Hosts, now.Hosts) && fabric.Same(was.Gateways, now.Gateways) && fabric.Same(was.NATs, now.NATs) &&
		fabric.Same(was.Endpoints, now.Endpoints) && fabric.Same(was.Resolvers, now.Resolvers) &&
		(len(was.Public.Uplinks) == 0) == (len(now.Public.Uplinks) == 0) &&
		slices.EqualFunc(was.VPCs, now.VPCs, func(a, b *fabric.VPC) bool { return a.ID == b.ID })
}

// each yields the names of scopes of one kind; false when no more are wanted.
func each[T any, ID ~string](yield func(string, kind) bool, k kind, scopes []T, id func(T) ID) bool {
	for _, s := range scopes {
		if !yield(string(id(s)), k) {
			return false
		}
	}
	return true
}

// wire is a veth pair between a router and another namespace, its peer, which may be another router. It is made again when it differs.
type wire struct {
	device     string // in the router
	mac        string
	mtu        int
	peer       string // namespace of the far end
	peerDevice string
	peerMAC    string
}

// neighbour is a permanent entry: who has the address, on the wire.
type neighbour struct {
	addr netip.Addr
	mac  string
}

// cable is a wire and what is set at its ends.
type cable struct {
	wire
	answers  bool        // the near end answers ARP requests for others, at once
	near     []neighbour // entries at the near end
	peerKind kind
	addrs    []netip.Prefix // of the far end
	beyond   []neighbour    // entries at the far end
	router   netip.Addr     // the far end's default route, if valid
}

// digest tells cables apart by what they were made from: the wire, and the settings.
func (c cable) digest() string {
	w := sha256.Sum256(fmt.Appendf(nil, "%+v", c.wire))
	s := sha256.Sum256(fmt.Appendf(nil, "%v %v %v %v %v %v", c.answers, c.near, c.peerKind, c.addrs, c.beyond, c.router))
	return hex.EncodeToString(w[:8]) + " " + hex.EncodeToString(s[:8])
}

// equal tells whether two cables are made alike.
func (c cable) equal(o cable) bool {
	return c.wire == o.wire && c.answers == o.answers && c.peerKind == o.peerKind && c.router == o.router &&
		slices.Equal(c.near, o.near) && slices.Equal(c.addrs, o.addrs) && slices.Equal(c.beyond, o.beyond)
}

// sameWire tells whether two digests are of the same wire.
func sameWire(a, b string) bool {
	x, _, ok := strings.Cut(a, " ")
	y, _, _ := strings.Cut(b, " ")
	return ok && x == y
}

// portCable is the cable of an attached ENI.
func portCable(p *fabric.Port) cable {
	c := cable{
		wire: wire{
			device: kernel.PortDevice(p.ENI), mac: kernel.RouterMAC(p.ENI).String(), mtu: p.MTU,
			peerDevice: p.Peer.Device, peerMAC: p.MAC,
		},
		answers: true,
		near:    []neighbour{{p.Addrs[0], p.MAC}},
	}
	switch {
	case p.Peer.Gateway != "":
		c.gatewayEnd(string(p.Peer.Gateway), gateway, p.Router)
		return c
	case p.Peer.NAT != "":
		c.gatewayEnd(string(p.Peer.NAT), nat, p.Router)
		return c
	case p.Peer.Endpoint != "":
		c.gatewayEnd(string(p.Peer.Endpoint), endpoint, p.Router)
		if p.Peer.Local {
			c.addrs = singles(p.Addrs)
		}
		return c
	}
	c.peer, c.peerKind = cmp.Or(string(p.Peer.Host), string(p.Peer.Resolver)), host // a Resolver endpoint's end is made as an instance's
	for _, a := range p.Addrs {
		c.addrs = append(c.addrs, netip.PrefixFrom(a, p.Mask))
	}
	c.router = p.Router
	return c
}

// gatewayPortCable is the same cable, as the scope of the gateway, NAT gateway or endpoint knows it.
func gatewayPortCable(ns string, k kind, p *fabric.GatewayPort) cable {
	c := cable{
		wire: wire{
			device: kernel.PortDevice(p.ENI), mac: kernel.RouterMAC(p.ENI).String(), mtu: p.MTU,
			peerDevice: p.Device, peerMAC: p.MAC,
		},
		answers: true,
		near:    []neighbour{{p.Addrs[0], p.MAC}},
	}
	c.gatewayEnd(ns, k, p.Router)
	if p.Local {
		c.addrs = singles(p.Addrs)
	}
	return c
}

// gatewayEnd sets what a gateway's ENI needs in the gateway: the router as a known neighbour, and no address. Packets
// are translated to and from the ENI's addresses, and the router knows its neighbour without asking; an address that
// were local there would catch packets of a client that has the same one in its own VPC.
func (c *cable) gatewayEnd(ns string, k kind, subnetRouter netip.Addr) {
	c.peer, c.peerKind = ns, k
	c.beyond = []neighbour{{subnetRouter, c.mac}}
}

// linkCable is the link between a consumer's router, or an endpoint, and a gateway.
func linkCable(g world.ResourceGatewayID, index uint16, mtu int) cable {
	nearMAC, peerMAC := kernel.LinkMACs(g, index)
	return cable{
		wire: wire{
			device: kernel.LinkDevice(g), mac: nearMAC.String(), mtu: mtu,
			peer: string(g), peerDevice: kernel.ConsumerDevice(index), peerMAC: peerMAC.String(),
		},
		near:     []neighbour{{kernel.LinkGateway, peerMAC.String()}},
		peerKind: gateway,
		addrs:    []netip.Prefix{single(kernel.LinkGateway)},
		beyond:   []neighbour{{kernel.LinkRouter, nearMAC.String()}},
	}
}

// peeringCable is the cable of a peering. The router of the VPC with the lower id has the near end.
func peeringCable(l *fabric.PeerLink, v world.VPCID) cable {
	near, far := min(v, l.VPC), max(v, l.VPC)
	nearMAC, farMAC := kernel.PeeringMAC(l.ID, near).String(), kernel.PeeringMAC(l.ID, far).String()
	device := kernel.PeeringDevice(l.ID)
	return cable{
		wire:     wire{device: device, mac: nearMAC, mtu: l.MTU, peer: string(far), peerDevice: device, peerMAC: farMAC},
		near:     []neighbour{{kernel.PeeringHop, farMAC}},
		peerKind: router,
		beyond:   []neighbour{{kernel.PeeringHop, nearMAC}},
	}
}

// uplinkCable is the cable between a VPC's router and the public side, where health checkers are at home too.
func uplinkCable(v world.VPCID) cable {
	routerMAC, publicMAC := kernel.UplinkMACs(v)
	return cable{
		wire: wire{
			device: kernel.UplinkDevice, mac: routerMAC.String(), mtu: fabric.MTUInternet,
			peer: kernel.PublicNamespace, peerDevice: kernel.PublicDevice(v), peerMAC: publicMAC.String(),
		},
		near:     []neighbour{{kernel.UplinkHop, publicMAC.String()}},
		peerKind: public,
		addrs:    append([]netip.Prefix{single(kernel.UplinkHop)}, checkerAddrs()...),
		beyond:   []neighbour{{kernel.PublicHop, routerMAC.String()}},
	}
}

// gateCable is the cable between a VPC's router and a gateway endpoint, or its service point.
func gateCable(e world.EndpointID) cable {
	routerMAC, endMAC := kernel.EndpointMACs(e)
	return cable{
		wire: wire{
			device: kernel.EndpointDevice(e), mac: routerMAC.String(), mtu: fabric.MTUEndpoint,
			peer: string(e), peerDevice: kernel.EndpointUplink, peerMAC: endMAC.String(),
		},
		near:     []neighbour{{kernel.EndpointHop, endMAC.String()}},
		peerKind: endpoint,
		addrs:    []netip.Prefix{single(kernel.EndpointHop)},
		beyond:   []neighbour{{kernel.EndpointRouter, routerMAC.String()}},
	}
}

// checkerAddrs are the addresses that health checks are made from.
func checkerAddrs() (out []netip.Prefix) {
	for _, region := range world.CheckerRegions() {
		out = append(out, single(world.CheckerAddress(region)))
	}
	return out
}

// portCables are the cables of ports by device.
func portCables(ports []fabric.Port) map[string]cable {
	out := make(map[string]cable, len(ports))
	for i := range ports {
		if p := &ports[i]; p.Peer.Attached() && len(p.Addrs) > 0 {
			c := portCable(p)
			out[c.device] = c
		}
	}
	return out
}

// vpcCables are the cables of a VPC's router by device.
func vpcCables(v *fabric.VPC) map[string]cable {
	out := portCables(v.Ports)
	for _, c := range linkCables(v.Links) {
		out[c.device] = c
	}
	for i := range v.Peerings {
		if l := &v.Peerings[i]; v.ID < l.VPC {
			c := peeringCable(l, v.ID)
			out[c.device] = c
		}
	}
	if v.Uplink != nil {
		c := uplinkCable(v.ID)
		out[c.device] = c
	}
	for _, g := range v.Gates {
		c := gateCable(g.Endpoint)
		out[c.device] = c
	}
	if v.Point != nil {
		c := gateCable(v.Point.Endpoint)
		out[c.device] = c
	}
	return out
}

// sameBesidePorts tells whether two VPCs have the very same cables, but for those of ports, and addresses at their routers.
func sameBesidePorts(a, b *fabric.VPC) bool {
	return fabric.Same(a.Links, b.Links) && fabric.Same(a.Peerings, b.Peerings) && fabric.Same(a.Gates, b.Gates) && a.Point == b.Point &&
		(a.Uplink == nil) == (b.Uplink == nil) && fabric.Same(a.Subnets, b.Subnets) && fabric.Same(a.Resolver.Addrs, b.Resolver.Addrs)
}

// farPeerings are the cables of a VPC's peerings whose near ends other routers have, by those.
func farPeerings(v *fabric.VPC) map[world.VPCID][]cable {
	out := map[world.VPCID][]cable{}
	for i := range v.Peerings {
		if l := &v.Peerings[i]; l.VPC < v.ID {
			out[l.VPC] = append(out[l.VPC], peeringCable(l, v.ID))
		}
	}
	return out
}

// gatewayCables are a gateway's cables by the namespace of their near ends.
func gatewayCables(g *fabric.Gateway) map[string][]cable {
	out := map[string][]cable{}
	for i := range g.Ports {
		if len(g.Ports[i].Addrs) > 0 {
			out[string(g.VPC)] = append(out[string(g.VPC)], gatewayPortCable(string(g.ID), gateway, &g.Ports[i]))
		}
	}
	for _, c := range g.Consumers {
		out[c.Near()] = append(out[c.Near()], linkCable(g.ID, c.Index, c.MTU))
	}
	return out
}

// routerAddrs are the addresses a router itself answers to.
func routerAddrs(v *fabric.VPC) map[netip.Addr]bool {
	out := map[netip.Addr]bool{fabric.MetadataAddr: true, fabric.ResolverLinkLocal: true}
	for _, s := range v.Subnets {
		out[s.Gateway] = true
	}
	for _, a := range v.Resolver.Addrs {
		out[a] = true
	}
	return out
}

// endpointCables are an endpoint's cables to its VPC's router.
func endpointCables(e *fabric.Endpoint) []cable {
	var out []cable
	for i := range e.Ports {
		if len(e.Ports[i].Addrs) > 0 {
			out = append(out, gatewayPortCable(string(e.ID), endpoint, &e.Ports[i]))
		}
	}
	if e.Range.IsValid() {
		out = append(out, gateCable(e.ID))
	}
	return out
}

func singles(addrs []netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range addrs {
		out = append(out, single(a))
	}
	return out
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
