package iam

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

func tagsOf(tags []world.Tag) []iamapi.Tag {
	if len(tags) == 0 {
		return nil
	}
	return each(tags, func(t world.Tag) iamapi.Tag { return iamapi.Tag{Key: new(t.Key), Value: new(t.Value)} })
}

// mergeTags sets tags. Keys differ by more than their case.
func mergeTags(have []world.Tag, set []iamapi.Tag) ([]world.Tag, error) {
	out := slices.Clone(have)
	seen := map[string]bool{}
	for _, t := range set {
		key := strings.ToLower(val(t.Key))
		if seen[key] {
			return nil, awserr.IAMInvalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(key, "aws:") {
			return nil, awserr.IAMInvalid("System tags cannot be added/updated/deleted: %s", val(t.Key))
		}
		seen[key] = true
		out = slices.DeleteFunc(out, func(h world.Tag) bool { return strings.EqualFold(h.Key, key) })
		out = append(out, world.Tag{Key: val(t.Key), Value: val(t.Value)})
	}
	if len(out) > maxTags {
		return nil, awserr.IAMLimit("The number of tags has reached the maximum limit.")
	}
	return world.SortTags(out), nil
}

func withoutTags(have []world.Tag, keys []string) []world.Tag {
	return world.WithoutTags(have, func(t world.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}

func (s *Service) tag(ctx context.Context, c world.Caller, k kind, name *string, set []iamapi.Tag) error {
	return s.edit(ctx, c, k, name, func(_ *world.Tx, i *world.Identity) (err error) {
		i.Tags, err = mergeTags(i.Tags, set)
		return err
	})
}

func (s *Service) untag(ctx context.Context, c world.Caller, k kind, name *string, keys []string) error {
	return s.edit(ctx, c, k, name, func(_ *world.Tx, i *world.Identity) error {
		i.Tags = withoutTags(i.Tags, keys)
		return nil
	})
}

func tagPage(l listing, tags []world.Tag) ([]iamapi.Tag, *bool, *string, error) {
	page, more, next, err := paged(l, tags, func(t world.Tag) string { return t.Key })
	return append([]iamapi.Tag{}, tagsOf(page)...), more, next, err
}

// TagUser sets tags of a user.
func (s *Service) TagUser(ctx context.Context, c world.Caller, in *iamapi.TagUserInput) (*iamapi.TagUserOutput, error) {
	return nil, s.tag(ctx, c, users(), in.UserName, in.Tags)
}

// UntagUser removes tags of a user.
func (s *Service) UntagUser(ctx context.Context, c world.Caller, in *iamapi.UntagUserInput) (*iamapi.UntagUserOutput, error) {
	return nil, s.untag(ctx, c, users(), in.UserName, in.TagKeys)
}

// ListUserTags lists the tags of a user.
func (s *Service) ListUserTags(_ context.Context, c world.Caller, in *iamapi.ListUserTagsInput) (*iamapi.ListUserTagsOutput, error) {
	i, err := s.seen(c, users(), in.UserName)
	if err != nil {
		return nil, err
	}
	page, more, next, err := tagPage(listing{in.Marker, in.MaxItems}, i.Tags)
	return &iamapi.ListUserTagsOutput{Tags: page, IsTruncated: more, Marker: next}, err
}

// TagRole sets tags of a role.
func (s *Service) TagRole(ctx context.Context, c world.Caller, in *iamapi.TagRoleInput) (*iamapi.TagRoleOutput, error) {
	return nil, s.tag(ctx, c, roles(), in.RoleName, in.Tags)
}

// UntagRole removes tags of a role.
func (s *Service) UntagRole(ctx context.Context, c world.Caller, in *iamapi.UntagRoleInput) (*iamapi.UntagRoleOutput, error) {
	return nil, s.untag(ctx, c, roles(), in.RoleName, in.TagKeys)
}

// ListRoleTags lists the tags of a role.
func (s *Service) ListRoleTags(_ context.Context, c world.Caller, in *iamapi.ListRoleTagsInput) (*iamapi.ListRoleTagsOutput, error) {
	i, err := s.seen(c, roles(), in.RoleName)
	if err != nil {
		return nil, err
	}
	page, more, next, err := tagPage(listing{in.Marker, in.MaxItems}, i.Tags)
	return &iamapi.ListRoleTagsOutput{Tags: page, IsTruncated: more, Marker: next}, err
}

// TagPolicy sets tags of a managed policy.
func (s *Service) TagPolicy(ctx context.Context, c world.Caller, in *iamapi.TagPolicyInput) (*iamapi.TagPolicyOutput, error) {
	return nil, s.editPolicy(ctx, c, in.PolicyArn, func(_ *world.Tx, p *world.ManagedPolicy) (err error) {
		p.Tags, err = mergeTags(p.Tags, in.Tags)
		return err
	})
}

// UntagPolicy removes tags of a managed policy.
func (s *Service) UntagPolicy(ctx context.Context, c world.Caller, in *iamapi.UntagPolicyInput) (*iamapi.UntagPolicyOutput, error) {
	return nil, s.editPolicy(ctx, c, in.PolicyArn, func(_ *world.Tx, p *world.ManagedPolicy) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListPolicyTags lists the tags of a managed policy.
func (s *Service) ListPolicyTags(_ context.Context, c world.Caller, in *iamapi.ListPolicyTagsInput) (*iamapi.ListPolicyTagsOutput, error) {
	w := s.store.World()
	var tags []world.Tag
	if _, ok := s.managed.Get(val(in.PolicyArn)); !ok {
		p, err := ownPolicy(&w, c, in.PolicyArn)
		if err != nil {
			return nil, err
		}
		tags = p.Tags
	}
	page, more, next, err := tagPage(listing{in.Marker, in.MaxItems}, tags)
	return &iamapi.ListPolicyTagsOutput{Tags: page, IsTruncated: more, Marker: next}, err
}

// TagInstanceProfile sets tags of an instance profile.
func (s *Service) TagInstanceProfile(ctx context.Context, c world.Caller, in *iamapi.TagInstanceProfileInput) (*iamapi.TagInstanceProfileOutput, error) {
	return nil, s.editProfile(ctx, c, in.InstanceProfileName, func(_ *world.Tx, p *world.InstanceProfile) (err error) {
		p.Tags, err = mergeTags(p.Tags, in.Tags)
		return err
	})
}

// UntagInstanceProfile removes tags of an instance profile.
func (s *Service) UntagInstanceProfile(ctx context.Context, c world.Caller, in *iamapi.UntagInstanceProfileInput) (*iamapi.UntagInstanceProfileOutput, error) {
	return nil, s.editProfile(ctx, c, in.InstanceProfileName, func(_ *world.Tx, p *world.InstanceProfile) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListInstanceProfileTags lists the tags of an instance profile.
func (s *Service) ListInstanceProfileTags(_ context.Context, c world.Caller, in *iamapi.ListInstanceProfileTagsInput) (*iamapi.ListInstanceProfileTagsOutput, error) {
	w := s.store.World()
	p, err := findProfile(&w, c, in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	page, more, next, err := tagPage(listing{in.Marker, in.MaxItems}, p.Tags)
	return &iamapi.ListInstanceProfileTagsOutput{Tags: page, IsTruncated: more, Marker: next}, err
}
