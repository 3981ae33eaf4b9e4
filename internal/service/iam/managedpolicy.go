package iam

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/policy/managed"
	"kumiko/internal/world"
)

// awsCreated is the date told of AWS's own policies, of which the true ones are not kept.
var awsCreated = time.Date(2015, 2, 6, 18, 40, 0, 0, time.UTC)

// uses counts the identities that have a policy attached, and those it bounds.
func uses(w *world.World, a world.AccountID, arn string) (attached, bounds int32) {
	for _, i := range w.Identities(a) {
		if slices.Contains(i.Attached, arn) {
			attached++
		}
		if i.Boundary == arn {
			bounds++
		}
	}
	return attached, bounds
}

func policyOf(w *world.World, p world.ManagedPolicy, whole bool) iamapi.Policy {
	attached, bounds := uses(w, p.Account, p.ARN())
	out := iamapi.Policy{
		PolicyName: new(p.Name), PolicyId: new(p.ID), Arn: new(p.ARN()), Path: new(p.Path), DefaultVersionId: new(versionID(p.Default)),
		AttachmentCount: &attached, PermissionsBoundaryUsageCount: &bounds, IsAttachable: new(true), CreateDate: new(p.Created), UpdateDate: new(p.Updated),
	}
	if whole {
		out.Description, out.Tags = some(p.Description), tagsOf(p.Tags)
	}
	return out
}

func policyOfAWS(w *world.World, c world.Caller, p managed.Policy) iamapi.Policy {
	attached, bounds := uses(w, c.Account, p.ARN())
	return iamapi.Policy{
		PolicyName: new(p.Name), PolicyId: new(p.ID()), Arn: new(p.ARN()), Path: new(p.Path), DefaultVersionId: new(p.Version),
		AttachmentCount: &attached, PermissionsBoundaryUsageCount: &bounds, IsAttachable: new(true), CreateDate: new(awsCreated), UpdateDate: new(awsCreated),
	}
}

func versionID(n int) string { return "v" + strconv.Itoa(n) }

// ownPolicy is the caller's policy with an ARN.
func ownPolicy(w *world.World, c world.Caller, arn *string) (world.ManagedPolicy, error) {
	p, ok := w.PolicyByARN(val(arn))
	if !ok || p.Account != c.Account {
		return p, awserr.IAMNoSuch("Policy %s was not found.", val(arn))
	}
	return p, nil
}

