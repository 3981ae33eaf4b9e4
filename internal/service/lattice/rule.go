package lattice

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateRule adds a rule to a listener.
func (s *Service) CreateRule(ctx context.Context, c world.Caller, in *latticeapi.CreateRuleInput) (*latticeapi.CreateRuleOutput, error) {
	name, err := checkName(ruleKind(), in.Name, 63)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateRule", in.ClientToken, in}
	r, v, err := create(ctx, s, q, rules, func(tx *world.Tx) (world.LatticeRule, error) {
		r := world.LatticeRule{ID: world.LatticeRuleID(tx.NewID("rule")), Meta: tx.NewMeta(c, tags), Name: name}
		service, l, err := findListener(&tx.World, c, in.ServiceIdentifier, in.ListenerIdentifier)
		if err != nil {
			return r, err
		}
		r.Listener = l.ID
		if err := amendRule(tx, c, service.ID, &r, ruleChange{in.Match, in.Priority, in.Action}); err != nil {
			return r, err
		}
		have := slices.Collect(tx.LatticeRules.In(string(l.ID)))
		for _, o := range have {
			if o.Name == name {
				return r, taken(ruleKind(), string(o.ID), name)
			}
		}
		if err := groupsPerService().leaves(groupsOf(&tx.World, service.ID, r.Action) - 1); err != nil {
			return r, err
		}
		return r, rulesPerListener().leaves(len(have))
	})
	if err != nil {
		return nil, err
	}
	d := v.rule(r)
	return &latticeapi.CreateRuleOutput{Arn: d.Arn, Id: d.Id, Name: d.Name, Match: d.Match, Priority: d.Priority, Action: d.Action}, nil
}

// ruleChange is what is given of a rule; what is nil stays as it is.
type ruleChange struct {
	match    *latticeapi.RuleMatch
	priority *int32
	action   *latticeapi.RuleAction
}

// amendRule sets what is given of a rule's match, priority and action.
func amendRule(tx *world.Tx, c world.Caller, s world.LatticeServiceID, r *world.LatticeRule, to ruleChange) (err error) {
	m, priority, a := to.match, to.priority, to.action
	if m != nil || r.Priority == 0 {
		if r.Match, err = checkMatch(m); err != nil {
			return err
		}
	}
	if priority != nil || r.Priority == 0 {
		if r.Priority = int(value(priority)); r.Priority < 1 || r.Priority > 2000 {
			return invalidField("priority", "must be 1 to 2000")
		}
	}
	if a != nil || r.Action.Status == 0 && len(r.Action.Groups) == 0 {
		if r.Action, err = checkAction(&tx.World, c, s, a); err != nil {
			return err
		}
	}
	for o := range tx.LatticeRules.In(string(r.Listener)) {
		if o.ID != r.ID && o.Priority == r.Priority {
			return awserr.LatticeConflict(ruleKind().noun, string(o.ID), "RULE with priority %d already exists", r.Priority)
		}
	}
	return nil
}

// headerName is what a header may be called. (RFC 9110, 5.6.2, token.)
var headerName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")

// checkMatch reads what requests a rule is for.
func checkMatch(in *latticeapi.RuleMatch) (world.LatticeMatch, error) {
	var m world.LatticeMatch
	if in == nil || in.HttpMatch == nil {
		return m, invalidField("match", "httpMatch must be set")
	}
	h := in.HttpMatch
	if m.Method = value(h.Method); strings.Trim(m.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return m, invalidField("match.httpMatch.method", "'"+m.Method+"' is no HTTP method in capital letters")
	}
	if p := h.PathMatch; p != nil {
		if p.Match == nil || (value(p.Match.Exact) == "") == (value(p.Match.Prefix) == "") {
			return m, invalidField("match.httpMatch.pathMatch.match", "exactly one of exact and prefix must be set")
		}
		m.Path = &world.LatticePathMatch{Exact: value(p.Match.Exact), Prefix: value(p.Match.Prefix), CaseSensitive: value(p.CaseSensitive)}
	}
	for _, x := range h.HeaderMatches {
		n := 0
		if x.Match != nil {
			for _, text := range []*string{x.Match.Exact, x.Match.Prefix, x.Match.Contains} {
				if value(text) != "" {
					n++
				}
			}
		}
		if n != 1 || !headerName.MatchString(value(x.Name)) {
			return m, invalidField("match.httpMatch.headerMatches", "each needs the name of a header and exactly one of exact, prefix and contains")
		}
		m.Headers = append(m.Headers, world.LatticeHeaderMatch{
			Name: *x.Name, Exact: value(x.Match.Exact), Prefix: value(x.Match.Prefix), Contains: value(x.Match.Contains), CaseSensitive: value(x.CaseSensitive),
		})
	}
	if m.Method == "" && m.Path == nil && len(m.Headers) == 0 {
		return m, invalidField("match.httpMatch", "at least one of method, pathMatch and headerMatches must be set")
	}
	return m, nil
}

// match is a match as answers tell it.
func match(m world.LatticeMatch) *latticeapi.RuleMatch {
	h := &latticeapi.HttpMatch{Method: given(m.Method)}
	if p := m.Path; p != nil {
		h.PathMatch = &latticeapi.PathMatch{Match: &latticeapi.PathMatchType{Exact: given(p.Exact), Prefix: given(p.Prefix)}, CaseSensitive: &p.CaseSensitive}
	}
	for _, x := range m.Headers {
		h.HeaderMatches = append(h.HeaderMatches, latticeapi.HeaderMatch{
			Name: &x.Name, Match: &latticeapi.HeaderMatchType{Exact: given(x.Exact), Prefix: given(x.Prefix), Contains: given(x.Contains)}, CaseSensitive: &x.CaseSensitive,
		})
	}
	return &latticeapi.RuleMatch{HttpMatch: h}
}

