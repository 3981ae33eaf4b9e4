package lattice

import (
	"context"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// retag gives the tags of the resource with the ARN to f, and puts back what f makes of them.
func retag(tx *world.Tx, c world.Caller, action string, arn *string, f func([]world.Tag) []world.Tag) error {
	_, _, resource, ok := parseARN(value(arn))
	path, _, _ := strings.Cut(resource, "/")
	if !ok {
		return invalidField("resourceArn", "'"+value(arn)+"' is no ARN of a VPC Lattice resource")
	}
	w, field := &tx.World, func(k kind) kind { return k.called("resourceArn").to(action) }
	switch path {
	case networkKind().path:
		r, err := find(w, &tx.ServiceNetworks, c, field(networkKind()), arn)
		return retagRow(&tx.ServiceNetworks, r, err, func(r *world.ServiceNetwork) { r.Tags = f(r.Tags) })
	case vpcAssociationKind().path:
		r, err := ownAssociation(w, &tx.VPCAssociations, c, field(vpcAssociationKind()), arn)
		return retagRow(&tx.VPCAssociations, r, err, func(r *world.VPCAssociation) { r.Tags = f(r.Tags) })
	case resourceAssociationKind().path:
		r, err := ownAssociation(w, &tx.ResourceAssociations, c, field(resourceAssociationKind()), arn)
		return retagRow(&tx.ResourceAssociations, r, err, func(r *world.ResourceAssociation) { r.Tags = f(r.Tags) })
	case gatewayKind().path:
		r, err := find(w, &tx.ResourceGateways, c, field(gatewayKind()), arn)
		return retagRow(&tx.ResourceGateways, r, err, func(r *world.ResourceGateway) { r.Tags = f(r.Tags) })
	case configurationKind().path:
		r, err := find(w, &tx.ResourceConfigurations, c, field(configurationKind()), arn)
		return retagRow(&tx.ResourceConfigurations, r, err, func(r *world.ResourceConfiguration) { r.Tags = f(r.Tags) })
	case serviceAssociationKind().path:
		r, err := ownAssociation(w, &tx.ServiceAssociations, c, field(serviceAssociationKind()), arn)
		return retagRow(&tx.ServiceAssociations, r, err, func(r *world.ServiceAssociation) { r.Tags = f(r.Tags) })
	case targetGroupKind().path:
		r, err := find(w, &tx.LatticeTargetGroups, c, field(targetGroupKind()), arn)
		return retagRow(&tx.LatticeTargetGroups, r, err, func(r *world.LatticeTargetGroup) { r.Tags = f(r.Tags) })
	case serviceKind().path:
		return retagService(tx, c, arn, f)
	case subscriptionKind().path:
		r, err := find(w, &tx.AccessLogSubscriptions, c, field(subscriptionKind()), arn)
		return retagRow(&tx.AccessLogSubscriptions, r, err, func(r *world.AccessLogSubscription) { r.Tags = f(r.Tags) })
	}
	return awserr.LatticeNotFound(strings.ToUpper(path), value(arn))
}

// retagService gives the tags of a service, or of a listener or a rule below it, to f.
func retagService(tx *world.Tx, c world.Caller, arn *string, f func([]world.Tag) []world.Tag) error {
	parts := strings.SplitN(value(arn), "/", 7) // …service/svc-…/listener/listener-…/rule/rule-…
	up := func(n int) *string { return new(strings.Join(parts[:n], "/")) }
	switch len(parts) {
	case 2:
		r, err := find(&tx.World, &tx.LatticeServices, c, serviceKind().called("resourceArn"), arn)
		return retagRow(&tx.LatticeServices, r, err, func(r *world.LatticeService) { r.Tags = f(r.Tags) })
	case 4:
		_, l, err := findListener(&tx.World, c, up(2), arn)
		if err == nil {
			l.Tags = f(l.Tags)
			tx.LatticeListeners.Put(l)
		}
		return err
	case 6:
		_, r, err := findRule(&tx.World, c, up(2), up(4), arn)
		if err == nil && r.Priority == 0 {
			err = awserr.LatticeValidation("The default rule %s has no tags of its own.", r.ID)
		}
		if err == nil {
			r.Tags = f(r.Tags)
			tx.LatticeRules.Put(r)
		}
		return err
	}
	return awserr.LatticeNotFound("RESOURCE", value(arn))
}

// ownAssociation is an association of the caller's making.
func ownAssociation[K ~string, R association](w *world.World, t *world.Table[K, R], c world.Caller, k kind, arn *string) (R, error) {
	r, err := findAssociation(w, t, c, k, arn)
	if err == nil && !r.OwnedBy(c) {
		err = denied(c, k, *arn)
	}
	return r, err
}

func retagRow[K ~string, R row](t *world.Table[K, R], r R, err error, f func(*R)) error {
	if err != nil {
		return err
	}
	f(&r)
	t.Put(r)
	return nil
}

// TagResource sets tags.
func (s *Service) TagResource(ctx context.Context, c world.Caller, in *latticeapi.TagResourceInput) (*latticeapi.TagResourceOutput, error) {
	set, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	_, err = s.update(ctx, func(tx *world.Tx) error {
		var wrong error
		err := retag(tx, c, "TagResource", in.ResourceArn, func(have []world.Tag) []world.Tag {
			tags := world.MergeTags(have, set)
			wrong = checkTags(tags)
			return tags
		})
		if err != nil {
			return err
		}
		return wrong
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.TagResourceOutput{}, nil
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, c world.Caller, in *latticeapi.UntagResourceInput) (*latticeapi.UntagResourceOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		return retag(tx, c, "UntagResource", in.ResourceArn, func(have []world.Tag) []world.Tag {
			return world.WithoutTags(have, func(t world.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		})
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(_ context.Context, c world.Caller, in *latticeapi.ListTagsForResourceInput) (*latticeapi.ListTagsForResourceOutput, error) {
	v := s.look()
	tx := world.Begin(v.w, time.Time{}, nil) // a copy that is thrown away
	out := &latticeapi.ListTagsForResourceOutput{Tags: map[string]string{}}
	err := retag(tx, c, "ListTagsForResource", in.ResourceArn, func(have []world.Tag) []world.Tag {
		for _, t := range have {
			out.Tags[t.Key] = t.Value
		}
		return have
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
