package world

import "slices"

// resolverRule checks that a rule has somewhere to ask.
func (c *checker) resolverRule(id ResolverRuleID) error {
	r, _ := c.w.ResolverRules.Get(id)
	e, ok := c.w.ResolverEndpoints.Get(r.Endpoint)
	if !r.System && (!ok || !e.Outbound || len(r.Targets) == 0) {
		return missing("resolver-endpoint", string(r.Endpoint))
	}
	return nil
}

// ruleAssociation checks that a VPC has one rule for a domain.
func (c *checker) ruleAssociation(id ResolverRuleAssociationID) error {
	a, _ := c.w.ResolverRuleAssociations.Get(id)
	r, ok := c.w.ResolverRules.Get(a.Rule)
	if !ok {
		return missing("resolver-rule", string(a.Rule))
	}
	if !c.w.VPCs.Has(a.VPC) {
		return missing("vpc", string(a.VPC))
	}
	for o := range c.w.ResolverRuleAssociations.In(string(a.VPC)) {
		if other, _ := c.w.ResolverRules.Get(o.Rule); o.ID != id && other.Domain == r.Domain {
			return clash("resolver-rule-association", string(a.VPC), string(o.Rule), "the VPC has a rule for the domain already")
		}
	}
	return nil
}

// queryLogAssociation checks what the association joins.
func (c *checker) queryLogAssociation(id QueryLogAssociationID) error {
	a, _ := c.w.QueryLogAssociations.Get(id)
	if !c.w.QueryLogConfigs.Has(a.Config) {
		return missing("query-log-config", string(a.Config))
	}
	if !c.w.VPCs.Has(a.VPC) {
		return missing("vpc", string(a.VPC))
	}
	return nil
}

// resolverUses is what of Route 53 Resolver needs a row that is gone: the noun, empty for nothing.
func (c *checker) resolverUses(noun, id string) string {
	w := c.w
	switch {
	case noun == "vpc" && some(w.ResolverEndpoints.In(id)):
		return "resolver-endpoint"
	case noun == "vpc" && some(w.ResolverRuleAssociations.In(id)):
		return "resolver-rule-association"
	case noun == "vpc" && some(w.QueryLogAssociations.In(id)):
		return "query-log-association"
	case noun == "security-group" && w.ResolverEndpoints.Any(func(e ResolverEndpoint) bool { return slices.Contains(e.Groups, SecurityGroupID(id)) }):
		return "resolver-endpoint"
	case noun == "resolver-endpoint" && w.ResolverRules.Any(func(r ResolverRule) bool { return string(r.Endpoint) == id }):
		return "resolver-rule"
	case noun == "resolver-rule" && w.ResolverRuleAssociations.Any(func(a ResolverRuleAssociation) bool { return string(a.Rule) == id }):
		return "resolver-rule-association"
	case noun == "query-log-config" && w.QueryLogAssociations.Any(func(a QueryLogAssociation) bool { return string(a.Config) == id }):
		return "query-log-association"
	}
	return ""
}
