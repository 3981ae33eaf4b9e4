package resolver

import (
	"context"
	"strings"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateResolverQueryLogConfig says where records of queries go: to a log group.
func (s *Service) CreateResolverQueryLogConfig(ctx context.Context, c world.Caller, in *resolverapi.CreateResolverQueryLogConfigInput) (*resolverapi.CreateResolverQueryLogConfigOutput, error) {
	q := world.QueryLogConfig{Name: *in.Name, Destination: *in.DestinationArn, CreatorID: *in.CreatorRequestId}
	if strings.Contains(q.Destination, ":s3:") || strings.Contains(q.Destination, ":firehose:") {
		return nil, awserr.ResolverUnbuilt("Query logs to S3 and Firehose are")
	}
	if _, ok := world.LogGroupOfARN(q.Destination); !ok {
		return nil, awserr.ResolverInvalid("DestinationArn", "The destination %q is not the ARN of a log group.", q.Destination)
	}
	tags, err := tagsOf(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	v, err := s.update(ctx, func(tx *world.Tx) error {
		q.ID, q.Meta = world.QueryLogConfigID(tx.NewID("rqlc")), tx.NewMeta(c, tags)
		if err := once(&tx.QueryLogConfigs, c, kindConfig, q.CreatorID, func(o world.QueryLogConfig) string { return o.CreatorID }); err != nil {
			return err
		}
		if !logGroupExists(&tx.World, q) {
			return awserr.ResolverInvalid("DestinationArn", "The log group %q doesn't exist.", q.Destination)
		}
		tx.QueryLogConfigs.Put(q)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.CreateResolverQueryLogConfigOutput{ResolverQueryLogConfig: new(v.config(q))}, nil
}

func logGroupExists(w *world.World, q world.QueryLogConfig) bool {
	key, ok := world.LogGroupOfARN(q.Destination)
	return ok && w.LogGroups.Has(key)
}

func (v view) config(q world.QueryLogConfig) resolverapi.ResolverQueryLogConfig {
	n := int32(len(v.w.QueryLogAssociations.Where(func(a world.QueryLogAssociation) bool { return a.Config == q.ID })))
	return resolverapi.ResolverQueryLogConfig{
		Id: new(string(q.ID)), OwnerId: new(string(q.Account)), Status: new("CREATED"), ShareStatus: new("NOT_SHARED"), AssociationCount: &n,
		Arn: arn(q.Meta, "resolver-query-log-config", string(q.ID)), Name: new(q.Name), DestinationArn: new(q.Destination), CreatorRequestId: new(q.CreatorID), CreationTime: at(q.Created),
	}
}

// GetResolverQueryLogConfig describes one configuration.
func (s *Service) GetResolverQueryLogConfig(_ context.Context, c world.Caller, in *resolverapi.GetResolverQueryLogConfigInput) (*resolverapi.GetResolverQueryLogConfigOutput, error) {
	v := s.look()
	q, err := find(&v.w.QueryLogConfigs, c, kindConfig, in.ResolverQueryLogConfigId)
	if err != nil {
		return nil, err
	}
	return &resolverapi.GetResolverQueryLogConfigOutput{ResolverQueryLogConfig: new(v.config(q))}, nil
}

// ListResolverQueryLogConfigs lists the caller's configurations, in the order of their ids.
func (s *Service) ListResolverQueryLogConfigs(_ context.Context, c world.Caller, in *resolverapi.ListResolverQueryLogConfigsInput) (*resolverapi.ListResolverQueryLogConfigsOutput, error) {
	v := s.look()
	by := fields[world.QueryLogConfig]{
		"Arn":              one(func(q world.QueryLogConfig) string { return *arn(q.Meta, "resolver-query-log-config", string(q.ID)) }),
		"CreatorRequestId": one(func(q world.QueryLogConfig) string { return q.CreatorID }),
		"DestinationArn":   one(func(q world.QueryLogConfig) string { return q.Destination }),
		"Id":               one(func(q world.QueryLogConfig) world.QueryLogConfigID { return q.ID }),
		"Name":             one(func(q world.QueryLogConfig) string { return q.Name }),
		"OwnerId":          one(func(q world.QueryLogConfig) world.AccountID { return q.Account }),
	}
	if err := by.sortable(in.SortBy); err != nil {
		return nil, err
	}
	rows, err := selected(&v.w.QueryLogConfigs, c, by, in.Filters)
	if err != nil {
		return nil, err
	}
	all, _ := selected(&v.w.QueryLogConfigs, c, nil, nil)
	out, next, err := page(rows, v.config, in.MaxResults, in.NextToken)
	return &resolverapi.ListResolverQueryLogConfigsOutput{
		ResolverQueryLogConfigs: out, NextToken: next, TotalCount: new(int32(len(all))), TotalFilteredCount: new(int32(len(rows))),
	}, err
}

// DeleteResolverQueryLogConfig takes a configuration away that no VPC uses.
func (s *Service) DeleteResolverQueryLogConfig(ctx context.Context, c world.Caller, in *resolverapi.DeleteResolverQueryLogConfigInput) (*resolverapi.DeleteResolverQueryLogConfigOutput, error) {
	var q world.QueryLogConfig
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if q, err = find(&tx.QueryLogConfigs, c, kindConfig, in.ResolverQueryLogConfigId); err != nil {
			return err
		}
		if tx.QueryLogAssociations.Any(func(a world.QueryLogAssociation) bool { return a.Config == q.ID }) {
			return awserr.ResolverRefused("The query logging configuration %s is associated with VPCs. Disassociate it first.", q.ID)
		}
		tx.QueryLogConfigs.Delete(q.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.config(q)
	out.Status = new("DELETING")
	return &resolverapi.DeleteResolverQueryLogConfigOutput{ResolverQueryLogConfig: &out}, nil
}
