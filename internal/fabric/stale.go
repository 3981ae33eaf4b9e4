package fabric

import (
	"reflect"

	"kumiko/internal/world"
)

// stale is what rows that changed are about: what of a fabric must be made anew.
type stale struct {
	old, now  *world.World
	all       bool
	vpcs      map[world.VPCID]*staleVPC
	lattice   bool // service networks, and what is in them and leads to them
	balancers bool // load balancers, and what leads to them
	endpoints map[world.EndpointID]bool
	names     []world.Change // rows of Route 53
}

// staleVPC is what of a VPC must be made anew.
type staleVPC struct {
	all bool // and its attributes

	subnets, peerings, uplink bool
	gates                     bool
	resolvers, endpoints      bool
	forwards                  bool // Resolver rules

	enis       map[world.ENIID]bool
	foreign    map[world.ENIID]bool // of VPCs it is joined with
	acls       map[world.NetworkACLID]bool
	tables     map[world.RouteTableID]bool
	groups     map[world.SecurityGroupID]bool
	associated map[world.SecurityGroupID]bool // those that the association with this VPC changed of
	rules      map[world.SecurityGroupID]map[world.SecurityGroupRuleID]bool
	carried    map[world.SecurityGroupID]bool // who carries them
	hosts      map[world.InstanceID]bool
	allHosts   bool
}

// everything is stale when there was nothing before.
func everything() *stale {
	none := &world.World{}
	return &stale{all: true, lattice: true, balancers: true, old: none, now: none}
}

// vpc is what is stale of a VPC; nil when nothing is.
func (s *stale) vpc(id world.VPCID) *staleVPC {
	if s.all {
		return &staleVPC{all: true}
	}
	return s.vpcs[id]
}

// of is what is stale of a VPC, to be added to.
func (s *stale) of(id world.VPCID) *staleVPC {
	v := s.vpcs[id]
	if v == nil {
		v = &staleVPC{}
		s.vpcs[id] = v
	}
	return v
}

// someHosts tells whether hosts are stale.
func (s *stale) someHosts() bool {
	for _, v := range s.vpcs {
		if v.all || v.allHosts || len(v.hosts) > 0 {
			return true
		}
	}
	return s.all
}

// leadOn makes the load balancers stale when their targets may be: instances and addresses of a VPC that has some.
func (s *stale) leadOn() {
	for id, v := range s.vpcs {
		for _, in := range []*world.World{s.old, s.now} {
			s.balancers = s.balancers || (v.all || v.subnets || len(v.enis)+len(v.hosts) > 0) && in.LoadBalancers.Some(string(id))
		}
	}
}

// note adds an id to a set.
func note[K comparable](set *map[K]bool, id K) {
	if *set == nil {
		*set = map[K]bool{}
	}
	(*set)[id] = true
}

// mark notes what a changed row is about, in the World before and in the one now.
func (s *stale) mark(ch world.Change) {
	switch ch.Noun {
	case "hosted-zone", "record-set", "health-check", "health-observation":
		s.names = append(s.names, ch)
		return
	case "service-network", "service-network-vpc-association", "service-network-resource-association", "resource-configuration", "vpc-endpoint-association":
		s.lattice = true
		return
	case "load-balancer", "listener", "target-group", "target-observation":
		s.balancers = true
	case "address":
		s.names = append(s.names, ch) // it may have one
	}
	about, ok := marks[ch.Noun]
	if !ok {
		if !apart[ch.Noun] {
			s.all, s.lattice, s.balancers = true, true, true
		}
		return
	}
	for _, in := range []*world.World{s.old, s.now} {
		about(s, in, ch.ID)
	}
}

// naming marks the rows that name another: what is made of them is made of that as well.
func (s *stale) naming(in *world.World, id string) {
	for e := range in.ENIs.In(id) {
		s.eni(in, e)
	}
	for t := range in.RouteTables.In(id) {
		note(&s.of(t.VPC).tables, t.ID)
	}
	for r := range in.SecurityGroupRules.In(id) {
		s.rule(in, r)
	}
}

// apart are the nouns that no network depends on.
var apart = map[string]bool{
	"account": true, "access-key": true, "idempotency-token": true, "key-pair": true, "egress-only-internet-gateway": true, "network-interface-permission": true, "flow-log": true,
	"subnet-cidr-reservation": true, "zone-authorization": true, "delegation-set": true, "access-log-subscription": true, "resource-policy": true,
	"log-group": true, "log-stream": true, "query-log-config": true, "managed-node": true, "node-session": true,
	"ssm-document": true, "ssm-parameter": true, "ssm-command": true, "iam-user": true, "iam-group": true, "iam-role": true, "iam-policy": true,
	"instance-profile": true, "network-insights-path": true, "network-insights-analysis": true, "network-insights-access-scope": true,
	"network-insights-access-scope-analysis": true, "instance-metadata-defaults": true, "resource-share": true, "resource-share-association": true,
	"resource-share-invitation": true,
}

