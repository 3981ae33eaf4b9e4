package world

import (
	"net/netip"
	"slices"
)

// Check holds the invariants between nouns: it is asked before every commit, with the World as it would become and
// the rows that differ, and its error refuses the commit. It looks at the rows that differ and at what shares a VPC with
// them, so its cost does not grow with the rest of the World.
//
// The invariants: what a row refers to exists and lies in the same VPC; ranges of subnets do not overlap; no address of
// a subnet is given out twice, and none that is reserved; indexes are unique; a VPC has one main route table; names
// that must be unique are; a row that others need is not deleted.
func Check(w World, changes []Change) error {
	c := &checker{w: &w}
	for _, ch := range changes {
		err := error(nil)
		if ch.Row == nil {
			err = c.deleted(ch.Noun, ch.ID)
		} else {
			err = c.put(ch.Noun, ch.ID)
		}
		if err != nil {
			return err
		}
	}
	return c.enis()
}

// checker checks one set of changes.
type checker struct {
	w       *World
	changed []ENI
}

func (c *checker) put(noun, id string) error {
	switch noun {
	case "vpc":
		return c.vpc(VPCID(id))
	case "subnet":
		return c.subnet(SubnetID(id))
	case "route-table":
		return c.routeTable(RouteTableID(id))
	case "security-group":
		return c.group(SecurityGroupID(id))
	case "security-group-rule":
		return c.rule(SecurityGroupRuleID(id))
	case "security-group-association":
		return c.groupAssociation(id)
	case "network-interface":
		return c.eni(ENIID(id))
	case "network-interface-permission":
		if p, _ := c.w.ENIPermissions.Get(ENIPermissionID(id)); !c.w.ENIs.Has(p.ENI) {
			return missing("network-interface", string(p.ENI))
		}
	case "instance":
		return c.instance(InstanceID(id))
	case "network-acl":
		return c.networkACL(NetworkACLID(id))
	case "subnet-cidr-reservation":
		return c.subnetReservation(SubnetReservationID(id))
	case "key-pair":
		return c.keyPair(KeyPairID(id))
	case "internet-gateway":
		return c.internetGateway(InternetGatewayID(id))
	case "egress-only-internet-gateway":
		if g, _ := c.w.EgressOnlyGateways.Get(EgressOnlyGatewayID(id)); !c.w.VPCs.Has(g.VPC) {
			return missing("vpc", string(g.VPC))
		}
	case "address":
		return c.address(AllocationID(id))
	case "nat-gateway":
		return c.natGateway(NATGatewayID(id))
	case "vpc-peering-connection":
		return c.peering(PeeringID(id))
	case "vpc-endpoint":
		return c.endpoint(EndpointID(id))
	case "vpc-endpoint-service":
		return c.endpointService(EndpointServiceID(id))
	case "load-balancer":
		return c.loadBalancer(LoadBalancerID(id))
	case "listener":
		return c.listener(ListenerID(id))
	case "target-group":
		return c.targetGroup(TargetGroupID(id))
	case "resolver-rule":
		return c.resolverRule(ResolverRuleID(id))
	case "resolver-rule-association":
		return c.ruleAssociation(ResolverRuleAssociationID(id))
	case "query-log-association":
		return c.queryLogAssociation(QueryLogAssociationID(id))
	case "service-network-vpc-association":
		return c.vpcAssociation(VPCAssociationID(id))
	case "vpc-endpoint-association":
		return c.endpointAssociation(EndpointAssociationID(id))
	case "service-network-resource-association":
		return c.resourceAssociation(ResourceAssociationID(id))
	case "resource-share-association":
		return c.shareAssociation(id)
	case "resource-share-invitation":
		return c.shareInvitation(ShareInvitationID(id))
	case "managed-node", "node-session", "ssm-document", "ssm-parameter", "ssm-command":
		return c.managed(noun, id)
	case "hosted-zone":
		return c.hostedZone(HostedZoneID(id))
	case "record-set":
		if z := RecordSetZone(id); !c.w.HostedZones.Has(z) {
			return missing("hosted-zone", string(z))
		}
	}
	return c.putIAM(noun, id)
}

