package resolver

import (
	"context"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// AssociateResolverRule makes a rule hold in a VPC.
func (s *Service) AssociateResolverRule(ctx context.Context, c world.Caller, in *resolverapi.AssociateResolverRuleInput) (*resolverapi.AssociateResolverRuleOutput, error) {
	var a world.ResolverRuleAssociation
	v, err := s.update(ctx, func(tx *world.Tx) error {
		r, err := find(&tx.ResolverRules, c, kindRule, in.ResolverRuleId)
		if err != nil {
			return err
		}
		vpc, err := findVPC(&tx.World, c, "VPCId", in.VPCId)
		if err != nil {
			return err
		}
		for o := range tx.ResolverRuleAssociations.In(string(vpc.ID)) {
			if other, _ := tx.ResolverRules.Get(o.Rule); other.Domain == r.Domain {
				return awserr.ResolverExists(kindAssociation, "[RSLVR-00808] Cannot associate rules with same domain name with same VPC. Conflict with resolver rule %q", other.ID)
			}
		}
		a = world.ResolverRuleAssociation{
			ID: world.ResolverRuleAssociationID(tx.NewID("rslvr-rrassoc")), Meta: tx.NewMeta(c, nil), Name: value(in.Name), Rule: r.ID, VPC: vpc.ID,
		}
		tx.ResolverRuleAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.AssociateResolverRuleOutput{ResolverRuleAssociation: new(v.ruleAssociation(a))}, nil
}

// DisassociateResolverRule ends that a rule holds in a VPC.
func (s *Service) DisassociateResolverRule(ctx context.Context, c world.Caller, in *resolverapi.DisassociateResolverRuleInput) (*resolverapi.DisassociateResolverRuleOutput, error) {
	var a world.ResolverRuleAssociation
	v, err := s.update(ctx, func(tx *world.Tx) error {
		for o := range tx.ResolverRuleAssociations.In(value(in.VPCId)) {
			if string(o.Rule) == value(in.ResolverRuleId) && o.OwnedBy(c) {
				a = o
				a.Deleting = true
				tx.Touch(&a.Meta)
				tx.ResolverRuleAssociations.Put(a)
				return nil
			}
		}
		return awserr.ResolverNotFound(kindAssociation, value(in.ResolverRuleId)+" with "+value(in.VPCId))
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.DisassociateResolverRuleOutput{ResolverRuleAssociation: new(v.ruleAssociation(a))}, nil
}

func (v view) ruleAssociation(a world.ResolverRuleAssociation) resolverapi.ResolverRuleAssociation {
	return resolverapi.ResolverRuleAssociation{
		Id: new(string(a.ID)), ResolverRuleId: new(string(a.Rule)), Name: given(a.Name), VPCId: new(string(a.VPC)), Status: new(v.associationStatus(a)),
	}
}

func (v view) associationStatus(a world.ResolverRuleAssociation) string {
	switch {
	case a.Deleting:
		return "DELETING"
	case v.seen.Ready(a.Rev, "names"):
		return "COMPLETE"
	}
	return "CREATING"
}

// GetResolverRuleAssociation describes one association.
func (s *Service) GetResolverRuleAssociation(_ context.Context, c world.Caller, in *resolverapi.GetResolverRuleAssociationInput) (*resolverapi.GetResolverRuleAssociationOutput, error) {
	v := s.look()
	a, err := find(&v.w.ResolverRuleAssociations, c, kindAssociation, in.ResolverRuleAssociationId)
	if err != nil {
		return nil, err
	}
	return &resolverapi.GetResolverRuleAssociationOutput{ResolverRuleAssociation: new(v.ruleAssociation(a))}, nil
}

// ListResolverRuleAssociations lists the caller's associations.
func (s *Service) ListResolverRuleAssociations(_ context.Context, c world.Caller, in *resolverapi.ListResolverRuleAssociationsInput) (*resolverapi.ListResolverRuleAssociationsOutput, error) {
	v := s.look()
	rows, err := selected(&v.w.ResolverRuleAssociations, c, fields[world.ResolverRuleAssociation]{
		"Name":           one(func(a world.ResolverRuleAssociation) string { return a.Name }),
		"ResolverRuleId": one(func(a world.ResolverRuleAssociation) world.ResolverRuleID { return a.Rule }),
		"Status":         one(v.associationStatus),
		"VPCId":          one(func(a world.ResolverRuleAssociation) world.VPCID { return a.VPC }),
	}, in.Filters)
	if err != nil {
		return nil, err
	}
	out, next, err := page(rows, v.ruleAssociation, in.MaxResults, in.NextToken)
	return &resolverapi.ListResolverRuleAssociationsOutput{ResolverRuleAssociations: out, NextToken: next, MaxResults: in.MaxResults}, err
}
