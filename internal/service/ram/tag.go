package ram

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// The limits of tags. (AWS General Reference, "Tagging AWS resources".)
const (
	mostTags    = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// tagsOf adds the tags of a request to those there are.
func tagsOf(have []world.Tag, in []ramapi.Tag) ([]world.Tag, error) {
	var set []world.Tag
	for _, t := range in {
		key, text := value(t.Key), value(t.Value)
		switch n := len([]rune(key)); {
		case n == 0 || n > maxTagKey:
			return nil, awserr.RAMInvalid("A tag key has 1 to %d characters.", maxTagKey)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, awserr.RAMInvalid("Tag keys that begin with aws: are reserved: %s", key)
		case len([]rune(text)) > maxTagValue:
			return nil, awserr.RAMInvalid("A tag value has at most %d characters.", maxTagValue)
		}
		set = append(set, world.Tag{Key: key, Value: text})
	}
	out := world.MergeTags(have, set)
	if len(out) > mostTags {
		return nil, awserr.New("TagLimitExceededException", 400, "A resource share can have %d tags.", mostTags)
	}
	return out, nil
}

// retag changes the tags of the share that is named.
func (s *Service) retag(ctx context.Context, q request, names []*string, change func([]world.Tag) ([]world.Tag, error)) error {
	_, _, err := s.update(ctx, q, func(tx *world.Tx) ([]string, error) {
		names = slices.DeleteFunc(names, func(p *string) bool { return value(p) == "" })
		if len(names) != 1 {
			return nil, awserr.RAMInvalid("Exactly one of resourceShareArn and resourceArn is needed.")
		}
		if strings.Contains(*names[0], "::aws:permission/") {
			return nil, awserr.RAMNotPermitted("The permission %s belongs to AWS.", *names[0])
		}
		r, err := ownShare(&tx.World, q.c, *names[0])
		if err != nil {
			return nil, err
		}
		if r.Tags, err = change(r.Tags); err != nil {
			return nil, err
		}
		tx.ResourceShares.Put(r)
		return nil, nil
	})
	return err
}

// TagResource sets tags of a share.
func (s *Service) TagResource(ctx context.Context, c world.Caller, in *ramapi.TagResourceInput) (*ramapi.TagResourceOutput, error) {
	err := s.retag(ctx, request{c: c, op: "TagResource", in: in}, []*string{in.ResourceShareArn, in.ResourceArn}, func(have []world.Tag) ([]world.Tag, error) { return tagsOf(have, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &ramapi.TagResourceOutput{}, nil
}

// UntagResource takes tags of a share away.
func (s *Service) UntagResource(ctx context.Context, c world.Caller, in *ramapi.UntagResourceInput) (*ramapi.UntagResourceOutput, error) {
	err := s.retag(ctx, request{c: c, op: "UntagResource", in: in}, []*string{in.ResourceShareArn, in.ResourceArn}, func(have []world.Tag) ([]world.Tag, error) {
		return world.WithoutTags(have, func(t world.Tag) bool { return slices.Contains(in.TagKeys, t.Key) }), nil
	})
	if err != nil {
		return nil, err
	}
	return &ramapi.UntagResourceOutput{}, nil
}