// deleted checks that nothing needs a row that is gone.
func (c *checker) deleted(noun, id string) error {
	w := c.w
	used := func(by string, is bool) error {
		if !is {
			return nil
		}
		return &Error{Kind: InUse, Noun: noun, ID: id, By: by}
	}
	if by := c.resolverUses(noun, id); by != "" {
		return used(by, true)
	}
	switch noun {
	case "vpc":
		for by, any := range map[string]bool{
			"subnet": some(w.Subnets.In(id)), "route-table": some(w.RouteTables.In(id)), "network-acl": some(w.NetworkACLs.In(id)),
			"security-group": some(w.SecurityGroups.In(id)), "network-interface": some(w.ENIs.In(id)),
			"service-network-vpc-association": some(w.VPCAssociations.In(id)), "internet-gateway": some(w.InternetGateways.In(id)),
			"vpc-endpoint":                 some(w.Endpoints.In(id)),
			"load-balancer":                some(w.LoadBalancers.In(id)),
			"vpc-peering-connection":       slices.ContainsFunc(collect(w.Peerings.In(id)), Peering.Active),
			"lattice-target-group":         some(w.LatticeTargetGroups.In(id)),
			"resource-gateway":             w.ResourceGateways.Some(id),
			"security-group-association":   some(w.GroupAssociations.In(id)),
			"egress-only-internet-gateway": some(w.EgressOnlyGateways.In(id)),
		} {
			if any {
				return used(by, true)
			}
		}
	case "subnet":
		if some(w.SubnetReservations.In(id)) {
			return used("subnet-cidr-reservation", true)
		}
		return used("network-interface", w.ENIs.Some(id))
	case "security-group":
		if some(w.SecurityGroupRules.In(id)) {
			return used("security-group-rule", true)
		}
		if w.VPCAssociations.Some(id) {
			return used("service-network-vpc-association", true)
		}
		if w.Endpoints.Some(id) {
			return used("vpc-endpoint", true)
		}
		if w.GroupAssociations.Some(id) {
			return used("security-group-association", true)
		}
		return used("network-interface", w.ENIs.Some(id))
	case "security-group-association":
		return used("network-interface", c.carriedStill(id))
	case "network-interface":
		if some(w.ENIPermissions.In(id)) {
			return used("network-interface-permission", true)
		}
		return used("address", w.Addresses.Some(id))
	case "hosted-zone":
		return used("record-set", some(w.RecordSetsOf(HostedZoneID(id))))
	case "network-acl":
		return used("subnet", w.Subnets.Some(id))
	case "service-network", "resource-configuration":
		return used("resource-share-association", w.ShareAssociations.Some(id))
	case "resource-share":
		return used("resource-share-association", w.ShareAssociations.Some(id) || w.ShareInvitations.Some(id))
	case "instance":
		return used("network-interface", w.ENIs.Some(id))
	case "load-balancer", "target-group":
		return used("listener", w.Listeners.Some(id))
	}
	return c.orphans(noun)
}

// some tells whether a sequence has an element.
func some[V any](seq func(func(V) bool)) bool {
	for range seq {
		return true
	}
	return false
}

func missing(noun, id string) error { return &Error{Kind: NotFound, Noun: noun, ID: id} }

func broken(noun, id, why string) error {
	return &Error{Kind: Invalid, Noun: noun, ID: id, Message: why}
}

func clash(noun, id, with, why string) error {
	return &Error{Kind: Conflict, Noun: noun, ID: id, By: with, Message: why}
}

func (c *checker) vpc(id VPCID) error {
	v, _ := c.w.VPCs.Get(id)
	if len(v.CIDRs) == 0 {
		return broken("vpc", string(id), "it has no range")
	}
	for i, a := range v.CIDRs {
		for _, b := range v.CIDRs[:i] {
			if a.CIDR.Overlaps(b.CIDR) {
				return clash("vpc", string(id), b.ID, "its ranges overlap")
			}
		}
	}
	return c.peeringsOf(id)
}

