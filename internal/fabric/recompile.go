package fabric

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"kumiko/internal/world"
)

// Recompile is Compile(w), made of prev where w differs from old, the World of prev, only in the given rows: what they do
// not touch is taken over. It costs what was touched, not what there is.
func Recompile(prev *Fabric, old, w world.World, changed []world.Change) *Fabric {
	rules, names, rest := split(changed)
	touched, all := touch(&old, &w, rest)
	ruled, _ := touch(&old, &w, rules)
	for _, g := range prev.Gateways {
		all = all || touched[g.VPC] && !w.VPCs.Has(g.VPC)
	}
	if all {
		return Compile(w)
	}
	c := newCompilation(w)
	named := c.rehosted(prev, old, names)
	c.out.endpoints, c.lattice = prev.endpoints, prev.lattice
	c.out.VPCs = slices.Clone(prev.VPCs)
	for i, v := range c.out.VPCs {
		if ruled[v.ID] {
			v = c.reruled(v)
		}
		if named.about(v.ID) {
			v = c.renamed(v)
		}
		c.out.VPCs[i] = v
	}
	if len(touched) == 0 {
		c.takeRest(prev)
		return c.out
	}
	c.retouch(prev, old, withPeers(prev, touched))
	return c.out
}

// takeRest takes over all but the VPCs.
func (c *compilation) takeRest(prev *Fabric) {
	c.out.Gateways, c.out.Hosts, c.out.NATs, c.out.Endpoints = prev.Gateways, prev.Hosts, prev.NATs, prev.Endpoints
	c.out.Resolvers, c.out.Public = prev.Resolvers, prev.Public
	c.out.Services, c.out.TargetGroups = prev.Services, prev.TargetGroups
	c.out.lattice, c.out.zones, c.out.ill = c.lattice, c.zones, c.ill
}

// retouch makes the touched VPCs anew, and what follows from them; the rest is taken over.
func (c *compilation) retouch(prev *Fabric, old world.World, touched map[world.VPCID]bool) {
	c.out.VPCs = slices.DeleteFunc(c.out.VPCs, func(v *VPC) bool { return touched[v.ID] })
	for id := range touched {
		if v, ok := c.w.VPCs.Get(id); ok {
			c.vpc(v)
		}
	}
	for _, g := range prev.Gateways {
		if !touched[g.VPC] {
			c.out.Gateways, c.gateways[g.ID] = append(c.out.Gateways, g), g
		}
	}
	c.resourceGateways()
	slices.SortFunc(c.out.Gateways, func(a, b *Gateway) int { return cmp.Compare(a.ID, b.ID) })
	c.latticeMembers()
	c.latticeEndpoints()
	c.rehost(prev, old, touched)
	keep(&c.out.NATs, prev.NATs, func(n *NAT) bool { return !touched[n.VPC] })
	keep(&c.out.Endpoints, prev.Endpoints, func(e *Endpoint) bool { return !touched[e.VPC] })
	keep(&c.out.Resolvers, prev.Resolvers, func(e *ResolverEndpoint) bool { return !touched[e.VPC] })
	keep(&c.out.Public.Uplinks, prev.Public.Uplinks, func(u PublicUplink) bool { return !touched[u.VPC] })
	c.finish()
}

// keep adds those of the values of before that remain.
func keep[T any](to *[]T, before []T, remains func(T) bool) {
	for _, v := range before {
		if remains(v) {
			*to = append(*to, v)
		}
	}
}

// rehost adds the hosts of the VPCs that are not touched to those that were made; when all are as before, they are the
// same list.
func (c *compilation) rehost(prev *Fabric, old world.World, touched map[world.VPCID]bool) {
	before := 0
	for id := range touched {
		for i := range old.Instances.In(string(id)) {
			if prev.host(i.ID) != nil {
				before++
			}
		}
	}
	same := before == len(c.out.Hosts)
	for i, h := range c.out.Hosts {
		if was := prev.host(h.ID); was != nil && reflect.DeepEqual(was, h) {
			c.out.Hosts[i] = was
		} else {
			same = false
		}
	}
	if same {
		c.out.Hosts = prev.Hosts
		return
	}
	keep(&c.out.Hosts, prev.Hosts, func(h *Host) bool { return !touched[h.VPC] })
}

// host finds a host of the fabric; nil when it is not there.
func (f *Fabric) host(id world.InstanceID) *Host {
	i, ok := slices.BinarySearchFunc(f.Hosts, id, func(h *Host, id world.InstanceID) int { return cmp.Compare(h.ID, id) })
	if !ok {
		return nil
	}
	return f.Hosts[i]
}

// withPeers adds the VPCs that are joined with a touched one: their rules may name its groups.
func withPeers(f *Fabric, touched map[world.VPCID]bool) map[world.VPCID]bool {
	out := maps.Clone(touched)
	for id := range touched {
		v := f.VPC(id)
		if v == nil {
			continue
		}
		for _, p := range v.Peerings {
			out[p.VPC] = true
		}
	}
	return out
}

