package logs

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/logsapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// maxTags is how many tags a group can have. (CloudWatch Logs API Reference, TagResource.)
const maxTags = 50

// checkTags adds tags to those there are.
func checkTags(have []world.Tag, set map[string]string) ([]world.Tag, error) {
	var tags []world.Tag
	for k, v := range set {
		switch {
		case k == "" || len([]rune(k)) > 128 || len([]rune(v)) > 256:
			return nil, awserr.LogsInvalid("The tag %s is not valid: keys have 1 to 128 characters, values at most 256.", k)
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return nil, awserr.LogsInvalid("Tag keys beginning with aws: are reserved: %s", k)
		}
		tags = append(tags, world.Tag{Key: k, Value: v})
	}
	if tags = world.MergeTags(have, tags); len(tags) > maxTags {
		return nil, awserr.New("TooManyTagsException", 400, "A log group can have no more than %d tags.", maxTags)
	}
	return tags, nil
}

func tagMap(tags []world.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

func (s *Service) tag(ctx context.Context, c world.Caller, name string, set map[string]string) error {
	_, err := s.change(ctx, c, name, func(g *world.LogGroup) (err error) {
		g.Tags, err = checkTags(g.Tags, set)
		return err
	})
	return err
}

func (s *Service) untag(ctx context.Context, c world.Caller, name string, keys []string) error {
	_, err := s.change(ctx, c, name, func(g *world.LogGroup) error {
		g.Tags = world.WithoutTags(g.Tags, func(t world.Tag) bool { return slices.Contains(keys, t.Key) })
		return nil
	})
	return err
}

func (s *Service) tags(c world.Caller, name string) (map[string]string, error) {
	w := s.store.World()
	g, err := find(&w, c, name)
	return tagMap(g.Tags), err
}

// TagResource sets tags of the group with an ARN.
func (s *Service) TagResource(ctx context.Context, c world.Caller, in *logsapi.TagResourceInput) (*logsapi.TagResourceOutput, error) {
	name, err := fromARN(c, value(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	if err := s.tag(ctx, c, name, in.Tags); err != nil {
		return nil, err
	}
	return &logsapi.TagResourceOutput{}, nil
}

// UntagResource takes tags of the group with an ARN away.
func (s *Service) UntagResource(ctx context.Context, c world.Caller, in *logsapi.UntagResourceInput) (*logsapi.UntagResourceOutput, error) {
	name, err := fromARN(c, value(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	if err := s.untag(ctx, c, name, in.TagKeys); err != nil {
		return nil, err
	}
	return &logsapi.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of the group with an ARN.
func (s *Service) ListTagsForResource(_ context.Context, c world.Caller, in *logsapi.ListTagsForResourceInput) (*logsapi.ListTagsForResourceOutput, error) {
	name, err := fromARN(c, value(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	tags, err := s.tags(c, name)
	if err != nil {
		return nil, err
	}
	return &logsapi.ListTagsForResourceOutput{Tags: tags}, nil
}

// TagLogGroup sets tags of the group with a name.
func (s *Service) TagLogGroup(ctx context.Context, c world.Caller, in *logsapi.TagLogGroupInput) (*logsapi.TagLogGroupOutput, error) {
	name, err := groupName(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if err := s.tag(ctx, c, name, in.Tags); err != nil {
		return nil, err
	}
	return &logsapi.TagLogGroupOutput{}, nil
}

// UntagLogGroup takes tags of the group with a name away.
func (s *Service) UntagLogGroup(ctx context.Context, c world.Caller, in *logsapi.UntagLogGroupInput) (*logsapi.UntagLogGroupOutput, error) {
	name, err := groupName(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if err := s.untag(ctx, c, name, in.Tags); err != nil {
		return nil, err
	}
	return &logsapi.UntagLogGroupOutput{}, nil
}

// ListTagsLogGroup lists the tags of the group with a name.
func (s *Service) ListTagsLogGroup(_ context.Context, c world.Caller, in *logsapi.ListTagsLogGroupInput) (*logsapi.ListTagsLogGroupOutput, error) {
	name, err := groupName(in.LogGroupName)
	if err != nil {
		return nil, err
	}
	tags, err := s.tags(c, name)
	if err != nil {
		return nil, err
	}
	return &logsapi.ListTagsLogGroupOutput{Tags: tags}, nil
}