// marks say what a row of each noun is about; all depends on a noun that is neither here nor apart.
var marks = map[string]func(s *stale, in *world.World, id string){
	"vpc":     (*stale).attributes,
	"address": (*stale).address,
	"subnet": func(s *stale, in *world.World, id string) {
		if r, ok := in.Subnets.Get(world.SubnetID(id)); ok {
			s.of(r.VPC).subnets = true
		}
	},
	"route-table": (*stale).table,
	"network-acl": func(s *stale, in *world.World, id string) {
		if r, ok := in.NetworkACLs.Get(world.NetworkACLID(id)); ok {
			note(&s.of(r.VPC).acls, r.ID)
		}
	},
	"security-group": func(s *stale, in *world.World, id string) {
		if g, ok := in.SecurityGroups.Get(world.SecurityGroupID(id)); ok {
			for _, v := range carriers(in, g) {
				note(&s.of(v).groups, g.ID)
				s.carried(in, v, g.ID)
			}
		}
	},
	"security-group-rule": func(s *stale, in *world.World, id string) {
		if r, ok := in.SecurityGroupRules.Get(world.SecurityGroupRuleID(id)); ok {
			s.rule(in, r)
		}
	},
	"network-interface": func(s *stale, in *world.World, id string) {
		if e, ok := in.ENIs.Get(world.ENIID(id)); ok {
			s.eni(in, e)
		}
	},
	"instance": func(s *stale, in *world.World, id string) {
		if i, ok := in.Instances.Get(world.InstanceID(id)); ok {
			note(&s.of(i.VPC).hosts, i.ID)
		}
		s.naming(in, id)
	},
	"prefix-list": (*stale).naming,
	"nat-gateway": (*stale).naming,
	"internet-gateway": func(s *stale, in *world.World, id string) {
		if g, ok := in.InternetGateways.Get(world.InternetGatewayID(id)); ok && g.VPC != "" {
			s.of(g.VPC).uplink = true
		}
		s.naming(in, id)
	},
	"vpc-peering-connection": func(s *stale, in *world.World, id string) {
		if p, ok := in.Peerings.Get(world.PeeringID(id)); ok {
			s.of(p.Requester.VPC).peerings, s.of(p.Accepter.VPC).peerings = true, true
		}
		s.naming(in, id)
	},
	"dhcp-options": func(s *stale, in *world.World, id string) {
		for v := range in.VPCs.In(id) {
			s.of(v.ID).allHosts = true
		}
	},
	"resource-gateway": func(s *stale, in *world.World, id string) {
		s.lattice = true
		s.naming(in, id)
	},
	"load-balancer":      (*stale).naming,
	"listener":           func(*stale, *world.World, string) {},
	"target-group":       func(*stale, *world.World, string) {},
	"target-observation": func(*stale, *world.World, string) {},
	"vpc-endpoint":       (*stale).endpoint,
	"vpc-endpoint-service": func(s *stale, in *world.World, id string) {
		for e := range in.Endpoints.In(id) {
			s.endpoint(in, string(e.ID))
		}
	},
	"security-group-association": func(s *stale, in *world.World, id string) {
		if a, ok := in.GroupAssociations.Get(id); ok {
			note(&s.of(a.VPC).groups, a.Group)
			note(&s.of(a.VPC).associated, a.Group)
		}
	},
	"resolver-endpoint": func(s *stale, in *world.World, id string) {
		if e, ok := in.ResolverEndpoints.Get(world.ResolverEndpointID(id)); ok {
			s.of(e.VPC).resolvers = true
		}
		s.naming(in, id)
	},
	"resolver-rule": func(s *stale, in *world.World, id string) {
		for a := range in.ResolverRuleAssociations.In(id) {
			s.of(a.VPC).forwards = true
		}
	},
	"resolver-rule-association": func(s *stale, in *world.World, id string) {
		if a, ok := in.ResolverRuleAssociations.Get(world.ResolverRuleAssociationID(id)); ok {
			s.of(a.VPC).forwards = true
		}
	},
	"query-log-association": func(s *stale, in *world.World, id string) {
		if a, ok := in.QueryLogAssociations.Get(world.QueryLogAssociationID(id)); ok {
			s.of(a.VPC).forwards = true
		}
	},
}

