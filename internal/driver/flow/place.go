package flow

import (
	"net/netip"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// places finds whose an address is in one VPC.
type places struct {
	vpc      *fabric.VPC
	ports    map[netip.Addr]*fabric.Port
	prefixes []*fabric.Port // that have some
	own      map[netip.Addr]bool
}

func newPlaces(v *fabric.VPC) *places {
	p := &places{vpc: v, ports: make(map[netip.Addr]*fabric.Port, len(v.Ports)), own: map[netip.Addr]bool{}}
	for i := range v.Ports {
		port := &v.Ports[i]
		if !port.Peer.Attached() {
			continue
		}
		for _, a := range port.Addrs {
			p.ports[a] = port
		}
		if len(port.Prefixes) > 0 {
			p.prefixes = append(p.prefixes, port)
		}
	}
	for _, s := range v.Subnets {
		p.own[s.Gateway] = true
	}
	for _, a := range v.Resolver.Addrs {
		p.own[a] = true
	}
	return p
}

func (p *places) port(a netip.Addr) *fabric.Port {
	if port := p.ports[a]; port != nil {
		return port
	}
	i := slices.IndexFunc(p.prefixes, func(port *fabric.Port) bool { return port.Holds(a) })
	if i < 0 {
		return nil
	}
	return p.prefixes[i]
}

// eni is the port of an ENI.
func (p *places) eni(id world.ENIID) *fabric.Port {
	i := slices.IndexFunc(p.vpc.Ports, func(port fabric.Port) bool { return port.ENI == id })
	if i < 0 {
		return nil
	}
	return &p.vpc.Ports[i]
}

// mostForwarders bounds the way by interfaces that forward, which may go round.
const mostForwarders = 8

// complete says who the parties are and which way the traffic went. It reports false for what is no traffic between
// two parties: names, metadata and the like, which the router itself answers, and DHCP (RFC 2131, 4.1).
func (p *places) complete(t *Traffic) bool {
	target := t.Target.Addr()
	if p == nil || p.own[target] || target.IsLinkLocalUnicast() && !world.LatticeServices.Contains(target) || t.Protocol == world.UDP && (t.Dst.Port() == 67 || t.Dst.Port() == 68) {
		return false
	}
	t.VPC = p.vpc.ID
	from, to := p.port(t.Src.Addr()), p.port(target)
	switch {
	case from != nil && to == nil: // beyond, or behind a NAT gateway
		to = p.beyond(t, from, t.Dst.Addr())
	case from == nil && to != nil:
		from = p.beyond(t, to, t.Src.Addr())
	}
	if from != nil {
		t.Sender = from.ENI
	}
	if to != nil {
		t.Receiver = to.ENI
	}
	return true
}

// beyond notes the way to an address that is none of an ENI. It is the ENI that translates, if that is where the way leads; what an ENI
// forwards is counted by itself, and the way is the one from there.
func (p *places) beyond(t *Traffic, from *fabric.Port, dst netip.Addr) *fabric.Port {
	r := p.vpc.Route(from, dst)
	for range mostForwarders {
		if r.Port == nil || !r.Port.Forwards() {
			break
		}
		r = p.vpc.Route(r.Port, dst)
	}
	switch {
	case r.Port != nil && !r.Port.Forwards():
		return r.Port
	case r.Link != nil, r.Point != nil:
		t.Way = WayLattice
	case r.Peering != nil:
		t.Way, t.Peering = WayPeering, r.Peering.ID
	case r.Internet:
		t.Way = WayInternet
	case r.Gate != nil:
		t.Way = WayEndpoint
	default:
		t.Way = WayNowhere
	}
	return nil
}
