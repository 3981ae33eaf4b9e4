package route53

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// tagsPerResource is how many tags a zone or a health check may have. (Amazon Route 53 API Reference,
// ChangeTagsForResource has 10 a request; AWS allows 50 a resource.)
const tagsPerResource = 50

// tagged is a zone or a health check with tags.
func tagged(w *world.World, c world.Caller, kind, id string) (*world.Meta, func(*world.Tx, []world.Tag), error) {
	if kind == "hostedzone" {
		z, err := own(w, c, &id)
		return &z.Meta, func(tx *world.Tx, tags []world.Tag) { z.Tags = tags; tx.HostedZones.Put(z) }, err
	}
	h, err := ownCheck(w, c, &id)
	return &h.Meta, func(tx *world.Tx, tags []world.Tag) { h.Tags = tags; tx.HealthChecks.Put(h) }, err
}

// ChangeTagsForResource sets tags and takes tags away.
func (s *Service) ChangeTagsForResource(ctx context.Context, c world.Caller, in *route53api.ChangeTagsForResourceInput) (*route53api.ChangeTagsForResourceOutput, error) {
	var set []world.Tag
	for _, t := range in.AddTags {
		if value(t.Key) == "" || strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, awserr.Route53Invalid("The tag key %q is not valid.", value(t.Key))
		}
		set = append(set, world.Tag{Key: *t.Key, Value: value(t.Value)})
	}
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		m, put, err := tagged(&tx.World, c, *in.ResourceType, bare(in.ResourceId))
		if err != nil {
			return err
		}
		tags := world.MergeTags(world.WithoutTags(m.Tags, func(t world.Tag) bool { return slices.Contains(in.RemoveTagKeys, t.Key) }), set)
		if len(tags) > tagsPerResource {
			return awserr.Route53Invalid("A resource may have %d tags.", tagsPerResource)
		}
		put(tx, tags)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.ChangeTagsForResourceOutput{}, nil
}

// tagSet describes the tags of a resource.
func tagSet(w *world.World, c world.Caller, kind, id string) (route53api.ResourceTagSet, error) {
	m, _, err := tagged(w, c, kind, id)
	out := route53api.ResourceTagSet{ResourceType: &kind, ResourceId: &id, Tags: []route53api.Tag{}}
	if err != nil {
		return out, err
	}
	for _, t := range m.Tags {
		out.Tags = append(out.Tags, route53api.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out, nil
}

// ListTagsForResource lists the tags of a zone or a health check.
func (s *Service) ListTagsForResource(_ context.Context, c world.Caller, in *route53api.ListTagsForResourceInput) (*route53api.ListTagsForResourceOutput, error) {
	w := s.store.World()
	set, err := tagSet(&w, c, *in.ResourceType, bare(in.ResourceId))
	if err != nil {
		return nil, err
	}
	return &route53api.ListTagsForResourceOutput{ResourceTagSet: &set}, nil
}

// ListTagsForResources lists the tags of several.
func (s *Service) ListTagsForResources(_ context.Context, c world.Caller, in *route53api.ListTagsForResourcesInput) (*route53api.ListTagsForResourcesOutput, error) {
	w := s.store.World()
	out := &route53api.ListTagsForResourcesOutput{ResourceTagSets: []route53api.ResourceTagSet{}}
	for _, id := range in.ResourceIds {
		set, err := tagSet(&w, c, *in.ResourceType, bare(&id))
		if err != nil {
			return nil, err
		}
		out.ResourceTagSets = append(out.ResourceTagSets, set)
	}
	return out, nil
}
