package resolver

import (
	"context"
	"strings"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// vpcConfig tells how the resolver of a VPC is configured.
func (v view) vpcConfig(p world.VPC) resolverapi.ResolverConfig {
	verb := "ENABL"
	if p.ReverseOff {
		verb = "DISABL"
	}
	status := verb + "ING"
	if v.seen.Ready(p.ReverseRev, string(p.ID), "names") {
		status = verb + "ED"
	}
	return resolverapi.ResolverConfig{
		Id: new("rslvr-rc-" + strings.TrimPrefix(string(p.ID), "vpc-")), ResourceId: new(string(p.ID)), OwnerId: new(string(p.Account)), AutodefinedReverse: new(status),
	}
}

// GetResolverConfig tells how the resolver of a VPC is configured.
func (s *Service) GetResolverConfig(_ context.Context, c world.Caller, in *resolverapi.GetResolverConfigInput) (*resolverapi.GetResolverConfigOutput, error) {
	v := s.look()
	p, err := configured(&v.w, c, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return &resolverapi.GetResolverConfigOutput{ResolverConfig: new(v.vpcConfig(p))}, nil
}

// configured finds the VPC of the caller's whose resolver is meant.
func configured(w *world.World, c world.Caller, id *string) (world.VPC, error) {
	p, err := find(&w.VPCs, c, "VPC", id)
	if err == nil && p.Deleting {
		err = awserr.ResolverNotFound("VPC", value(id))
	}
	return p, err
}

// UpdateResolverConfig says whether the resolver of a VPC has names of private addresses.
func (s *Service) UpdateResolverConfig(ctx context.Context, c world.Caller, in *resolverapi.UpdateResolverConfigInput) (*resolverapi.UpdateResolverConfigOutput, error) {
	if *in.AutodefinedReverseFlag == "USE_LOCAL_RESOURCE_SETTING" {
		return nil, awserr.ResolverUnbuilt("Route 53 Profiles are")
	}
	var p world.VPC
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if p, err = configured(&tx.World, c, in.ResourceId); err != nil {
			return err
		}
		if off := *in.AutodefinedReverseFlag == "DISABLE"; off != p.ReverseOff {
			p.ReverseOff, p.ReverseRev, p.Updated = off, tx.Rev, tx.Now
			tx.VPCs.Put(p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.UpdateResolverConfigOutput{ResolverConfig: new(v.vpcConfig(p))}, nil
}

// ListResolverConfigs lists the configurations of the caller's VPCs.
func (s *Service) ListResolverConfigs(_ context.Context, c world.Caller, in *resolverapi.ListResolverConfigsInput) (*resolverapi.ListResolverConfigsOutput, error) {
	v := s.look()
	mine := v.w.VPCs.Where(func(p world.VPC) bool { return p.OwnedBy(c) && !p.Deleting })
	rows, next, err := listing.Page(pager(), mine, world.VPC.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := make([]resolverapi.ResolverConfig, len(rows))
	for i, p := range rows {
		out[i] = v.vpcConfig(p)
	}
	return &resolverapi.ListResolverConfigsOutput{ResolverConfigs: out, NextToken: next}, nil
}