// CreatePolicy makes a managed policy.
func (s *Service) CreatePolicy(ctx context.Context, c world.Caller, in *iamapi.CreatePolicyInput) (*iamapi.CreatePolicyOutput, error) {
	if err := managedDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	var p world.ManagedPolicy
	w, err := s.update(ctx, func(tx *world.Tx) (err error) {
		p = world.ManagedPolicy{
			Account: c.Account, ID: tx.IAMID("ANPA"), Name: val(in.PolicyName), Path: cmp.Or(val(in.Path), "/"), Description: val(in.Description),
			Created: tx.Now, Updated: tx.Now, Default: 1, Next: 2, Versions: []world.PolicyVersion{{Number: 1, Document: *in.PolicyDocument, Created: tx.Now}},
		}
		if p.Tags, err = mergeTags(nil, in.Tags); err != nil {
			return err
		}
		if tx.ManagedPolicies.Has(p.RowID()) {
			return awserr.IAMExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
		}
		tx.ManagedPolicies.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyOutput{Policy: new(policyOf(&w, p, true))}, nil
}

func managedDocument(text *string) error {
	if err := identityDocument(text); err != nil {
		return err
	}
	if size(*text) > maxManaged {
		return awserr.IAMLimit("Cannot exceed quota for PolicySize: %d", maxManaged)
	}
	return nil
}

// GetPolicy tells of a managed policy.
func (s *Service) GetPolicy(_ context.Context, c world.Caller, in *iamapi.GetPolicyInput) (*iamapi.GetPolicyOutput, error) {
	w := s.store.World()
	if p, ok := s.managed.Get(val(in.PolicyArn)); ok {
		return &iamapi.GetPolicyOutput{Policy: new(policyOfAWS(&w, c, p))}, nil
	}
	p, err := ownPolicy(&w, c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetPolicyOutput{Policy: new(policyOf(&w, p, true))}, nil
}

// DeletePolicy deletes a managed policy that is attached to nothing and has no versions beside the one in force.
func (s *Service) DeletePolicy(ctx context.Context, c world.Caller, in *iamapi.DeletePolicyInput) (*iamapi.DeletePolicyOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		p, err := ownPolicy(&tx.World, c, in.PolicyArn)
		if err != nil {
			return err
		}
		attached, bounds := uses(&tx.World, c.Account, p.ARN())
		switch {
		case attached+bounds > 0:
			return awserr.IAMDeleteConflict("Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return awserr.IAMDeleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. " +
				"The default version is deleted with the policy.")
		}
		tx.ManagedPolicies.Delete(p.RowID())
		return nil
	})
	return nil, err
}

// ListPolicies lists the managed policies of the account and of AWS.
func (s *Service) ListPolicies(_ context.Context, c world.Caller, in *iamapi.ListPoliciesInput) (*iamapi.ListPoliciesOutput, error) {
	w := s.store.World()
	var all []iamapi.Policy
	if val(in.Scope) != "AWS" {
		all = each(rows(&w.ManagedPolicies, c), func(p world.ManagedPolicy) iamapi.Policy { return policyOf(&w, p, false) })
	}
	if val(in.Scope) != "Local" {
		all = append(all, each(s.managed.All(), func(p managed.Policy) iamapi.Policy { return policyOfAWS(&w, c, p) })...)
	}
	all = slices.DeleteFunc(below(all, in.PathPrefix, func(p iamapi.Policy) string { return *p.Path }), func(p iamapi.Policy) bool {
		attached, bounds := *p.AttachmentCount, *p.PermissionsBoundaryUsageCount
		switch val(in.PolicyUsageFilter) {
		case "PermissionsPolicy":
			bounds = 0
		case "PermissionsBoundary":
			attached = 0
		}
		return (val(in.OnlyAttached) || in.PolicyUsageFilter != nil) && attached+bounds == 0
	})
	slices.SortFunc(all, func(a, b iamapi.Policy) int { return strings.Compare(*a.Arn, *b.Arn) })
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, all, func(p iamapi.Policy) string { return *p.Arn })
	return &iamapi.ListPoliciesOutput{Policies: append([]iamapi.Policy{}, page...), IsTruncated: more, Marker: next}, err
}

// ListEntitiesForPolicy lists the identities a managed policy is attached to, or bounds.
func (s *Service) ListEntitiesForPolicy(_ context.Context, c world.Caller, in *iamapi.ListEntitiesForPolicyInput) (*iamapi.ListEntitiesForPolicyOutput, error) {
	w := s.store.World()
	arn := val(in.PolicyArn)
	if err := s.attachable(&w, c, arn); err != nil {
		return nil, awserr.IAMNoSuch("Policy %s was not found.", arn)
	}
	has := func(i world.Identity, filter string) bool {
		usage := val(in.PolicyUsageFilter)
		return (val(in.EntityFilter) == "" || *in.EntityFilter == filter) && strings.HasPrefix(i.Path, val(in.PathPrefix)) &&
			(slices.Contains(i.Attached, arn) && usage != "PermissionsBoundary" || i.Boundary == arn && usage != "PermissionsPolicy")
	}
	var all []entity
	for _, g := range rows(&w.Groups, c) {
		all = append(all, entity{"Group", g.Identity})
	}
	for _, r := range rows(&w.Roles, c) {
		all = append(all, entity{"Role", r.Identity})
	}
	for _, u := range rows(&w.Users, c) {
		all = append(all, entity{"User", u.Identity})
	}
	all = slices.DeleteFunc(all, func(e entity) bool { return !has(e.Identity, e.kind) })
	page, more, next, err := paged(listing{in.Marker, in.MaxItems}, all, func(e entity) string { return e.kind + " " + e.Name })
	out := &iamapi.ListEntitiesForPolicyOutput{
		IsTruncated: more, Marker: next, PolicyGroups: []iamapi.PolicyGroup{}, PolicyUsers: []iamapi.PolicyUser{}, PolicyRoles: []iamapi.PolicyRole{},
	}
	for _, e := range page {
		switch e.kind {
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, iamapi.PolicyGroup{GroupName: new(e.Name), GroupId: new(e.ID)})
		case "Role":
			out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleName: new(e.Name), RoleId: new(e.ID)})
		default:
			out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserName: new(e.Name), UserId: new(e.ID)})
		}
	}
	return out, err
}

// entity is an identity of one of the three kinds that have policies.
type entity struct {
	kind string
	world.Identity
}
