package fabric

import (
	"cmp"
	"slices"

	"kumiko/internal/world"
)

// Compile says what the network must be for w.
func Compile(w world.World) *Fabric {
	c := newCompilation(w)
	c.out.endpoints = c.endpointNames()
	for v := range w.VPCs.All() {
		c.vpc(v)
	}
	c.resourceGateways()
	c.latticeMembers()
	c.latticeEndpoints()
	c.lattice = c.latticeNames()
	c.hostedZones()
	c.finish()
	return c.out
}

// compilation is the state of one Compile: the World and what is being made of it.
type compilation struct {
	w        *world.World
	out      *Fabric                              // what is made, and what was taken over
	vpcs     map[world.VPCID]*VPC                 // that are made
	gateways map[world.ResourceGatewayID]*Gateway // all, and those that are made
	made     map[*Gateway]bool
	zones    map[world.HostedZoneID]*Zone
	ill      map[world.HealthCheckID]bool

	resources    map[world.ServiceNetworkID][]world.ResourceAssociation // that are served
	associations map[world.VPCID][]world.VPCAssociation
	behind       map[world.EndpointID][]behind
	lattice      map[string]latticeNames // by region
}

func newCompilation(w world.World) *compilation {
	return &compilation{
		w: &w, out: &Fabric{Rev: w.Rev}, vpcs: map[world.VPCID]*VPC{}, gateways: map[world.ResourceGatewayID]*Gateway{}, made: map[*Gateway]bool{},
	}
}

// finish completes the VPCs and gateways that are made, and adds what follows from them.
func (c *compilation) finish() {
	c.services()
	c.out.lattice, c.out.zones, c.out.ill = c.lattice, c.zones, c.ill
	slices.SortFunc(c.out.VPCs, func(a, b *VPC) int { return cmp.Compare(a.ID, b.ID) })
	for _, v := range c.vpcs {
		c.names(v)
	}
	c.listeners() // after names: a resource may be one
	for _, v := range c.vpcs {
		c.links(v)
	}
	c.consumers()
	c.endpointConsumers()
	slices.SortFunc(c.out.Hosts, func(a, b *Host) int { return cmp.Compare(a.ID, b.ID) })
	c.public()
	c.nats()
	c.endpoints()
	c.resolvers()
}
