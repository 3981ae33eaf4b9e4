package nft

import (
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// Names of the maps that lead interfaces to the ACLs of their subnets.
const (
	mapACLOut = "acl_out"
	mapACLIn  = "acl_in"
)

// acls prints the chains of the network ACLs that do not let everything pass, and the maps that lead packets to them:
// by the interface they came by when they leave its subnet, by the one they are to leave by when they enter its. What
// stays within a subnet is nobody's business.
func (r *router) acls() {
	out := nft.Set{Name: mapACLOut, Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict}
	in := nft.Set{Name: mapACLIn, Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict}
	for _, p := range r.vpc.Ports {
		a := r.aclOf(p.Subnet)
		for _, d := range []struct {
			egress bool
			to     *nft.Set
		}{{true, &out}, {false, &in}} {
			if !a.Open(d.egress) {
				v := nft.Verdict{Kind: nft.Jump, Chain: r.border(p.Subnet, a, d.egress)}
				d.to.Elements = append(d.to.Elements, nft.Element{Key: deviceOf(&p), Verdict: v})
			}
		}
	}
	if len(out.Elements)+len(in.Elements) == 0 {
		return
	}
	out.Elements, in.Elements = tidy(out.Elements), tidy(in.Elements)
	r.table.Sets = append(r.table.Sets, out, in)
}

// aclOf is the ACL of a subnet; the zero ACL, which refuses everything, when it has none.
func (r *router) aclOf(s world.SubnetID) fabric.ACL { return r.aclBySubnet[s] }

func aclsBySubnet(v *fabric.VPC) map[world.SubnetID]fabric.ACL {
	byID := make(map[world.NetworkACLID]fabric.ACL, len(v.ACLs))
	for _, a := range v.ACLs {
		byID[a.ID] = a
	}
	out := make(map[world.SubnetID]fabric.ACL, len(v.Subnets))
	for _, s := range v.Subnets {
		out[s.ID] = byID[s.ACL]
	}
	return out
}

// border is the name of the chain at the border of a subnet in one direction: it returns for what stays within, and
// leads the rest to the ACL.
func (r *router) border(s world.SubnetID, a fabric.ACL, egress bool) string {
	name, other := "enter_"+idName(s), nft.InInterface()
	if egress {
		name, other = "leave_"+idName(s), nft.OutInterface()
	}
	if r.chains[name] {
		return name
	}
	r.chains[name] = true
	within := nft.End(nft.Verdict{Kind: nft.Return})
	c := nft.Chain{Name: name, Rules: []nft.Rule{nft.NewRule(nft.In(r.subnetPorts(s), other), within)}}
	for _, own := range r.vpc.Subnets {
		if egress && own.ID == s && own.CIDR.IsValid() && own.CIDR.Addr().Is4() { // also when nobody has the address
			first, last := nft.PrefixRange(own.CIDR.Masked())
			c.Rules = append(c.Rules, nft.NewRule(nft.Within(nft.IPv4.Destination(), first, last), within))
		}
	}
	c.Rules = append(c.Rules, nft.NewRule(nft.End(nft.Verdict{Kind: nft.Goto, Chain: r.aclChain(a, egress)})))
	r.table.Chains = append(r.table.Chains, c)
	return name
}

// subnetPorts is the name of the set of the interfaces of a subnet's ports.
func (r *router) subnetPorts(s world.SubnetID) string {
	name := "ports_" + idName(s)
	if r.sets[name] {
		return name
	}
	r.sets[name] = true
	set := nft.Set{Name: name, Key: []nft.Type{nft.Interface}}
	for _, p := range r.vpc.Ports {
		if p.Subnet == s {
			set.Elements = append(set.Elements, nft.Element{Key: nft.Concat(nft.FieldInterface(kernel.PortDevice(p.ENI)))})
		}
	}
	set.Elements = tidy(set.Elements)
	r.table.Sets = append(r.table.Sets, set)
	return name
}

// aclChain is the name of the chain of one direction of an ACL: its rules in order, then refusal. It returns when a rule
// allows.
func (r *router) aclChain(a fabric.ACL, egress bool) string {
	name, rules, peer, station := "acl_in_"+idName(a.ID), a.Ingress, nft.Family.Source, fabric.ACLIn
	if egress {
		name, rules, peer, station = "acl_out_"+idName(a.ID), a.Egress, nft.Family.Destination, fabric.ACLOut
	}
	if r.chains[name] {
		return name
	}
	r.chains[name] = true
	c := nft.Chain{Name: name}
	for _, rule := range rules {
		if match, ok := aclConditions(rule, peer); ok {
			c.Rules = append(c.Rules, aclVerdict(rule, match, station))
		}
	}
	c.Rules = append(c.Rules, refuse(station))
	r.table.Chains = append(r.table.Chains, c)
	return name
}

// aclConditions are what a numbered rule asks of a packet; false when it can match none of a family that is routed.
func aclConditions(rule fabric.ACLRule, peer func(nft.Family) nft.Selector) ([]nft.Clause, bool) {
	f := family(rule.CIDR.Addr())
	if f == nft.IPv6 {
		return nil, false
	}
	match := fabric.Rule{Protocol: rule.Protocol, Ports: rule.Ports, ICMP: rule.ICMP}
	if rule.Protocol != world.ICMP {
		match.ICMP = world.ICMPMatch{Type: -1, Code: -1}
	}
	clauses, ok := conditions(match, f)
	if rule.CIDR.Bits() > 0 {
		first, last := nft.PrefixRange(rule.CIDR.Masked())
		clauses = append([]nft.Clause{nft.Within(peer(f), first, last)}, clauses...)
	}
	return clauses, ok
}

func aclVerdict(rule fabric.ACLRule, match []nft.Clause, s fabric.Station) nft.Rule {
	if rule.Allow {
		return nft.NewRule(append(match, nft.End(nft.Verdict{Kind: nft.Return}))...)
	}
	return nft.NewRule(append(match, nft.Log(string(s), kernel.LogGroup, logBytes), drop())...)
}

// idName is an id as nft lets names be written; the zero id is "none".
func idName[T ~string](id T) string {
	if id == "" {
		return "none"
	}
	return strings.ReplaceAll(string(id), "-", "_")
}
