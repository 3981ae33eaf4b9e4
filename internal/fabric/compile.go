package fabric

import (
	"cmp"
	"maps"
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
	for _, v := range c.out.VPCs {
		c.names(v)
	}
	c.listeners() // after names: a resource may be one
	for _, v := range c.out.VPCs {
		c.links(v)
	}
	c.consumers()
	c.endpointConsumers()
	c.out.Hosts = c.hosts
	c.finish()
	return c.out
}

// Recompile is Compile(w), made of prev where w differs from the World of prev only in the given rows: what they do
// not touch is taken over. It costs what was touched, not what there is.
func Recompile(prev *Fabric, old, w world.World, changed []world.Change) *Fabric {
	rules, names, rest := split(changed)
	touched, all := touch(old, w, rest)
	ruled, _ := touch(old, w, rules)
	if !all {
		touched = withPeers(prev, touched)
	}
	for _, g := range prev.Gateways {
		all = all || touched[g.VPC] // what is behind a gateway may be named or addressed differently now
	}
	if all {
		return Compile(w)
	}
	c := newCompilation(w)
	named := c.rehosted(prev, old, names)
	c.out.endpoints = prev.endpoints
	for _, v := range prev.VPCs {
		if touched[v.ID] {
			continue
		}
		if ruled[v.ID] {
			v = c.reruled(v)
		}
		if named.about(v.ID) {
			v = c.renamed(v)
		}
		c.vpcs[v.ID] = v
		c.out.VPCs = append(c.out.VPCs, v)
	}
	c.out.Gateways, c.lattice = prev.Gateways, prev.lattice
	for _, g := range prev.Gateways {
		c.gateways[g.ID] = g
	}
	c.latticeMembers()
	c.latticeEndpoints()
	for id := range touched {
		if v, ok := w.VPCs.Get(id); ok {
			c.vpc(v)
			c.names(c.vpcs[id])
			c.links(c.vpcs[id])
		}
	}
	for _, h := range prev.Hosts {
		if !touched[h.VPC] {
			c.out.Hosts = append(c.out.Hosts, h)
		}
	}
	c.out.Hosts = append(c.out.Hosts, c.hosts...)
	c.finish()
	return c.out
}

// withPeers adds the VPCs that are joined with a touched one: their rules may name its groups.
func withPeers(f *Fabric, touched map[world.VPCID]bool) map[world.VPCID]bool {
	out := maps.Clone(touched)
	for _, v := range f.VPCs {
		if slices.ContainsFunc(v.Peerings, func(p PeerLink) bool { return touched[p.VPC] }) {
			out[v.ID] = true
		}
	}
	return out
}

// compilation is the state of one Compile: the World and what is being made of it.
type compilation struct {
	w        *world.World
	out      *Fabric
	vpcs     map[world.VPCID]*VPC
	gateways map[world.ResourceGatewayID]*Gateway
	hosts    []*Host
	zones    map[world.HostedZoneID]*Zone
	private  map[world.VPCID][]*Zone // the private ones of each VPC
	ill      map[world.HealthCheckID]bool

	resources    map[world.ServiceNetworkID][]world.ResourceAssociation // that are served
	associations map[world.VPCID][]world.VPCAssociation
	behind       map[world.EndpointID][]behind
	lattice      map[string]latticeNames // by region
}

func newCompilation(w world.World) *compilation {
	return &compilation{
		w: &w, out: &Fabric{Rev: w.Rev}, vpcs: map[world.VPCID]*VPC{}, gateways: map[world.ResourceGatewayID]*Gateway{},
	}
}

