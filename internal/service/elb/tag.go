package elb

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// mergeTags sets tags.
func mergeTags(have []world.Tag, set []elbapi.Tag) ([]world.Tag, error) {
	var add []world.Tag
	for _, t := range set {
		key := value(t.Key)
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, awserr.ELBInvalid("The tag key '%s' cannot begin with 'aws:'", key)
		}
		if slices.ContainsFunc(add, func(o world.Tag) bool { return o.Key == key }) {
			return nil, awserr.ELBCode("DuplicateTagKeys", "The tag key '%s' is specified more than once", key)
		}
		add = append(add, world.Tag{Key: key, Value: value(t.Value)})
	}
	out := world.MergeTags(have, add)
	if len(out) > mostTags {
		return nil, awserr.ELBCode("TooManyTags", "A resource can have %d tags", mostTags)
	}
	return out, nil
}

// retag changes the tags of what an ARN names.
func retag(tx *world.Tx, c world.Caller, arn string, edit func([]world.Tag) ([]world.Tag, error)) (err error) {
	switch {
	case strings.Contains(arn, ":loadbalancer/"):
		b, err := balancer(&tx.World, c, &arn)
		if err == nil {
			b.Tags, err = edit(b.Tags)
		}
		if err == nil {
			tx.LoadBalancers.Put(b)
		}
		return err
	case strings.Contains(arn, ":listener/"):
		l, err := listener(&tx.World, c, &arn)
		if err == nil {
			l.Tags, err = edit(l.Tags)
		}
		if err == nil {
			tx.Listeners.Put(l)
		}
		return err
	}
	g, err := group(&tx.World, c, &arn)
	if err == nil {
		g.Tags, err = edit(g.Tags)
	}
	if err == nil {
		tx.TargetGroups.Put(g)
	}
	return err
}

// AddTags sets tags of load balancers, listeners and target groups.
func (s *Service) AddTags(ctx context.Context, c world.Caller, in *elbapi.AddTagsInput) (*elbapi.AddTagsOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		for _, arn := range in.ResourceArns {
			if err := retag(tx, c, arn, func(have []world.Tag) ([]world.Tag, error) { return mergeTags(have, in.Tags) }); err != nil {
				return err
			}
		}
		return nil
	})
	return &elbapi.AddTagsOutput{}, err
}

// RemoveTags removes tags of load balancers, listeners and target groups.
func (s *Service) RemoveTags(ctx context.Context, c world.Caller, in *elbapi.RemoveTagsInput) (*elbapi.RemoveTagsOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		for _, arn := range in.ResourceArns {
			err := retag(tx, c, arn, func(have []world.Tag) ([]world.Tag, error) {
				return world.WithoutTags(have, func(t world.Tag) bool { return slices.Contains(in.TagKeys, t.Key) }), nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return &elbapi.RemoveTagsOutput{}, err
}

// DescribeTags tells the tags of load balancers, listeners and target groups.
func (s *Service) DescribeTags(_ context.Context, c world.Caller, in *elbapi.DescribeTagsInput) (*elbapi.DescribeTagsOutput, error) {
	w := s.store.World()
	out := &elbapi.DescribeTagsOutput{}
	for _, arn := range in.ResourceArns {
		m, err := meta(&w, c, arn)
		if err != nil {
			return nil, err
		}
		tags := each(m.Tags, func(t world.Tag) elbapi.Tag { return elbapi.Tag{Key: new(t.Key), Value: new(t.Value)} })
		out.TagDescriptions = append(out.TagDescriptions, elbapi.TagDescription{ResourceArn: new(arn), Tags: tags})
	}
	return out, nil
}

// meta is the Meta of what an ARN names.
func meta(w *world.World, c world.Caller, arn string) (world.Meta, error) {
	switch {
	case strings.Contains(arn, ":loadbalancer/"):
		b, err := balancer(w, c, &arn)
		return b.Meta, err
	case strings.Contains(arn, ":listener/"):
		l, err := listener(w, c, &arn)
		return l.Meta, err
	}
	g, err := group(w, c, &arn)
	return g.Meta, err
}
