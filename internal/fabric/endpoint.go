package fabric

import (
	"cmp"
	"maps"
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
	Onward  bool             // what comes goes on by Links: always of Resource and ServiceNetwork, and of Interface with a service of an account's own
	Ports   []GatewayPort    // its ENIs, sorted by ENI
	Links   []Link           // if it is Onward: to the gateways of what it leads to, sorted by Gateway
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

// endpoints makes the VPC endpoints that work, of VPCs that are not as before or whose endpoints are not; and those that
// lead to Lattice, when that is not.
func (c *compilation) endpoints() {
	stale := maps.Clone(c.stale.endpoints)
	if stale == nil {
		stale = map[world.EndpointID]bool{}
	}
	for id := range c.changed {
		for e := range c.w.Endpoints.In(string(id)) {
			stale[e.ID] = true
		}
	}
	if c.stale.lattice || c.stale.balancers {
		for e := range c.w.Endpoints.All() {
			stale[e.ID] = stale[e.ID] || e.Lattice() || e.Provider != ""
		}
	}
	var fresh []*Endpoint
	for row := range rowsOf(&c.w.Endpoints, "", false, stale) {
		if row.Works() && stale[row.ID] {
			fresh = append(fresh, c.endpoint(row))
		}
	}
	points := c.stale.all || c.stale.lattice
	if points {
		fresh = append(fresh, c.points()...)
	}
	c.out.Endpoints = patched(c.prev.Endpoints, func(e *Endpoint) bool { return stale[e.ID] || points && e.Type == EndpointServices }, fresh, func(a, b *Endpoint) int { return cmp.Compare(a.ID, b.ID) })
}

func (c *compilation) endpoint(row world.Endpoint) *Endpoint {
	e := &Endpoint{ID: row.ID, Type: row.Type, VPC: row.VPC, Service: row.Service, Links: c.endpointLinks(row)}
	if e.Onward = row.Lattice() || row.Provider != ""; row.Provider != "" {
		e.Service, e.Links = "", c.serviceLinks(row)
	}
	for _, p := range c.portsOf(c.out.VPC(row.VPC), string(row.ID)) {
		if p.Peer.Endpoint == row.ID {
			g := gatewayPort(p)
			g.Local, g.Prefixes = p.Peer.Local, p.Prefixes
			e.Ports = append(e.Ports, g)
		}
	}
	if l, ok := row.GatewayList(); ok && len(l.Entries) > 0 {
		e.Range = l.Entries[0].CIDR
	}
	return e
}