// finish puts what was made in order.
func (c *compilation) finish() {
	c.out.lattice, c.out.zones, c.out.ill = c.lattice, c.zones, c.ill
	slices.SortFunc(c.out.VPCs, func(a, b *VPC) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(c.out.Hosts, func(a, b *Host) int { return cmp.Compare(a.ID, b.ID) })
	c.public()
	c.nats()
	c.endpoints()
	c.resolvers()
}

// split takes the rows of security group rules and those of names apart from the rest: they are what changes most
// often, and nothing but the groups, or the names, of a VPC follows from them.
func split(changed []world.Change) (rules, names, rest []world.Change) {
	for _, ch := range changed {
		switch ch.Noun {
		case "security-group-rule":
			rules = append(rules, ch)
		case "hosted-zone", "record-set", "health-check", "health-observation":
			names = append(names, ch)
		default:
			rest = append(rest, ch)
		}
	}
	return rules, names, rest
}

// touch tells which VPCs the changed rows are about; all is true when that cannot be said.
func touch(old, w world.World, changed []world.Change) (vpcs map[world.VPCID]bool, all bool) {
	vpcs = map[world.VPCID]bool{}
	for _, ch := range changed {
		for _, in := range []*world.World{&old, &w} {
			id, about := vpcOf(in, ch)
			switch about {
			case aboutOne:
				vpcs[id] = true
			case aboutAll:
				return nil, true
			}
		}
	}
	return vpcs, false
}

type about int

const (
	aboutNone about = iota
	aboutOne
	aboutAll
)

// vpcOf is the VPC a row is about in the World in.
func vpcOf(in *world.World, ch world.Change) (world.VPCID, about) {
	switch ch.Noun {
	case "account", "access-key", "idempotency-token", "key-pair", "egress-only-internet-gateway", "flow-log", "subnet-cidr-reservation", "zone-authorization", "delegation-set", "access-log-subscription", "resource-policy", "log-group", "log-stream", "query-log-config",
		"managed-node", "node-session", "ssm-document", "ssm-parameter", "ssm-command",
		"network-insights-path", "network-insights-analysis", "network-insights-access-scope", "network-insights-access-scope-analysis":
		return "", aboutNone
	case "vpc":
		return world.VPCID(ch.ID), aboutOne
	case "security-group-rule":
		r, ok := in.SecurityGroupRules.Get(world.SecurityGroupRuleID(ch.ID))
		g, _ := in.SecurityGroups.Get(r.Group)
		return one(g.VPC, ok)
	case "subnet":
		r, ok := in.Subnets.Get(world.SubnetID(ch.ID))
		return one(r.VPC, ok)
	case "route-table":
		r, ok := in.RouteTables.Get(world.RouteTableID(ch.ID))
		return one(r.VPC, ok)
	case "network-acl":
		r, ok := in.NetworkACLs.Get(world.NetworkACLID(ch.ID))
		return one(r.VPC, ok)
	case "internet-gateway":
		r, ok := in.InternetGateways.Get(world.InternetGatewayID(ch.ID))
		return one(r.VPC, ok)
	case "nat-gateway":
		r, ok := in.NATGateways.Get(world.NATGatewayID(ch.ID))
		return one(r.VPC, ok)
	case "address":
		r, ok := in.Addresses.Get(world.AllocationID(ch.ID))
		return one(r.VPC, ok)
	case "security-group":
		r, ok := in.SecurityGroups.Get(world.SecurityGroupID(ch.ID))
		return one(r.VPC, ok)
	case "network-interface":
		r, ok := in.ENIs.Get(world.ENIID(ch.ID))
		return one(r.VPC, ok)
	case "resolver-endpoint":
		r, ok := in.ResolverEndpoints.Get(world.ResolverEndpointID(ch.ID))
		return one(r.VPC, ok)
	case "resolver-rule-association":
		r, ok := in.ResolverRuleAssociations.Get(world.ResolverRuleAssociationID(ch.ID))
		return one(r.VPC, ok)
	case "query-log-association":
		r, ok := in.QueryLogAssociations.Get(world.QueryLogAssociationID(ch.ID))
		return one(r.VPC, ok)
	case "instance":
		r, ok := in.Instances.Get(world.InstanceID(ch.ID))
		return one(r.VPC, ok)
	}
	return "", aboutAll
}

func one(v world.VPCID, ok bool) (world.VPCID, about) {
	if !ok || v == "" {
		return "", aboutNone
	}
	return v, aboutOne
}
