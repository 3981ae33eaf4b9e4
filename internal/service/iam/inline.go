package iam

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// inline names an inline policy of an identity.
type inline struct {
	kind
	owner *string
	name  *string
}

func (s *Service) putInline(ctx context.Context, c world.Caller, q inline, document *string) error {
	if err := identityDocument(document); err != nil {
		return err
	}
	return s.edit(ctx, c, q.kind, q.owner, func(_ *world.Tx, i *world.Identity) error {
		list := slices.DeleteFunc(slices.Clone(i.Inline), func(p world.InlinePolicy) bool { return strings.EqualFold(p.Name, val(q.name)) })
		i.Inline = append(list, world.InlinePolicy{Name: val(q.name), Document: val(document)})
		slices.SortFunc(i.Inline, func(a, b world.InlinePolicy) int { return strings.Compare(a.Name, b.Name) })
		total := 0
		for _, p := range i.Inline {
			total += size(p.Document)
		}
		if total > q.inline {
			return awserr.IAMLimit("Maximum policy size of %d bytes exceeded for %s %s", q.inline, q.noun, i.Name)
		}
		return nil
	})
}

func (s *Service) getInline(c world.Caller, q inline) (world.Identity, world.InlinePolicy, error) {
	i, err := s.seen(c, q.kind, q.owner)
	if err != nil {
		return i, world.InlinePolicy{}, err
	}
	p, ok := i.Policy(val(q.name))
	if !ok {
		return i, p, awserr.IAMNoSuch("The %s policy with name %s cannot be found.", q.noun, val(q.name))
	}
	p.Document = encoded(p.Document)
	return i, p, nil
}

func (s *Service) deleteInline(ctx context.Context, c world.Caller, q inline) error {
	return s.edit(ctx, c, q.kind, q.owner, func(_ *world.Tx, i *world.Identity) error {
		if _, ok := i.Policy(val(q.name)); !ok {
			return awserr.IAMNoSuch("The %s policy with name %s cannot be found.", q.noun, val(q.name))
		}
		i.Inline = slices.DeleteFunc(slices.Clone(i.Inline), func(p world.InlinePolicy) bool { return strings.EqualFold(p.Name, val(q.name)) })
		return nil
	})
}

func (s *Service) listInline(c world.Caller, k kind, name *string, l listing) ([]string, *bool, *string, error) {
	i, err := s.seen(c, k, name)
	if err != nil {
		return nil, nil, nil, err
	}
	names := each(i.Inline, func(p world.InlinePolicy) string { return p.Name })
	return paged(l, names, func(n string) string { return n })
}

// PutUserPolicy sets an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, c world.Caller, in *iamapi.PutUserPolicyInput) (*iamapi.PutUserPolicyOutput, error) {
	return nil, s.putInline(ctx, c, inline{users(), in.UserName, in.PolicyName}, in.PolicyDocument)
}

// PutGroupPolicy sets an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, c world.Caller, in *iamapi.PutGroupPolicyInput) (*iamapi.PutGroupPolicyOutput, error) {
	return nil, s.putInline(ctx, c, inline{groups(), in.GroupName, in.PolicyName}, in.PolicyDocument)
}

// PutRolePolicy sets an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, c world.Caller, in *iamapi.PutRolePolicyInput) (*iamapi.PutRolePolicyOutput, error) {
	return nil, s.putInline(ctx, c, inline{roles(), in.RoleName, in.PolicyName}, in.PolicyDocument)
}

// GetUserPolicy tells an inline policy of a user.
func (s *Service) GetUserPolicy(_ context.Context, c world.Caller, in *iamapi.GetUserPolicyInput) (*iamapi.GetUserPolicyOutput, error) {
	i, p, err := s.getInline(c, inline{users(), in.UserName, in.PolicyName})
	return &iamapi.GetUserPolicyOutput{UserName: &i.Name, PolicyName: &p.Name, PolicyDocument: &p.Document}, err
}

// GetGroupPolicy tells an inline policy of a group.
func (s *Service) GetGroupPolicy(_ context.Context, c world.Caller, in *iamapi.GetGroupPolicyInput) (*iamapi.GetGroupPolicyOutput, error) {
	i, p, err := s.getInline(c, inline{groups(), in.GroupName, in.PolicyName})
	return &iamapi.GetGroupPolicyOutput{GroupName: &i.Name, PolicyName: &p.Name, PolicyDocument: &p.Document}, err
}

// GetRolePolicy tells an inline policy of a role.
func (s *Service) GetRolePolicy(_ context.Context, c world.Caller, in *iamapi.GetRolePolicyInput) (*iamapi.GetRolePolicyOutput, error) {
	i, p, err := s.getInline(c, inline{roles(), in.RoleName, in.PolicyName})
	return &iamapi.GetRolePolicyOutput{RoleName: &i.Name, PolicyName: &p.Name, PolicyDocument: &p.Document}, err
}

// DeleteUserPolicy deletes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, c world.Caller, in *iamapi.DeleteUserPolicyInput) (*iamapi.DeleteUserPolicyOutput, error) {
	return nil, s.deleteInline(ctx, c, inline{users(), in.UserName, in.PolicyName})
}

// DeleteGroupPolicy deletes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, c world.Caller, in *iamapi.DeleteGroupPolicyInput) (*iamapi.DeleteGroupPolicyOutput, error) {
	return nil, s.deleteInline(ctx, c, inline{groups(), in.GroupName, in.PolicyName})
}

// DeleteRolePolicy deletes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, c world.Caller, in *iamapi.DeleteRolePolicyInput) (*iamapi.DeleteRolePolicyOutput, error) {
	return nil, s.deleteInline(ctx, c, inline{roles(), in.RoleName, in.PolicyName})
}

// ListUserPolicies lists the inline policies of a user.
func (s *Service) ListUserPolicies(_ context.Context, c world.Caller, in *iamapi.ListUserPoliciesInput) (*iamapi.ListUserPoliciesOutput, error) {
	page, more, next, err := s.listInline(c, users(), in.UserName, listing{in.Marker, in.MaxItems})
	return &iamapi.ListUserPoliciesOutput{PolicyNames: page, IsTruncated: more, Marker: next}, err
}

// ListGroupPolicies lists the inline policies of a group.
func (s *Service) ListGroupPolicies(_ context.Context, c world.Caller, in *iamapi.ListGroupPoliciesInput) (*iamapi.ListGroupPoliciesOutput, error) {
	page, more, next, err := s.listInline(c, groups(), in.GroupName, listing{in.Marker, in.MaxItems})
	return &iamapi.ListGroupPoliciesOutput{PolicyNames: page, IsTruncated: more, Marker: next}, err
}

// ListRolePolicies lists the inline policies of a role.
func (s *Service) ListRolePolicies(_ context.Context, c world.Caller, in *iamapi.ListRolePoliciesInput) (*iamapi.ListRolePoliciesOutput, error) {
	page, more, next, err := s.listInline(c, roles(), in.RoleName, listing{in.Marker, in.MaxItems})
	return &iamapi.ListRolePoliciesOutput{PolicyNames: page, IsTruncated: more, Marker: next}, err
}
