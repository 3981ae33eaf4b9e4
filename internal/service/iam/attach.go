package iam

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// attachable refuses an ARN that is of no policy the caller can attach.
func (s *Service) attachable(w *world.World, c world.Caller, arn string) error {
	p, ok := w.PolicyByARN(arn)
	if _, known := s.managed.Get(arn); known || ok && p.Account == c.Account {
		return nil
	}
	return awserr.IAMNoSuch("Policy %s does not exist or is not attachable.", arn)
}

func (s *Service) attach(ctx context.Context, c world.Caller, k kind, name, arn *string) error {
	return s.edit(ctx, c, k, name, func(tx *world.Tx, i *world.Identity) error {
		if err := s.attachable(&tx.World, c, val(arn)); err != nil {
			return err
		}
		if slices.Contains(i.Attached, *arn) {
			return nil
		}
		if len(i.Attached) >= maxAttached {
			return awserr.IAMLimit("Cannot exceed quota for %s: %d", k.quota, maxAttached)
		}
		i.Attached = append(slices.Clone(i.Attached), *arn)
		return nil
	})
}

func (s *Service) detach(ctx context.Context, c world.Caller, k kind, name, arn *string) error {
	return s.edit(ctx, c, k, name, func(_ *world.Tx, i *world.Identity) error {
		if !slices.Contains(i.Attached, val(arn)) {
			return awserr.IAMNoSuch("Policy %s was not found.", val(arn))
		}
		i.Attached = slices.DeleteFunc(slices.Clone(i.Attached), func(a string) bool { return a == *arn })
		return nil
	})
}

func (s *Service) attached(c world.Caller, k kind, name, prefix *string, l listing) ([]iamapi.AttachedPolicy, *bool, *string, error) {
	i, err := s.seen(c, k, name)
	if err != nil {
		return nil, nil, nil, err
	}
	var out []iamapi.AttachedPolicy
	for _, arn := range i.Attached {
		_, path, _ := strings.Cut(arn, ":policy")
		at := strings.LastIndex(path, "/") + 1
		if strings.HasPrefix(path[:at], val(prefix)) {
			out = append(out, iamapi.AttachedPolicy{PolicyArn: new(arn), PolicyName: new(path[at:])})
		}
	}
	slices.SortFunc(out, func(a, b iamapi.AttachedPolicy) int { return strings.Compare(*a.PolicyArn, *b.PolicyArn) })
	page, more, next, err := paged(l, out, func(p iamapi.AttachedPolicy) string { return *p.PolicyArn })
	return append([]iamapi.AttachedPolicy{}, page...), more, next, err
}

// AttachUserPolicy attaches a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, c world.Caller, in *iamapi.AttachUserPolicyInput) (*iamapi.AttachUserPolicyOutput, error) {
	return nil, s.attach(ctx, c, users(), in.UserName, in.PolicyArn)
}

// AttachGroupPolicy attaches a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, c world.Caller, in *iamapi.AttachGroupPolicyInput) (*iamapi.AttachGroupPolicyOutput, error) {
	return nil, s.attach(ctx, c, groups(), in.GroupName, in.PolicyArn)
}

// AttachRolePolicy attaches a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, c world.Caller, in *iamapi.AttachRolePolicyInput) (*iamapi.AttachRolePolicyOutput, error) {
	return nil, s.attach(ctx, c, roles(), in.RoleName, in.PolicyArn)
}

// DetachUserPolicy detaches a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, c world.Caller, in *iamapi.DetachUserPolicyInput) (*iamapi.DetachUserPolicyOutput, error) {
	return nil, s.detach(ctx, c, users(), in.UserName, in.PolicyArn)
}

// DetachGroupPolicy detaches a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, c world.Caller, in *iamapi.DetachGroupPolicyInput) (*iamapi.DetachGroupPolicyOutput, error) {
	return nil, s.detach(ctx, c, groups(), in.GroupName, in.PolicyArn)
}

// DetachRolePolicy detaches a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, c world.Caller, in *iamapi.DetachRolePolicyInput) (*iamapi.DetachRolePolicyOutput, error) {
	return nil, s.detach(ctx, c, roles(), in.RoleName, in.PolicyArn)
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(_ context.Context, c world.Caller, in *iamapi.ListAttachedUserPoliciesInput) (*iamapi.ListAttachedUserPoliciesOutput, error) {
	page, more, next, err := s.attached(c, users(), in.UserName, in.PathPrefix, listing{in.Marker, in.MaxItems})
	return &iamapi.ListAttachedUserPoliciesOutput{AttachedPolicies: page, IsTruncated: more, Marker: next}, err
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(_ context.Context, c world.Caller, in *iamapi.ListAttachedGroupPoliciesInput) (*iamapi.ListAttachedGroupPoliciesOutput, error) {
	page, more, next, err := s.attached(c, groups(), in.GroupName, in.PathPrefix, listing{in.Marker, in.MaxItems})
	return &iamapi.ListAttachedGroupPoliciesOutput{AttachedPolicies: page, IsTruncated: more, Marker: next}, err
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(_ context.Context, c world.Caller, in *iamapi.ListAttachedRolePoliciesInput) (*iamapi.ListAttachedRolePoliciesOutput, error) {
	page, more, next, err := s.attached(c, roles(), in.RoleName, in.PathPrefix, listing{in.Marker, in.MaxItems})
	return &iamapi.ListAttachedRolePoliciesOutput{AttachedPolicies: page, IsTruncated: more, Marker: next}, err
}
