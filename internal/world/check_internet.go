package world

import "slices"

// internetGateway checks that a VPC has one gateway.
func (c *checker) internetGateway(id InternetGatewayID) error {
	g, _ := c.w.InternetGateways.Get(id)
	if g.VPC == "" {
		return nil
	}
	if !c.w.VPCs.Has(g.VPC) {
		return missing("vpc", string(g.VPC))
	}
	for o := range c.w.InternetGateways.In(string(g.VPC)) {
		if o.ID != id {
			return clash("internet-gateway", string(id), string(o.ID), "they are attached to the same VPC")
		}
	}
	return nil
}

// address checks that a public address is one of the range and nobody else's, and what it is associated with.
func (c *checker) address(id AllocationID) error {
	a, _ := c.w.Addresses.Get(id)
	if !PublicAddresses.Contains(a.Public) || ServiceAddresses.Contains(a.Public) {
		return broken("address", string(id), a.Public.String()+" is not a public address")
	}
	twice := func(o Address) error {
		return clash("address", string(id), string(o.ID), "they are the same address, or of the same one")
	}
	for o := range c.w.Addresses.In(publicKey(a.Public)) {
		if o.ID != id {
			return twice(o)
		}
	}
	if a.Association == "" {
		return nil
	}
	for o := range c.w.Addresses.In(string(a.ENI)) {
		if o.ID != id && o.Private == a.Private {
			return twice(o)
		}
	}
	e, ok := c.w.ENIs.Get(a.ENI)
	if !ok || e.VPC != a.VPC {
		return missing("network-interface", string(a.ENI))
	}
	if !slices.Contains(e.Addrs, a.Private) {
		return broken("address", string(id), a.Private.String()+" is no address of "+string(e.ID))
	}
	return nil
}

// publicOf checks the public addresses of a changed interface: the one it was given at launch is nobody else's, and the
// elastic ones stand for private addresses it still has.
func (c *checker) publicOf(e ENI) error {
	for a := range c.w.Addresses.In(string(e.ID)) {
		if !slices.Contains(e.Addrs, a.Private) {
			return &Error{Kind: InUse, Noun: "network-interface", ID: string(e.ID), By: string(a.ID)}
		}
	}
	if !e.Public.IsValid() {
		return nil
	}
	for o := range c.w.ENIs.In(publicKey(e.Public)) {
		if o.ID != e.ID {
			return clash("network-interface", string(e.ID), string(o.ID), "they have the same public address")
		}
	}
	if !PublicAddresses.Contains(e.Public) || ServiceAddresses.Contains(e.Public) || c.w.Addresses.Some(publicKey(e.Public)) {
		return clash("network-interface", string(e.ID), e.Public.String(), "its public address cannot be given out")
	}
	return nil
}

// natGateway checks that a gateway that works has its subnet, its interface and, when it is public, its address.
func (c *checker) natGateway(id NATGatewayID) error {
	g, _ := c.w.NATGateways.Get(id)
	if g.Failure != "" || !g.DeletedAt.IsZero() {
		return nil // it outlives its VPC
	}
	if s, ok := c.w.Subnets.Get(g.Subnet); !ok || s.VPC != g.VPC {
		return missing("subnet", string(g.Subnet))
	}
	if e, ok := c.w.ENIs.Get(g.ENI); !ok || e.NAT != id {
		return missing("network-interface", string(g.ENI))
	}
	if g.Deleting || g.Private {
		return nil
	}
	if a, ok := c.w.Addresses.Get(g.Allocation); !ok || a.ENI != g.ENI {
		return missing("address", string(g.Allocation))
	}
	return nil
}

// peering checks that an active peering joins two VPCs whose ranges do not overlap, and alone.
func (c *checker) peering(id PeeringID) error {
	p, _ := c.w.Peerings.Get(id)
	if !p.Active() {
		return nil
	}
	for _, s := range []PeeringSide{p.Requester, p.Accepter} {
		v, ok := c.w.VPCs.Get(s.VPC)
		if !ok || v.Account != s.Account || v.Region != s.Region {
			return missing("vpc", string(s.VPC))
		}
	}
	for o := range c.w.Peerings.In(string(p.Requester.VPC)) {
		if o.ID != id && o.Active() && o.Other(p.Requester.VPC).VPC == p.Accepter.VPC {
			return clash("vpc-peering-connection", string(id), string(o.ID), "they join the same VPCs")
		}
	}
	return c.apart(p)
}

// peeringsOf checks the active peerings of a changed VPC.
func (c *checker) peeringsOf(v VPCID) error {
	for p := range c.w.Peerings.In(string(v)) {
		if p.Active() {
			if err := c.apart(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// apart checks that the ranges of the VPCs of a peering do not overlap.
func (c *checker) apart(p Peering) error {
	a, _ := c.w.VPCs.Get(p.Requester.VPC)
	b, _ := c.w.VPCs.Get(p.Accepter.VPC)
	if a.Overlaps(b) {
		return clash("vpc-peering-connection", string(p.ID), string(b.ID), "the ranges of the VPCs overlap")
	}
	return nil
}

// peerGroup checks the group a rule names: one of the same VPC, or one of a VPC that was joined with it, or that was
// associated with it, when the rule was made.
func (c *checker) peerGroup(r SecurityGroupRule, g SecurityGroup) error {
	if r.PeerGroup == "" || r.PeerVPC != "" {
		return nil
	}
	if p, ok := c.w.SecurityGroups.Get(r.PeerGroup); !ok || p.VPC != g.VPC {
		return missing("security-group", string(r.PeerGroup))
	}
	return nil
}
