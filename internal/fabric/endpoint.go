package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// MTUEndpoint is the MTU of the interfaces of VPC endpoints. (AWS PrivateLink Guide, "Maximum transmission unit".)
const MTUEndpoint = 8500

// ServicePort is the port AWS's services listen at.
const ServicePort = 443

// Endpoint is a VPC endpoint: a namespace of its own in which what its VPC sends there is answered, or goes on from.
type Endpoint struct {
	ID      world.EndpointID
	Type    string // of world.Endpoint
	VPC     world.VPCID
	Service string           // of Interface and Gateway: the name of the service that answers in it
	Ports   []GatewayPort    // its ENIs, sorted by ENI
	Links   []Link           // of Resource and ServiceNetwork: to the gateways of what it leads to, sorted by Gateway
	Range   netip.Prefix     // of Gateway and Services: the addresses that are its own
	Takers  []netip.AddrPort // of Services: where its services listen, sorted
}

// Takes tells whether what listens in an interface or gateway endpoint takes a packet: TCP to the service's port, and
// nothing else, or to a listener of a service of Lattice. (AWS PrivateLink Guide, "Considerations".)
func (e *Endpoint) Takes(f Flow) bool {
	at := e.Range.IsValid() && e.Range.Contains(f.Dst)
	for _, p := range e.Ports {
		at = at || p.Local && slices.Contains(p.Addrs, f.Dst)
	}
	if e.Type == EndpointServices {
		return f.Protocol == world.TCP && slices.Contains(e.Takers, netip.AddrPortFrom(f.Dst, f.DstPort))
	}
	return at && f.Protocol == world.TCP && f.DstPort == ServicePort
}

// Endpoint finds an endpoint of the fabric; nil when it is not there.
func (f *Fabric) Endpoint(id world.EndpointID) *Endpoint {
	i, ok := slices.BinarySearchFunc(f.Endpoints, id, func(e *Endpoint, id world.EndpointID) int { return cmp.Compare(e.ID, id) })
	if !ok {
		return nil
	}
	return f.Endpoints[i]
}

// endpoints adds the VPC endpoints that work, with their ports. What is special to a type is added by its own step.
func (c *compilation) endpoints() {
	ports := map[world.EndpointID][]GatewayPort{}
	for _, v := range c.vpcs {
		for _, p := range v.Ports {
			if e := p.Peer.Endpoint; e != "" {
				ports[e] = append(ports[e], GatewayPort{
					ENI: p.ENI, Device: p.Peer.Device, Addrs: p.Addrs, MAC: p.MAC, Router: p.Router, Mask: p.Mask, MTU: p.MTU, Local: p.Peer.Local,
					Prefixes: p.Prefixes,
				})
			}
		}
	}
	for row := range c.w.Endpoints.All() {
		if !row.Works() || c.vpcs[row.VPC] == nil && c.w.VPCs.Has(row.VPC) {
			continue
		}
		e := &Endpoint{ID: row.ID, Type: row.Type, VPC: row.VPC, Service: row.Service, Ports: ports[row.ID], Links: c.endpointLinks(row)}
		if l, ok := row.GatewayList(); ok && len(l.Entries) > 0 {
			e.Range = l.Entries[0].CIDR
		}
		slices.SortFunc(e.Ports, func(a, b GatewayPort) int { return cmp.Compare(a.ENI, b.ENI) })
		c.out.Endpoints = append(c.out.Endpoints, e)
	}
	c.points()
	slices.SortFunc(c.out.Endpoints, func(a, b *Endpoint) int { return cmp.Compare(a.ID, b.ID) })
}