// attributes marks a VPC of which something else differs than the numbers it gives to its ENIs and route tables, and what
// those it is joined with know of it.
func (s *stale) attributes(in *world.World, id string) {
	old, had := s.old.VPCs.Get(world.VPCID(id))
	now, has := s.now.VPCs.Get(world.VPCID(id))
	now.NextPort, now.NextTable = old.NextPort, old.NextTable
	if had == has && reflect.DeepEqual(old, now) {
		return
	}
	s.of(world.VPCID(id)).all = true
	for p := range in.Peerings.In(id) {
		s.of(p.Other(world.VPCID(id)).VPC).peerings = true
	}
}

func (s *stale) address(in *world.World, id string) {
	a, _ := in.Addresses.Get(world.AllocationID(id))
	if e, ok := in.ENIs.Get(a.ENI); ok {
		s.eni(in, e)
	}
}

// table marks a route table, and the subnets if it is for others.
func (s *stale) table(in *world.World, id string) {
	t, ok := in.RouteTables.Get(world.RouteTableID(id))
	if !ok {
		return
	}
	v := s.of(t.VPC)
	note(&v.tables, t.ID)
	old, _ := s.old.RouteTables.Get(t.ID)
	now, _ := s.now.RouteTables.Get(t.ID)
	v.subnets = v.subnets || old.Main != now.Main || old.Index != now.Index || !reflect.DeepEqual(old.Associations, now.Associations)
}

func (s *stale) rule(in *world.World, r world.SecurityGroupRule) {
	g, ok := in.SecurityGroups.Get(r.Group)
	if !ok {
		return
	}
	for _, id := range carriers(in, g) {
		v := s.of(id)
		if v.rules == nil {
			v.rules = map[world.SecurityGroupID]map[world.SecurityGroupRuleID]bool{}
		}
		rules := v.rules[g.ID]
		note(&rules, r.ID)
		v.rules[g.ID] = rules
		note(&v.groups, g.ID)
	}
}

// carriers are the VPCs whose ENIs may carry a group: its own, and those it is associated with.
func carriers(in *world.World, g world.SecurityGroup) []world.VPCID {
	out := []world.VPCID{g.VPC}
	for a := range in.GroupAssociations.In(string(g.ID)) {
		out = append(out, a.VPC)
	}
	return out
}

// eni marks an ENI, and what is made of it.
func (s *stale) eni(in *world.World, e world.ENI) {
	v := s.of(e.VPC)
	note(&v.enis, e.ID)
	for sibling := range in.ENIs.In(string(e.Gateway)) { // they are numbered
		note(&v.enis, sibling.ID)
	}
	if i, ok := in.Instances.Get(e.Attachment.Instance); ok { // which may be of another VPC
		note(&s.of(i.VPC).hosts, i.ID)
	}
	s.balancers = s.balancers || e.Balancer != ""
	s.carried(in, e.VPC, e.Groups...)
	for _, id := range []string{string(e.ID), string(e.NAT)} {
		for t := range in.RouteTables.In(id) {
			note(&s.of(t.VPC).tables, t.ID)
		}
	}
	for p := range in.Peerings.In(string(e.VPC)) {
		note(&s.of(p.Other(e.VPC).VPC).foreign, e.ID)
	}
	if e.Endpoint != "" {
		note(&s.endpoints, e.Endpoint)
		v.endpoints = true
		p, _ := in.Endpoints.Get(e.Endpoint)
		s.balancers = s.balancers || p.Provider != ""
	}
}

// carried marks groups whose carriers are not the same, in their VPC and in those joined with it.
func (s *stale) carried(in *world.World, vpc world.VPCID, groups ...world.SecurityGroupID) {
	for _, g := range groups {
		note(&s.of(vpc).carried, g)
	}
	for p := range in.Peerings.In(string(vpc)) {
		for _, g := range groups {
			note(&s.of(p.Other(vpc).VPC).carried, g)
		}
	}
}

// endpoint marks a VPC endpoint, and the tables that lead to it.
func (s *stale) endpoint(in *world.World, id string) {
	e, ok := in.Endpoints.Get(world.EndpointID(id))
	if !ok {
		return
	}
	v := s.of(e.VPC)
	v.endpoints, v.gates = true, v.gates || e.Type == world.EndpointGateway
	note(&s.endpoints, e.ID)
	for _, t := range e.RouteTables {
		note(&v.tables, t)
	}
	s.lattice, s.balancers = s.lattice || e.Lattice(), s.balancers || e.Provider != ""
	s.naming(in, id)
}