// split takes the rows of security group rules and those of names apart from the rest: they are what changes most
// often, and nothing but the groups, or the names, of a VPC follows from them. An elastic address is a name's as well.
func split(changed []world.Change) (rules, names, rest []world.Change) {
	for _, ch := range changed {
		switch ch.Noun {
		case "security-group-rule":
			rules = append(rules, ch)
		case "hosted-zone", "record-set", "health-check", "health-observation":
			names = append(names, ch)
		case "address":
			names, rest = append(names, ch), append(rest, ch)
		default:
			rest = append(rest, ch)
		}
	}
	return rules, names, rest
}

// touch tells which VPCs the changed rows are about; all is true when that cannot be said.
func touch(old, w *world.World, changed []world.Change) (vpcs map[world.VPCID]bool, all bool) {
	vpcs = map[world.VPCID]bool{}
	for _, ch := range changed {
		for _, in := range []*world.World{old, w} {
			if ch.Noun == "vpc-peering-connection" {
				p, _ := in.Peerings.Get(world.PeeringID(ch.ID))
				vpcs[p.Requester.VPC], vpcs[p.Accepter.VPC] = true, true
				continue
			}
			for _, v := range elsewhere(in, ch) {
				vpcs[v] = true
			}
			id, known := vpcOf(in, ch)
			if !known {
				return nil, true
			}
			vpcs[id] = true
		}
	}
	delete(vpcs, "")
	return vpcs, false
}

// elsewhere are the VPCs besides its own that a row is about: those a group is associated with, and the ones at the two
// ends of the cable of an interface.
func elsewhere(in *world.World, ch world.Change) (out []world.VPCID) {
	switch ch.Noun {
	case "network-interface":
		e, _ := in.ENIs.Get(world.ENIID(ch.ID))
		i, _ := in.Instances.Get(e.Attachment.Instance)
		return []world.VPCID{i.VPC}
	case "instance":
		for e := range in.ENIs.In(ch.ID) {
			out = append(out, e.VPC)
		}
	}
	if g, ok := groupOf(in, ch); ok {
		for a := range in.GroupAssociations.In(string(g)) {
			out = append(out, a.VPC)
		}
	}
	return out
}

// groupOf is the security group that a row is or is a rule of.
func groupOf(in *world.World, ch world.Change) (world.SecurityGroupID, bool) {
	switch ch.Noun {
	case "security-group":
		return world.SecurityGroupID(ch.ID), true
	case "security-group-rule":
		r, ok := in.SecurityGroupRules.Get(world.SecurityGroupRuleID(ch.ID))
		return r.Group, ok
	}
	return "", false
}

// vpcOf is the VPC a row is about in the World in, none when the row is not there or no network depends on it; false
// when it may be about any.
func vpcOf(in *world.World, ch world.Change) (world.VPCID, bool) {
	switch ch.Noun {
	case "account", "access-key", "idempotency-token", "key-pair", "egress-only-internet-gateway", "flow-log", "subnet-cidr-reservation",
		"network-interface-permission",
		"zone-authorization", "delegation-set", "access-log-subscription", "resource-policy", "log-group", "log-stream", "query-log-config",
		"managed-node", "node-session", "ssm-document", "ssm-parameter", "ssm-command", "iam-user", "iam-group", "iam-role", "iam-policy", "instance-profile",
		"network-insights-path", "network-insights-analysis", "network-insights-access-scope", "network-insights-access-scope-analysis":
		return "", true
	case "vpc":
		return world.VPCID(ch.ID), true
	case "security-group-rule":
		r, _ := in.SecurityGroupRules.Get(world.SecurityGroupRuleID(ch.ID))
		g, _ := in.SecurityGroups.Get(r.Group)
		return g.VPC, true
	case "subnet":
		r, _ := in.Subnets.Get(world.SubnetID(ch.ID))
		return r.VPC, true
	case "route-table":
		r, _ := in.RouteTables.Get(world.RouteTableID(ch.ID))
		return r.VPC, true
	case "network-acl":
		r, _ := in.NetworkACLs.Get(world.NetworkACLID(ch.ID))
		return r.VPC, true
	case "internet-gateway":
		r, _ := in.InternetGateways.Get(world.InternetGatewayID(ch.ID))
		return r.VPC, true
	case "nat-gateway":
		r, _ := in.NATGateways.Get(world.NATGatewayID(ch.ID))
		return r.VPC, true
	case "address":
		r, _ := in.Addresses.Get(world.AllocationID(ch.ID))
		return r.VPC, true
	case "security-group":
		r, _ := in.SecurityGroups.Get(world.SecurityGroupID(ch.ID))
		return r.VPC, true
	case "security-group-association":
		r, _ := in.GroupAssociations.Get(ch.ID)
		return r.VPC, true
	case "network-interface":
		r, _ := in.ENIs.Get(world.ENIID(ch.ID))
		return r.VPC, true
	case "resolver-endpoint":
		r, _ := in.ResolverEndpoints.Get(world.ResolverEndpointID(ch.ID))
		return r.VPC, true
	case "resolver-rule-association":
		r, _ := in.ResolverRuleAssociations.Get(world.ResolverRuleAssociationID(ch.ID))
		return r.VPC, true
	case "query-log-association":
		r, _ := in.QueryLogAssociations.Get(world.QueryLogAssociationID(ch.ID))
		return r.VPC, true
	case "instance":
		r, _ := in.Instances.Get(world.InstanceID(ch.ID))
		return r.VPC, true
	}
	return "", false
}
