package resolver

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// mostTags is how many tags a resource can have. (Route 53 Developer Guide, "Tagging".)
const mostTags = 200

// tagsOf adds the tags of a request to those there are.
func tagsOf(have []world.Tag, in []resolverapi.Tag) ([]world.Tag, error) {
	var set []world.Tag
	for _, t := range in {
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, awserr.New("InvalidTagException", 400, "Tag keys that begin with aws: are reserved: %s", *t.Key)
		}
		set = append(set, world.Tag{Key: *t.Key, Value: *t.Value})
	}
	out := world.MergeTags(have, set)
	if len(out) > mostTags {
		return nil, awserr.ResolverLimit("Tag", "A resource can have %d tags.", mostTags)
	}
	return out, nil
}

// retag changes the tags of the resource that an ARN names, which is one of the caller's in the region.
func retag(tx *world.Tx, c world.Caller, given string, change func(*world.Meta) error) error {
	id := given[strings.LastIndexByte(given, '/')+1:]
	own := func(kind string) bool { return given == world.ARN("route53resolver", c.Region, c.Account, kind+"/"+id) }
	switch {
	case own("resolver-rule"):
		return retagRow(&tx.ResolverRules, c, kindRule, id, func(r *world.ResolverRule) error { return change(&r.Meta) })
	case own("resolver-endpoint"):
		return retagRow(&tx.ResolverEndpoints, c, kindEndpoint, id, func(r *world.ResolverEndpoint) error { return change(&r.Meta) })
	case own("resolver-query-log-config"):
		return retagRow(&tx.QueryLogConfigs, c, kindConfig, id, func(r *world.QueryLogConfig) error { return change(&r.Meta) })
	}
	return awserr.ResolverNotFound("Resource", given)
}

func retagRow[K ~string, R mine](t *world.Table[K, R], c world.Caller, kind, id string, change func(*R) error) error {
	r, err := find(t, c, kind, &id)
	if err == nil {
		err = change(&r)
	}
	if err == nil {
		t.Put(r)
	}
	return err
}

// TagResource sets tags.
func (s *Service) TagResource(ctx context.Context, c world.Caller, in *resolverapi.TagResourceInput) (*resolverapi.TagResourceOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		return retag(tx, c, *in.ResourceArn, func(m *world.Meta) (err error) {
			m.Tags, err = tagsOf(m.Tags, in.Tags)
			return err
		})
	})
	return &resolverapi.TagResourceOutput{}, err
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, c world.Caller, in *resolverapi.UntagResourceInput) (*resolverapi.UntagResourceOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		return retag(tx, c, *in.ResourceArn, func(m *world.Meta) error {
			m.Tags = world.WithoutTags(m.Tags, func(t world.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
			return nil
		})
	})
	return &resolverapi.UntagResourceOutput{}, err
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(_ context.Context, c world.Caller, in *resolverapi.ListTagsForResourceInput) (*resolverapi.ListTagsForResourceOutput, error) {
	w := s.store.World()
	id := (*in.ResourceArn)[strings.LastIndexByte(*in.ResourceArn, '/')+1:]
	var m world.Meta
	if r, ok := w.ResolverRules.Get(world.ResolverRuleID(id)); ok {
		m = r.Meta
	} else if r, ok := w.ResolverEndpoints.Get(world.ResolverEndpointID(id)); ok {
		m = r.Meta
	} else if r, ok := w.QueryLogConfigs.Get(world.QueryLogConfigID(id)); ok {
		m = r.Meta
	}
	if !m.OwnedBy(c) || !strings.HasPrefix(*in.ResourceArn, world.ARN("route53resolver", c.Region, c.Account, "resolver-")) {
		return nil, awserr.ResolverNotFound("Resource", *in.ResourceArn)
	}
	if value(in.NextToken) != "" { // all are told at once
		return nil, pager().BadToken()
	}
	out := &resolverapi.ListTagsForResourceOutput{Tags: []resolverapi.Tag{}}
	for _, t := range m.Tags {
		out.Tags = append(out.Tags, resolverapi.Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	return out, nil
}
