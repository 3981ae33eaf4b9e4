package ssm

import (
	"context"
	"slices"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// maxTags is how many tags a resource can have. (AWS Systems Manager API Reference, TooManyTagsError.)
const maxTags = 50

func tagsOf(in []ssmapi.Tag) []world.Tag {
	var out []world.Tag
	for _, t := range in {
		out = append(out, world.Tag{Key: val(t.Key), Value: val(t.Value)})
	}
	return out
}

func apiTags(in []world.Tag) []ssmapi.Tag {
	out := []ssmapi.Tag{}
	for _, t := range in {
		out = append(out, ssmapi.Tag{Key: &t.Key, Value: &t.Value})
	}
	return out
}

// tagged changes the tags of a resource.
func tagged(tx *world.Tx, c world.Caller, kind, id string, f func([]world.Tag) []world.Tag) ([]world.Tag, error) {
	switch kind {
	case "Document":
		if row, ok := tx.Documents.Get(world.DocumentKey(c.Account, c.Region, id)); ok {
			row.Tags = f(row.Tags)
			tx.Documents.Put(row)
			return row.Tags, nil
		}
	case "Parameter":
		if row, ok := tx.Parameters.Get(world.ParameterKey(c.Account, c.Region, id)); ok {
			row.Tags = f(row.Tags)
			tx.Parameters.Put(row)
			return row.Tags, nil
		}
	case "ManagedInstance":
		if row, ok := tx.ManagedNodes.Get(world.InstanceID(id)); ok && own(c, row.Meta) {
			row.Tags = f(row.Tags)
			tx.ManagedNodes.Put(row)
			return row.Tags, nil
		}
	default:
		return nil, awserr.SSMUnbuilt("Tags of resources of type " + kind + " are")
	}
	return nil, awserr.SSMRefused("InvalidResourceId", "The resource ID %s is not valid.", id)
}

// AddTagsToResource sets tags.
func (s *Service) AddTagsToResource(ctx context.Context, c world.Caller, in *ssmapi.AddTagsToResourceInput) (*ssmapi.AddTagsToResourceOutput, error) {
	_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
		tags, err := tagged(tx, c, val(in.ResourceType), val(in.ResourceId), func(have []world.Tag) []world.Tag {
			return world.MergeTags(have, tagsOf(in.Tags))
		})
		if err == nil && len(tags) > maxTags {
			return awserr.SSMRefused("TooManyTagsError", "The number of tags exceeds %d.", maxTags)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.AddTagsToResourceOutput{}, nil
}

// RemoveTagsFromResource takes tags away.
func (s *Service) RemoveTagsFromResource(ctx context.Context, c world.Caller, in *ssmapi.RemoveTagsFromResourceInput) (*ssmapi.RemoveTagsFromResourceOutput, error) {
	_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
		_, err := tagged(tx, c, val(in.ResourceType), val(in.ResourceId), func(have []world.Tag) []world.Tag {
			return world.WithoutTags(have, func(t world.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.RemoveTagsFromResourceOutput{}, nil
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(_ context.Context, c world.Caller, in *ssmapi.ListTagsForResourceInput) (*ssmapi.ListTagsForResourceOutput, error) {
	w, id := s.Store.World(), val(in.ResourceId)
	var tags []world.Tag
	ok := false
	switch kind := val(in.ResourceType); kind {
	case "Document":
		var row world.Document
		row, ok = w.Documents.Get(world.DocumentKey(c.Account, c.Region, id))
		tags = row.Tags
	case "Parameter":
		var row world.Parameter
		row, ok = w.Parameters.Get(world.ParameterKey(c.Account, c.Region, id))
		tags = row.Tags
	case "ManagedInstance":
		var row world.ManagedNode
		row, ok = w.ManagedNodes.Get(world.InstanceID(id))
		tags, ok = row.Tags, ok && own(c, row.Meta)
	default:
		return nil, awserr.SSMUnbuilt("Tags of resources of type " + kind + " are")
	}
	if !ok {
		return nil, awserr.SSMRefused("InvalidResourceId", "The resource ID %s is not valid.", id)
	}
	return &ssmapi.ListTagsForResourceOutput{TagList: apiTags(tags)}, nil
}
