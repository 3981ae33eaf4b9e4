package world

// endpoint checks that an endpoint that works has its VPC, its subnets, one interface at least in each, and its route
// tables; and that no other has a route for its service in one of these.
func (c *checker) endpoint(id EndpointID) error {
	e, _ := c.w.Endpoints.Get(id)
	if e.Index != 0 {
		if err := c.consumer("vpc-endpoint", string(id), e.Index); err != nil {
			return err
		}
	}
	if !e.Works() {
		return nil
	}
	if !c.w.VPCs.Has(e.VPC) {
		return missing("vpc", string(e.VPC))
	}
	has := map[SubnetID]bool{}
	for _, n := range c.w.ENIsOfEndpoint(id) {
		has[n.Subnet] = true
	}
	for _, s := range e.Subnets {
		if n, ok := c.w.Subnets.Get(s); !ok || n.VPC != e.VPC {
			return missing("subnet", string(s))
		}
		if !has[s] {
			return broken("vpc-endpoint", string(id), "it has no interface in "+string(s))
		}
	}
	taken := map[RouteTableID]EndpointID{}
	for o := range c.w.Endpoints.In(string(e.VPC)) {
		for _, t := range o.RouteTables {
			if o.ID != id && o.Works() && o.Service == e.Service {
				taken[t] = o.ID
			}
		}
	}
	for _, t := range e.RouteTables {
		if r, ok := c.w.RouteTables.Get(t); !ok || r.VPC != e.VPC {
			return missing("route-table", string(t))
		}
		if o, ok := taken[t]; ok {
			return clash("vpc-endpoint", string(id), string(o), "they have a route in the same table")
		}
	}
	return nil
}
