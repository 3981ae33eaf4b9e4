package world

// loadBalancer checks that a load balancer has its VPC, and one interface in each of its subnets, which are in zones of
// their own, and that its name is its alone.
func (c *checker) loadBalancer(id LoadBalancerID) error {
	b, _ := c.w.LoadBalancers.Get(id)
	if b.Deleting {
		if c.w.EndpointServices.Some(string(id)) {
			return &Error{Kind: InUse, Noun: "load-balancer", ID: string(id), By: "vpc-endpoint-service"}
		}
		return nil
	}
	if !c.w.VPCs.Has(b.VPC) {
		return missing("vpc", string(b.VPC))
	}
	for o := range c.w.LoadBalancers.In(b.Keys()[0]) {
		if o.ID != id && !o.Deleting {
			return clash("load-balancer", string(id), string(o.ID), "they have the same name")
		}
	}
	has := map[SubnetID]int{}
	for _, e := range c.w.ENIsOfBalancer(id) {
		if !e.Deleting {
			has[e.Subnet]++
		}
	}
	zones := map[string]bool{}
	for _, s := range b.Subnets {
		n, ok := c.w.Subnets.Get(s)
		switch {
		case !ok || n.VPC != b.VPC:
			return missing("subnet", string(s))
		case has[s] != 1:
			return broken("load-balancer", string(id), "it has not one interface in "+string(s))
		case zones[n.Zone]:
			return broken("load-balancer", string(id), "two of its subnets are in "+n.Zone)
		}
		zones[n.Zone] = true
	}
	return nil
}

// listener checks that a listener has its load balancer and its group, which no other load balancer uses, and its port
// for itself.
func (c *checker) listener(id ListenerID) error {
	l, _ := c.w.Listeners.Get(id)
	if !c.w.LoadBalancers.Has(l.Balancer) {
		return missing("load-balancer", string(l.Balancer))
	}
	if !c.w.TargetGroups.Has(l.Group) {
		return missing("target-group", string(l.Group))
	}
	for o := range c.w.Listeners.In(string(l.Group)) {
		if o.Balancer != l.Balancer {
			return clash("listener", string(id), string(o.ID), "their load balancers use the same target group")
		}
	}
	for o := range c.w.Listeners.In(string(l.Balancer)) {
		if o.ID != id && o.Port == l.Port {
			return clash("listener", string(id), string(o.ID), "they have the same port")
		}
	}
	return nil
}

// targetGroup checks that a group's name is its alone.
func (c *checker) targetGroup(id TargetGroupID) error {
	g, _ := c.w.TargetGroups.Get(id)
	for o := range c.w.TargetGroups.In(g.Keys()[0]) {
		if o.ID != id {
			return clash("target-group", string(id), string(o.ID), "they have the same name")
		}
	}
	return nil
}
