package fabric

import (
	"maps"
	"reflect"
	"slices"

	"kumiko/internal/world"
)

// latticeNames are the generated names of resources in a region. They are public, so they exist everywhere; but while
// those of endpoints answer their addresses to everybody, a resource in a service network has one only where the VPC is
// associated with that.
type latticeNames struct {
	exists  map[string]bool
	records map[string][]Record
}

// latticeNames makes the names of all resource associations and of all resources at endpoints, by region.
func (c *compilation) latticeNames() {
	if c.lattice = c.prev.lattice; !c.stale.lattice {
		return
	}
	if now := c.namesOfLattice(); !reflect.DeepEqual(now, c.lattice) {
		c.lattice, c.shared.lattice = now, true
	}
}

func (c *compilation) namesOfLattice() map[string]latticeNames {
	out := map[string]latticeNames{}
	in := func(region string) latticeNames {
		if _, ok := out[region]; !ok {
			out[region] = latticeNames{map[string]bool{}, map[string][]Record{}}
		}
		return out[region]
	}
	note := func(region, name string) {
		z := Zone{Name: world.ResourceZone(region), Exists: in(region).exists}
		z.Exists[name] = true
		z.ancestors(name)
	}
	for a := range c.w.ResourceAssociations.All() {
		if !a.Deleting {
			note(a.Region, a.Name())
		}
	}
	for e := range c.w.Endpoints.All() {
		if e.Deleting || !e.Lattice() {
			continue
		}
		for a := range c.w.EndpointAssociations.In(string(e.ID)) { // one that has no address has a name all the same
			note(e.Region, c.w.EndpointAssociationName(a))
		}
		for _, b := range c.lattices().behind[e.ID] {
			for _, a := range b.Addrs {
				in(e.Region).records[b.name] = append(in(e.Region).records[b.name], Record{Type: TypeA, TTL: ttlName, Addr: a})
			}
		}
	}
	return out
}

// latticeZones give a VPC the addresses of the resources at endpoints, and of those in the service network it is
// associated with.
func (c *compilation) latticeZones(v *VPC) {
	for r := range c.prev.lattice {
		delete(v.View.Public, world.ResourceZone(r))
	}
	regions := slices.Sorted(maps.Keys(c.lattice))
	if _, ok := c.lattice[v.Region]; !ok {
		regions = append(regions, v.Region)
	}
	for _, r := range regions {
		z := &Zone{Kind: PublicZone, Name: world.ResourceZone(r), SOA: awsSOA(), Records: c.lattice[r].records, Exists: c.lattice[r].exists}
		if z.Exists == nil {
			z.Exists = map[string]bool{}
		}
		if r == v.Region && len(c.lattices().associations[v.ID]) > 0 || z.Records == nil {
			z.Records = maps.Clone(z.Records)
			c.associated(v, z)
		}
		v.View.Public[z.Name] = z
	}
}

// associated adds the resources of the service networks a VPC is associated with.
func (c *compilation) associated(v *VPC, z *Zone) {
	if z.Records == nil {
		z.Records = map[string][]Record{}
	}
	for _, l := range c.lattices().associations[v.ID] {
		for _, a := range c.lattices().resources[l.Network] {
			z.Records[a.Name()] = []Record{{Type: TypeA, TTL: ttlName, Addr: a.Addr}}
		}
	}
}
