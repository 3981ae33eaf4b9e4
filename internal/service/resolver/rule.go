package resolver

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateResolverRule makes a rule. It does nothing until it is associated with a VPC.
func (s *Service) CreateResolverRule(ctx context.Context, c world.Caller, in *resolverapi.CreateResolverRuleInput) (*resolverapi.CreateResolverRuleOutput, error) {
	r := world.ResolverRule{Name: value(in.Name), System: *in.RuleType == "SYSTEM", CreatorID: *in.CreatorRequestId}
	var err error
	switch *in.RuleType {
	case "FORWARD", "SYSTEM":
	case "DELEGATE":
		return nil, awserr.ResolverUnbuilt("Delegation rules are")
	default:
		return nil, awserr.ResolverInvalid("RuleType", "A rule of type %s cannot be created.", *in.RuleType)
	}
	if r.Domain, err = domain(in.DomainName); err != nil {
		return nil, err
	}
	if value(in.DelegationRecord) != "" {
		return nil, awserr.ResolverUnbuilt("DelegationRecord is")
	}
	if r.Targets, err = targets(in.TargetIps); err != nil {
		return nil, err
	}
	if r.System && (len(r.Targets) > 0 || in.ResolverEndpointId != nil) {
		return nil, awserr.ResolverRefused("A SYSTEM rule has neither target IP addresses nor an endpoint.")
	}
	tags, err := tagsOf(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	v, err := s.update(ctx, func(tx *world.Tx) error {
		r.ID, r.Meta = world.ResolverRuleID(tx.NewID("rslvr-rr")), tx.NewMeta(c, tags)
		if err := once(&tx.ResolverRules, c, kindRule, r.CreatorID, func(o world.ResolverRule) string { return o.CreatorID }); err != nil {
			return err
		}
		if err := checkForward(tx, c, &r, in.ResolverEndpointId); err != nil {
			return err
		}
		tx.ResolverRules.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.CreateResolverRuleOutput{ResolverRule: new(v.rule(r))}, nil
}

// checkForward finds the endpoint of a rule that forwards.
func checkForward(tx *world.Tx, c world.Caller, r *world.ResolverRule, id *string) error {
	if r.System {
		return nil
	}
	e, err := find(&tx.ResolverEndpoints, c, kindEndpoint, id)
	switch {
	case id == nil:
		return awserr.ResolverInvalid("ResolverEndpointId", "A FORWARD rule needs an outbound endpoint.")
	case err != nil:
		return err
	case !e.Outbound || e.Deleting:
		return awserr.ResolverRefused("The endpoint %s is not an outbound one that works.", e.ID)
	case len(r.Targets) == 0:
		return awserr.ResolverInvalid("TargetIps", "A FORWARD rule needs target IP addresses.")
	}
	r.Endpoint = e.ID
	return nil
}

// domain reads a domain name.
func domain(in *string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(value(in), "."))
	if value(in) == "" || len(name) > 253 {
		return "", awserr.ResolverInvalid("DomainName", "The domain name %q is not valid.", value(in))
	}
	for label := range strings.SplitSeq(name, ".") {
		odd := strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
		if name != "" && (label == "" || len(label) > 63 || odd) {
			return "", awserr.ResolverInvalid("DomainName", "The domain name %q is not valid.", value(in))
		}
	}
	return name, nil
}

// targets reads where queries are forwarded to.
func targets(in []resolverapi.TargetAddress) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, t := range in {
		if value(t.Ipv6) != "" {
			return nil, awserr.ResolverUnbuilt("IPv6 at endpoints is")
		}
		if p := value(t.Protocol); p != "" && p != "Do53" || value(t.ServerNameIndication) != "" {
			return nil, awserr.ResolverUnbuilt("DNS over HTTPS is")
		}
		a, err := netip.ParseAddr(value(t.Ip))
		if err != nil || !a.Is4() || a.IsUnspecified() || a.IsMulticast() {
			return nil, awserr.ResolverInvalid("TargetIps", "The target IP address %q is not valid.", value(t.Ip))
		}
		port := int32(53)
		if t.Port != nil {
			port = *t.Port
		}
		if port < 1 || port > 65535 {
			return nil, awserr.ResolverInvalid("TargetIps", "The port %d is not valid.", port)
		}
		if p := netip.AddrPortFrom(a, uint16(port)); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) > mostAddresses {
		return nil, awserr.ResolverLimit("Target IP address", "A rule can have %d target IP addresses.", mostAddresses)
	}
	return out, nil
}

// internet is the rule for what no other one covers: it is there in every account, and cannot be changed.
func internet() resolverapi.ResolverRule {
	return resolverapi.ResolverRule{
		Id: new("rslvr-autodefined-rr-internet-resolver"), CreatorRequestId: new(""), Arn: new("arn:aws:route53resolver:::autodefined-rule/rslvr-autodefined-rr-internet-resolver"),
		DomainName: new("."), Status: new("COMPLETE"), RuleType: new("RECURSIVE"), Name: new("Internet Resolver"), OwnerId: new("Route 53 Resolver"), ShareStatus: new("NOT_SHARED"),
	}
}

func ruleType(r world.ResolverRule) string {
	if r.System {
		return "SYSTEM"
	}
	return "FORWARD"
}

// rule describes a rule.
func (v view) rule(r world.ResolverRule) resolverapi.ResolverRule {
	out := resolverapi.ResolverRule{
		Id: new(string(r.ID)), CreatorRequestId: new(r.CreatorID), Arn: arn(r.Meta, "resolver-rule", string(r.ID)), DomainName: new(r.Domain + "."),
		Status: new("COMPLETE"), RuleType: new(ruleType(r)), Name: given(r.Name), ResolverEndpointId: given(string(r.Endpoint)),
		OwnerId: new(string(r.Account)), ShareStatus: new("NOT_SHARED"), CreationTime: at(r.Created), ModificationTime: at(r.Updated),
	}
	if !v.seen.Ready(r.Rev, "names") {
		out.Status = new("UPDATING")
	}
	for _, t := range r.Targets {
		out.TargetIps = append(out.TargetIps, resolverapi.TargetAddress{Ip: new(t.Addr().String()), Port: new(int32(t.Port())), Protocol: new("Do53")})
	}
	return out
}

// GetResolverRule describes one rule.
func (s *Service) GetResolverRule(_ context.Context, c world.Caller, in *resolverapi.GetResolverRuleInput) (*resolverapi.GetResolverRuleOutput, error) {
	if i := internet(); value(in.ResolverRuleId) == *i.Id {
		return &resolverapi.GetResolverRuleOutput{ResolverRule: &i}, nil
	}
	v := s.look()
	r, err := find(&v.w.ResolverRules, c, kindRule, in.ResolverRuleId)
	if err != nil {
		return nil, err
	}
	return &resolverapi.GetResolverRuleOutput{ResolverRule: new(v.rule(r))}, nil
}

// ListResolverRules lists the caller's rules and, when nothing is filtered, the one that everybody has.
func (s *Service) ListResolverRules(_ context.Context, c world.Caller, in *resolverapi.ListResolverRulesInput) (*resolverapi.ListResolverRulesOutput, error) {
	v := s.look()
	rows, err := selected(&v.w.ResolverRules, c, fields[world.ResolverRule]{
		"CreatorRequestId":   one(func(r world.ResolverRule) string { return r.CreatorID }),
		"DomainName":         func(r world.ResolverRule) []string { return []string{r.Domain, r.Domain + "."} },
		"Name":               one(func(r world.ResolverRule) string { return r.Name }),
		"ResolverEndpointId": one(func(r world.ResolverRule) world.ResolverEndpointID { return r.Endpoint }),
		"Status":             one(func(r world.ResolverRule) string { return *v.rule(r).Status }),
		"Type":               one(ruleType),
		"RuleType":           one(ruleType),
	}, in.Filters)
	if err != nil {
		return nil, err
	}
	out, next, err := page(rows, v.rule, in.MaxResults, in.NextToken)
	if err == nil && next == nil && len(in.Filters) == 0 {
		out = append(out, internet())
	}
	return &resolverapi.ListResolverRulesOutput{ResolverRules: out, NextToken: next, MaxResults: in.MaxResults}, err
}

// UpdateResolverRule changes a rule's name, targets or endpoint.
func (s *Service) UpdateResolverRule(ctx context.Context, c world.Caller, in *resolverapi.UpdateResolverRuleInput) (*resolverapi.UpdateResolverRuleOutput, error) {
	to, err := targets(in.Config.TargetIps)
	if err != nil {
		return nil, err
	}
	var r world.ResolverRule
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if r, err = find(&tx.ResolverRules, c, kindRule, in.ResolverRuleId); err != nil {
			return err
		}
		if in.Config.Name != nil {
			r.Name = *in.Config.Name
		}
		if r.System && (len(to) > 0 || in.Config.ResolverEndpointId != nil) {
			return awserr.ResolverRefused("A SYSTEM rule has neither target IP addresses nor an endpoint.")
		}
		if len(to) > 0 {
			r.Targets = to
		}
		id := in.Config.ResolverEndpointId
		if id == nil {
			id = new(string(r.Endpoint))
		}
		if err := checkForward(tx, c, &r, id); err != nil {
			return err
		}
		tx.Touch(&r.Meta)
		tx.ResolverRules.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.UpdateResolverRuleOutput{ResolverRule: new(v.rule(r))}, nil
}

// DeleteResolverRule takes a rule away that no VPC has.
func (s *Service) DeleteResolverRule(ctx context.Context, c world.Caller, in *resolverapi.DeleteResolverRuleInput) (*resolverapi.DeleteResolverRuleOutput, error) {
	var r world.ResolverRule
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if r, err = find(&tx.ResolverRules, c, kindRule, in.ResolverRuleId); err != nil {
			return err
		}
		if tx.ResolverRuleAssociations.Any(func(a world.ResolverRuleAssociation) bool { return a.Rule == r.ID }) {
			return awserr.ResolverInUse(kindRule, "[RSLVR-00703] Please disassociate this resolver rule from VPC first before deleting.")
		}
		tx.ResolverRules.Delete(r.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.rule(r)
	out.Status = new("DELETING")
	return &resolverapi.DeleteResolverRuleOutput{ResolverRule: &out}, nil
}
