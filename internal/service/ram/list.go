package ram

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// resource describes a resource in a share.
func (v view) resource(a world.ShareAssociation) ramapi.Resource {
	r, _ := v.w.ResourceShares.Get(a.Share)
	t, _, _ := v.w.Shareable(a.Entity)
	return ramapi.Resource{
		Arn: new(a.Entity), Type: new(t.Name), ResourceShareArn: new(r.ARN()), Status: new("AVAILABLE"),
		CreationTime: new(a.Created), LastUpdatedTime: new(a.Updated), ResourceRegionScope: new("REGIONAL"),
	}
}

// regional tells whether resources of regions are asked for: there are no others.
func regional(scope *string) bool { return value(scope) != "GLOBAL" }

// typeNamed is the type of resource with a name, in whatever case.
func typeNamed(name string) (world.SharedType, error) {
	for _, t := range world.SharedTypes() {
		if strings.EqualFold(t.Name, name) {
			return t, nil
		}
	}
	return world.SharedType{}, awserr.New("InvalidResourceTypeException", 400, "The resource type %s is not valid.", name)
}

// relevant tells whether a share is the caller's own or, for others, one it has accepted.
func (v view) relevant(r world.ResourceShare, owner string) bool {
	if owner == "SELF" {
		return r.OwnedBy(v.c)
	}
	return !r.OwnedBy(v.c) && member(&v.w, v.c, r)
}

// ListResources lists the resources the caller shares, or those shared with it.
func (s *Service) ListResources(_ context.Context, c world.Caller, in *ramapi.ListResourcesInput) (*ramapi.ListResourcesOutput, error) {
	v, want := s.look(c), ""
	if in.ResourceType != nil {
		t, err := typeNamed(*in.ResourceType)
		if err != nil {
			return nil, err
		}
		want = t.Name
	}
	rows := v.associations(false, func(r world.ResourceShare, a world.ShareAssociation) bool {
		t, _, _ := v.w.Shareable(a.Entity)
		return a.Live() && v.relevant(r, *in.ResourceOwner) && regional(in.ResourceRegionScope) && is(t.Name, given(want)) &&
			among(a.Entity, in.ResourceArns) && among(r.ARN(), in.ResourceShareArns) && (in.Principal == nil || v.with(r, *in.Principal, *in.ResourceOwner))
	})
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, world.ShareAssociation.RowID, v.resource)
	return &ramapi.ListResourcesOutput{Resources: out, NextToken: next}, err
}

// with tells whether an account is among those a share is made for; of others' shares, whether it is the owner.
func (v view) with(r world.ResourceShare, account, owner string) bool {
	if owner != "SELF" {
		return string(r.Account) == account
	}
	a, ok := v.w.ShareAssociations.Get(world.ShareAssociationKey(r.ID, account))
	return ok && a.Principal && v.w.Settled(a, v.now).Live()
}

// ListPrincipals lists the accounts the caller shares with, or those that share with it.
func (s *Service) ListPrincipals(_ context.Context, c world.Caller, in *ramapi.ListPrincipalsInput) (*ramapi.ListPrincipalsOutput, error) {
	v, want := s.look(c), ""
	if in.ResourceType != nil {
		t, err := typeNamed(*in.ResourceType)
		if err != nil {
			return nil, err
		}
		want = t.Name
	}
	rows := v.associations(true, func(r world.ResourceShare, a world.ShareAssociation) bool {
		mine := *in.ResourceOwner == "SELF" || a.Entity == string(c.Account)
		return mine && v.w.Settled(a, v.now).Live() && v.relevant(r, *in.ResourceOwner) && among(r.ARN(), in.ResourceShareArns) &&
			among(v.partner(r, a), in.Principals) && v.has(r, want, in.ResourceArn)
	})
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, world.ShareAssociation.RowID, v.principal)
	return &ramapi.ListPrincipalsOutput{Principals: out, NextToken: next}, err
}

// has tells whether a share has a resource of a type and with an ARN, as far as these are asked for.
func (v view) has(r world.ResourceShare, kind string, arn *string) bool {
	if kind == "" && arn == nil {
		return true
	}
	return slices.ContainsFunc(slices.Collect(v.w.ShareAssociations.In(string(r.ID))), func(a world.ShareAssociation) bool {
		t, _, _ := v.w.Shareable(a.Entity)
		return !a.Principal && a.Live() && is(t.Name, given(kind)) && is(a.Entity, arn)
	})
}

// partner is the account on the other side of a share.
func (v view) partner(r world.ResourceShare, a world.ShareAssociation) string {
	if r.OwnedBy(v.c) {
		return a.Entity
	}
	return string(r.Account)
}

// principal describes the account on the other side of a share.
func (v view) principal(a world.ShareAssociation) ramapi.Principal {
	r, _ := v.w.ResourceShares.Get(a.Share)
	return ramapi.Principal{
		Id: new(v.partner(r, a)), ResourceShareArn: new(r.ARN()), CreationTime: new(a.Created), LastUpdatedTime: new(a.Updated), External: new(true),
	}
}

// ListResourceTypes lists the types of resource that can be shared.
func (s *Service) ListResourceTypes(_ context.Context, _ world.Caller, in *ramapi.ListResourceTypesInput) (*ramapi.ListResourceTypesOutput, error) {
	rows := world.SharedTypes()
	if !regional(in.ResourceRegionScope) {
		rows = nil
	}
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, func(t world.SharedType) string { return t.Name }, func(t world.SharedType) ramapi.ServiceNameAndResourceType {
		service, _, _ := strings.Cut(t.Name, ":")
		return ramapi.ServiceNameAndResourceType{ResourceType: new(t.Name), ServiceName: new(service), ResourceRegionScope: new("REGIONAL")}
	})
	return &ramapi.ListResourceTypesOutput{ResourceTypes: out, NextToken: next}, err
}

// GetResourcePolicies tells the policies of the caller's resources that sharing gave them.
func (s *Service) GetResourcePolicies(_ context.Context, c world.Caller, in *ramapi.GetResourcePoliciesInput) (*ramapi.GetResourcePoliciesOutput, error) {
	v := s.look(c)
	var rows []string
	for _, arn := range in.ResourceArns {
		_, m, ok := v.w.Shareable(arn)
		switch {
		case !strings.HasPrefix(arn, "arn:"):
			return nil, awserr.RAMMalformed(arn)
		case !ok || !m.OwnedBy(c):
			return nil, awserr.New("ResourceArnNotFoundException", 400, "The resource %s could not be found.", arn)
		}
		if v.w.SharingPolicy(arn) != "" && (in.Principal == nil || v.w.SharedWith(world.AccountID(*in.Principal), arn)) {
			rows = append(rows, arn)
		}
	}
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, func(arn string) string { return arn }, v.w.SharingPolicy)
	return &ramapi.GetResourcePoliciesOutput{Policies: out, NextToken: next}, err
}