func (c *checker) subnet(id SubnetID) error {
	s, _ := c.w.Subnets.Get(id)
	v, ok := c.w.VPCs.Get(s.VPC)
	if !ok {
		return missing("vpc", string(s.VPC))
	}
	if !slices.ContainsFunc(v.CIDRs, func(a CIDRAssociation) bool { return inside(a.CIDR, s.CIDR) }) {
		return broken("subnet", string(id), "its range is not one of the VPC's")
	}
	for o := range c.w.Subnets.In(string(s.VPC)) {
		if o.ID != s.ID && o.CIDR.Overlaps(s.CIDR) {
			return &Error{Kind: Conflict, Noun: "subnet", ID: s.CIDR.String(), By: string(o.ID)}
		}
	}
	if a, ok := c.w.NetworkACLs.Get(s.NetworkACL); s.NetworkACL != "" && (!ok || a.VPC != s.VPC) {
		return missing("network-acl", string(s.NetworkACL))
	}
	return nil
}

func inside(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

func (c *checker) routeTable(id RouteTableID) error {
	t, _ := c.w.RouteTables.Get(id)
	if !c.w.VPCs.Has(t.VPC) {
		return missing("vpc", string(t.VPC))
	}
	mains, users := 0, map[SubnetID]bool{}
	for o := range c.w.RouteTables.In(string(t.VPC)) {
		if o.ID != t.ID && o.Index == t.Index {
			return clash("route-table", string(id), string(o.ID), "they have the same index")
		}
		if o.Main {
			mains++
		}
		for _, a := range o.Associations {
			if users[a.Subnet] {
				return clash("route-table", string(id), string(a.Subnet), "two associations for one subnet")
			}
			users[a.Subnet] = true
		}
	}
	if mains != 1 {
		return broken("route-table", string(id), "a VPC has one main route table")
	}
	for _, a := range t.Associations {
		if s, ok := c.w.Subnets.Get(a.Subnet); a.Subnet != "" && (!ok || s.VPC != t.VPC) {
			return missing("subnet", string(a.Subnet))
		}
	}
	return nil
}

func (c *checker) group(id SecurityGroupID) error {
	g, _ := c.w.SecurityGroups.Get(id)
	if !c.w.VPCs.Has(g.VPC) {
		return missing("vpc", string(g.VPC))
	}
	for o := range c.w.SecurityGroups.In(string(g.VPC)) {
		if o.ID != g.ID && o.Name == g.Name {
			return &Error{Kind: Conflict, Noun: "security-group", ID: g.Name, By: string(g.VPC)}
		}
	}
	return nil
}

func (c *checker) rule(id SecurityGroupRuleID) error {
	r, _ := c.w.SecurityGroupRules.Get(id)
	g, ok := c.w.SecurityGroups.Get(r.Group)
	if !ok {
		return missing("security-group", string(r.Group))
	}
	peers := 0
	for _, is := range []bool{r.CIDR.IsValid(), r.PeerGroup != "", r.PeerList != ""} {
		if is {
			peers++
		}
	}
	if peers != 1 {
		return broken("security-group-rule", string(id), "a rule has one peer")
	}
	return c.peerGroup(r, g)
}

func (c *checker) instance(id InstanceID) error {
	i, _ := c.w.Instances.Get(id)
	if i.Power == Terminated {
		return nil // it outlives its VPC
	}
	if s, ok := c.w.Subnets.Get(i.Subnet); !ok || s.VPC != i.VPC {
		return missing("subnet", string(i.Subnet))
	}
	return nil
}

func (c *checker) keyPair(id KeyPairID) error {
	k, _ := c.w.KeyPairs.Get(id)
	for o := range c.w.KeyPairs.In(k.Keys()[0]) {
		if o.ID != id {
			return &Error{Kind: Conflict, Noun: "key-pair", ID: k.Name}
		}
	}
	return nil
}

func (c *checker) vpcAssociation(id VPCAssociationID) error {
	a, _ := c.w.VPCAssociations.Get(id)
	if a.Deleting {
		return nil
	}
	if !c.w.VPCs.Has(a.VPC) {
		return missing("vpc", string(a.VPC))
	}
	return c.consumer("service-network-vpc-association", string(id), a.Index)
}

func (c *checker) resourceAssociation(id ResourceAssociationID) error {
	a, _ := c.w.ResourceAssociations.Get(id)
	if a.Deleting || !a.Addr.IsValid() {
		return nil
	}
	for o := range c.w.ResourceAssociations.In(keyAddress + a.Addr.String()) {
		if o.ID != id {
			return clash("service-network-resource-association", string(id), string(o.ID), "they have the same address")
		}
	}
	return nil
}