func rules(tx *world.Tx) *world.Table[world.LatticeRuleID, world.LatticeRule] {
	return &tx.LatticeRules
}

// findRule is the rule that is named, with its service.
func findRule(w *world.World, c world.Caller, service, listener, identifier *string) (world.LatticeService, world.LatticeRule, error) {
	s, l, err := findListener(w, c, service, listener)
	if err != nil {
		return s, world.LatticeRule{}, err
	}
	id, err := ruleKind().within(listenerARN(s, l), identifier)
	if err != nil {
		return s, world.LatticeRule{}, err
	}
	r, ok := w.LatticeRules.Get(world.LatticeRuleID(id))
	if !ok {
		r, ok = defaultRule(l), defaultRule(l).RowID() == id
	}
	if !ok || r.Listener != l.ID {
		return s, r, awserr.LatticeNotFound(ruleKind().noun, value(identifier))
	}
	return s, r, nil
}

// defaultRule is what a listener does by default, as a rule. Its id is made of the listener's; no other rule has priority 0.
func defaultRule(l world.LatticeListener) world.LatticeRule {
	return world.LatticeRule{
		ID: world.LatticeRuleID("rule-" + strings.TrimPrefix(string(l.ID), "listener-")), Meta: l.Meta, Listener: l.ID, Name: "default", Action: l.Default,
	}
}

// rule is what answers say of a rule.
func (v view) rule(r world.LatticeRule) latticeapi.GetRuleOutput {
	l, _ := v.w.LatticeListeners.Get(r.Listener)
	s, _ := v.w.LatticeServices.Get(l.Service)
	out := latticeapi.GetRuleOutput{
		Arn: new(listenerARN(s, l) + "/rule/" + string(r.ID)), Id: new(string(r.ID)), Name: &r.Name, IsDefault: new(r.Priority == 0),
		Action: action(r.Action), CreatedAt: &r.Created, LastUpdatedAt: &r.Updated,
	}
	if r.Priority > 0 {
		out.Match, out.Priority = match(r.Match), new(int32(r.Priority))
	}
	return out
}

// GetRule describes one rule.
func (s *Service) GetRule(_ context.Context, c world.Caller, in *latticeapi.GetRuleInput) (*latticeapi.GetRuleOutput, error) {
	v := s.look()
	_, r, err := findRule(&v.w, c, in.ServiceIdentifier, in.ListenerIdentifier, in.RuleIdentifier)
	if err != nil {
		return nil, err
	}
	out := v.rule(r)
	return &out, nil
}

// ListRules lists the rules of a listener, with what it does by default.
func (s *Service) ListRules(_ context.Context, c world.Caller, in *latticeapi.ListRulesInput) (*latticeapi.ListRulesOutput, error) {
	v := s.look()
	_, l, err := findListener(&v.w, c, in.ServiceIdentifier, in.ListenerIdentifier)
	if err != nil {
		return nil, err
	}
	all := append(slices.Collect(v.w.LatticeRules.In(string(l.ID))), defaultRule(l))
	all, next, err := listing.Page(listing.Lattice(), all, world.LatticeRule.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListRulesOutput{Items: []latticeapi.RuleSummary{}, NextToken: next}
	for _, r := range all {
		d := v.rule(r)
		out.Items = append(out.Items, latticeapi.RuleSummary{
			Arn: d.Arn, Id: d.Id, Name: d.Name, IsDefault: d.IsDefault, Priority: d.Priority, CreatedAt: d.CreatedAt, LastUpdatedAt: d.LastUpdatedAt,
		})
	}
	return out, nil
}

// UpdateRule changes a rule, which must not be the default one.
func (s *Service) UpdateRule(ctx context.Context, c world.Caller, in *latticeapi.UpdateRuleInput) (*latticeapi.UpdateRuleOutput, error) {
	var r world.LatticeRule
	v, err := s.update(ctx, func(tx *world.Tx) error {
		service, have, err := findRule(&tx.World, c, in.ServiceIdentifier, in.ListenerIdentifier, in.RuleIdentifier)
		if err != nil {
			return err
		}
		if r = have; r.Priority == 0 {
			return awserr.LatticeValidation("Rule %s is the default rule of its listener; change it with UpdateListener.", r.ID)
		}
		if err := amendRule(tx, c, service.ID, &r, ruleChange{in.Match, in.Priority, in.Action}); err != nil {
			return err
		}
		tx.Touch(&r.Meta)
		tx.LatticeRules.Put(r)
		return groupsPerService().leaves(groupsOf(&tx.World, service.ID) - 1)
	})
	if err != nil {
		return nil, err
	}
	d := v.rule(r)
	return &latticeapi.UpdateRuleOutput{Arn: d.Arn, Id: d.Id, Name: d.Name, IsDefault: d.IsDefault, Match: d.Match, Priority: d.Priority, Action: d.Action}, nil
}

// DeleteRule takes a rule away, which must not be the default one.
func (s *Service) DeleteRule(ctx context.Context, c world.Caller, in *latticeapi.DeleteRuleInput) (*latticeapi.DeleteRuleOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		_, r, err := findRule(&tx.World, c, in.ServiceIdentifier, in.ListenerIdentifier, in.RuleIdentifier)
		if err != nil {
			return err
		}
		if r.Priority == 0 {
			return awserr.LatticeValidation("Rule %s is the default rule of its listener and goes with it.", r.ID)
		}
		tx.LatticeRules.Delete(r.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteRuleOutput{}, nil
}
