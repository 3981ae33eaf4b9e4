package fabric

import (
	"cmp"

	"kumiko/internal/world"
)

// Compile says what the network must be for w.
func Compile(w world.World) *Fabric {
	return newCompilation(w, &Fabric{}, world.World{}, everything()).compile()
}

// compilation is the state of one Compile: the World, the fabric before, and what of it is stale. Each step makes what is
// stale anew and takes over the rest.
type compilation struct {
	w, old *world.World // now and before
	prev   *Fabric      // of old
	stale  *stale
	out    *Fabric

	zones   map[world.HostedZoneID]*Zone
	ill     map[world.HealthCheckID]bool
	lattice map[string]latticeNames // by region

	members *members    // see compilation.served
	hosts   []*Host     // that are made
	changed vpcs        // whose ports, uplinks or names are not as before
	named   vpcs        // of them, whose names are not
	shared  sharedNames // see compilation.view
}

// vpcs is a set of VPCs.
type vpcs map[world.VPCID]bool

func newCompilation(w world.World, prev *Fabric, old world.World, s *stale) *compilation {
	return &compilation{w: &w, old: &old, prev: prev, stale: s, out: &Fabric{Rev: w.Rev}, changed: vpcs{}, named: vpcs{}}
}

func (c *compilation) compile() *Fabric {
	c.stale.leadOn()
	c.hostedZones()
	c.endpointNames()
	c.balancerNames()
	c.latticeNames()
	c.spreadNames()
	var fresh []*VPC
	for row := range rowsOf(&c.w.VPCs, "", c.stale.all, c.stale.vpcs) {
		fresh = append(fresh, c.vpc(row))
	}
	c.out.VPCs = replaced(c.prev.VPCs, func(v *VPC) bool { return c.stale.vpc(v.ID) != nil }, fresh,
		func(a, b *VPC) int { return cmp.Compare(a.ID, b.ID) }, func(a, b *VPC) bool { return a == b })
	for _, v := range c.prev.VPCs {
		if !c.w.VPCs.Has(v.ID) {
			c.changed[v.ID] = true
		}
	}
	c.resourceGateways()
	if c.out.Hosts = c.prev.Hosts; c.stale.someHosts() {
		c.out.Hosts = patched(c.prev.Hosts, c.staleHost, c.hosts, func(a, b *Host) int { return cmp.Compare(a.ID, b.ID) })
	}
	c.services()
	c.public()
	c.nats()
	c.endpoints()
	c.resolvers()
	c.out.lattice, c.out.zones, c.out.ill = c.lattice, c.zones, c.ill
	return c.out
}
