package resolver

import (
	"context"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// AssociateResolverQueryLogConfig makes the queries of a VPC be written down.
func (s *Service) AssociateResolverQueryLogConfig(ctx context.Context, c world.Caller, in *resolverapi.AssociateResolverQueryLogConfigInput) (*resolverapi.AssociateResolverQueryLogConfigOutput, error) {
	var a world.QueryLogAssociation
	v, err := s.update(ctx, func(tx *world.Tx) error {
		q, err := find(&tx.QueryLogConfigs, c, kindConfig, in.ResolverQueryLogConfigId)
		if err != nil {
			return err
		}
		vpc, err := findVPC(&tx.World, c, "ResourceId", in.ResourceId)
		if err != nil {
			return err
		}
		for o := range tx.QueryLogAssociations.In(string(vpc.ID)) {
			if o.Config == q.ID {
				return awserr.ResolverExists(kindLogged, "%s is associated with %s already.", q.ID, vpc.ID)
			}
		}
		a = world.QueryLogAssociation{ID: world.QueryLogAssociationID(tx.NewID("rqlca")), Meta: tx.NewMeta(c, nil), Config: q.ID, VPC: vpc.ID}
		tx.QueryLogAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.AssociateResolverQueryLogConfigOutput{ResolverQueryLogConfigAssociation: new(v.logged(a))}, nil
}

// DisassociateResolverQueryLogConfig ends that the queries of a VPC are written down.
func (s *Service) DisassociateResolverQueryLogConfig(ctx context.Context, c world.Caller, in *resolverapi.DisassociateResolverQueryLogConfigInput) (*resolverapi.DisassociateResolverQueryLogConfigOutput, error) {
	var a world.QueryLogAssociation
	v, err := s.update(ctx, func(tx *world.Tx) error {
		for o := range tx.QueryLogAssociations.In(value(in.ResourceId)) {
			if string(o.Config) == value(in.ResolverQueryLogConfigId) && o.OwnedBy(c) {
				a = o
				a.Deleting = true
				tx.Touch(&a.Meta)
				tx.QueryLogAssociations.Put(a)
				return nil
			}
		}
		return awserr.ResolverNotFound(kindLogged, value(in.ResolverQueryLogConfigId)+" with "+value(in.ResourceId))
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.DisassociateResolverQueryLogConfigOutput{ResolverQueryLogConfigAssociation: new(v.logged(a))}, nil
}

func (v view) logged(a world.QueryLogAssociation) resolverapi.ResolverQueryLogConfigAssociation {
	out := resolverapi.ResolverQueryLogConfigAssociation{
		Id: new(string(a.ID)), ResolverQueryLogConfigId: new(string(a.Config)), ResourceId: new(string(a.VPC)), Status: new(v.loggedStatus(a)),
		Error: new("NONE"), CreationTime: at(a.Created),
	}
	if *out.Status == "ACTION_NEEDED" {
		out.Error, out.ErrorMessage = new("DESTINATION_NOT_FOUND"), new("The log group doesn't exist.")
	}
	return out
}

func (v view) loggedStatus(a world.QueryLogAssociation) string {
	q, _ := v.w.QueryLogConfigs.Get(a.Config)
	switch {
	case a.Deleting:
		return "DELETING"
	case !v.seen.Ready(a.Rev, "names"):
		return "CREATING"
	case !logGroupExists(&v.w, q):
		return "ACTION_NEEDED"
	}
	return "ACTIVE"
}

// GetResolverQueryLogConfigAssociation describes one association.
func (s *Service) GetResolverQueryLogConfigAssociation(_ context.Context, c world.Caller, in *resolverapi.GetResolverQueryLogConfigAssociationInput) (*resolverapi.GetResolverQueryLogConfigAssociationOutput, error) {
	v := s.look()
	a, err := find(&v.w.QueryLogAssociations, c, kindLogged, in.ResolverQueryLogConfigAssociationId)
	if err != nil {
		return nil, err
	}
	return &resolverapi.GetResolverQueryLogConfigAssociationOutput{ResolverQueryLogConfigAssociation: new(v.logged(a))}, nil
}

// ListResolverQueryLogConfigAssociations lists the caller's associations, in the order of their ids.
func (s *Service) ListResolverQueryLogConfigAssociations(_ context.Context, c world.Caller, in *resolverapi.ListResolverQueryLogConfigAssociationsInput) (*resolverapi.ListResolverQueryLogConfigAssociationsOutput, error) {
	v := s.look()
	by := fields[world.QueryLogAssociation]{
		"Id":                       one(func(a world.QueryLogAssociation) world.QueryLogAssociationID { return a.ID }),
		"ResolverQueryLogConfigId": one(func(a world.QueryLogAssociation) world.QueryLogConfigID { return a.Config }),
		"ResourceId":               one(func(a world.QueryLogAssociation) world.VPCID { return a.VPC }),
		"Status":                   one(v.loggedStatus),
	}
	if err := by.sortable(in.SortBy); err != nil {
		return nil, err
	}
	rows, err := selected(&v.w.QueryLogAssociations, c, by, in.Filters)
	if err != nil {
		return nil, err
	}
	all, _ := selected(&v.w.QueryLogAssociations, c, nil, nil)
	out, next, err := page(rows, v.logged, in.MaxResults, in.NextToken)
	return &resolverapi.ListResolverQueryLogConfigAssociationsOutput{
		ResolverQueryLogConfigAssociations: out, NextToken: next, TotalCount: new(int32(len(all))), TotalFilteredCount: new(int32(len(rows))),
	}, err
}
