package ram

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateResourceShare makes a share, with the resources and principals it is to have from the start.
func (s *Service) CreateResourceShare(ctx context.Context, c world.Caller, in *ramapi.CreateResourceShareInput) (*ramapi.CreateResourceShareOutput, error) {
	tags, err := tagsOf(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkName(*in.Name); err != nil {
		return nil, err
	}
	if value(in.ResourceShareConfiguration).RetainSharingOnAccountLeaveOrganization != nil {
		return nil, awserr.RAMUnbuilt("Organizations, and what becomes of shares when an account leaves one, are")
	}
	v, made, err := s.update(ctx, request{c, "CreateResourceShare", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r := world.ResourceShare{ID: world.ResourceShareID(tx.UUID()), Meta: tx.NewMeta(c, tags), Name: *in.Name, External: in.AllowExternalPrincipals == nil || *in.AllowExternalPrincipals}
		tx.ResourceShares.Put(r)
		a := associating{tx: tx, c: c, share: r}
		if err := a.add(in.ResourceArns, in.Principals, in.Sources); err != nil {
			return nil, err
		}
		return []string{string(r.ID)}, a.permitted(in.PermissionArns)
	})
	if err != nil {
		return nil, err
	}
	r, ok := v.w.ResourceShares.Get(world.ResourceShareID(made[0]))
	if !ok { // the call was made before, and what it made was deleted
		return nil, awserr.RAMUnknown("ResourceShare", made[0])
	}
	return &ramapi.CreateResourceShareOutput{ResourceShare: new(v.share(r)), ClientToken: in.ClientToken}, nil
}

func checkName(name string) error {
	if n := len([]rune(name)); n == 0 || n > 255 || strings.TrimSpace(name) == "" {
		return awserr.RAMInvalid("The name of a resource share has 1 to 255 characters.")
	}
	return nil
}

// share describes a share.
func (v view) share(r world.ResourceShare) ramapi.ResourceShare {
	out := ramapi.ResourceShare{
		ResourceShareArn: new(r.ARN()), Name: new(r.Name), OwningAccountId: new(string(r.Account)), AllowExternalPrincipals: new(r.External),
		Status: new("ACTIVE"), CreationTime: new(r.Created), LastUpdatedTime: new(r.Updated), FeatureSet: new("STANDARD"), Tags: []ramapi.Tag{},
	}
	if !r.Ended.IsZero() {
		out.Status = new("DELETED")
	}
	if r.OwnedBy(v.c) {
		for _, t := range r.Tags {
			out.Tags = append(out.Tags, ramapi.Tag{Key: new(t.Key), Value: new(t.Value)})
		}
	}
	return out
}

// shareID is the id in the ARN of a share.
func shareID(arn string) (world.ResourceShareID, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "ram" {
		return "", awserr.RAMMalformed(arn)
	}
	id, _ := strings.CutPrefix(parts[5], "resource-share/")
	return world.ResourceShareID(id), nil
}

// findShare finds a share that the caller may know of: its own, or one it has accepted.
func findShare(w *world.World, c world.Caller, arn string) (world.ResourceShare, error) {
	id, err := shareID(arn)
	if err != nil {
		return world.ResourceShare{}, err
	}
	r, ok := w.ResourceShares.Get(id)
	if !ok || r.ARN() != arn || r.Region != c.Region || !r.OwnedBy(c) && !member(w, c, r) {
		return r, awserr.RAMUnknown("ResourceShare", arn)
	}
	return r, nil
}

// ownShare finds a share of the caller's that was not deleted.
func ownShare(w *world.World, c world.Caller, arn string) (world.ResourceShare, error) {
	r, err := findShare(w, c, arn)
	switch {
	case err != nil:
		return r, err
	case !r.OwnedBy(c):
		return r, awserr.RAMNotPermitted("The resource share %s belongs to account %s, which alone can change it.", arn, r.Account)
	case !r.Ended.IsZero():
		return r, awserr.RAMUnknown("ResourceShare", arn)
	}
	return r, nil
}

// member tells whether the caller is one of those a share was made for, and has accepted it.
func member(w *world.World, c world.Caller, r world.ResourceShare) bool {
	p, _ := w.ShareAssociations.Get(world.ShareAssociationKey(r.ID, string(c.Account)))
	return p.Status == world.ShareAssociated && r.Region == c.Region
}

// UpdateResourceShare changes a share's name, and whether external accounts may be among its principals.
func (s *Service) UpdateResourceShare(ctx context.Context, c world.Caller, in *ramapi.UpdateResourceShareInput) (*ramapi.UpdateResourceShareOutput, error) {
	if in.Name != nil {
		if err := checkName(*in.Name); err != nil {
			return nil, err
		}
	}
	v, made, err := s.update(ctx, request{c, "UpdateResourceShare", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r, err := ownShare(&tx.World, c, *in.ResourceShareArn)
		if err != nil {
			return nil, err
		}
		if in.Name != nil {
			r.Name = *in.Name
		}
		if in.AllowExternalPrincipals != nil {
			r.External = *in.AllowExternalPrincipals
		}
		external := func(a world.ShareAssociation) bool { return a.Principal && a.Live() }
		if !r.External && slices.ContainsFunc(slices.Collect(tx.ShareAssociations.In(string(r.ID))), external) {
			return nil, onlyOrganization()
		}
		tx.Touch(&r.Meta)
		tx.ResourceShares.Put(r)
		return []string{string(r.ID)}, nil
	})
	if err != nil {
		return nil, err
	}
	r, ok := v.w.ResourceShares.Get(world.ResourceShareID(made[0]))
	if !ok { // the call was made before, and what it made was deleted
		return nil, awserr.RAMUnknown("ResourceShare", made[0])
	}
	return &ramapi.UpdateResourceShareOutput{ResourceShare: new(v.share(r)), ClientToken: in.ClientToken}, nil
}

// DeleteResourceShare ends a share. What others have made with its resources stays.
func (s *Service) DeleteResourceShare(ctx context.Context, c world.Caller, in *ramapi.DeleteResourceShareInput) (*ramapi.DeleteResourceShareOutput, error) {
	_, _, err := s.update(ctx, request{c, "DeleteResourceShare", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r, err := ownShare(&tx.World, c, *in.ResourceShareArn)
		if err != nil {
			return nil, err
		}
		for _, a := range slices.Collect(tx.ShareAssociations.In(string(r.ID))) {
			end(tx, a)
		}
		tx.Touch(&r.Meta)
		r.Ended = tx.Now
		tx.ResourceShares.Put(r)
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &ramapi.DeleteResourceShareOutput{ReturnValue: new(true), ClientToken: in.ClientToken}, nil
}

// GetResourceShares lists the caller's shares, or those it has accepted.
func (s *Service) GetResourceShares(_ context.Context, c world.Caller, in *ramapi.GetResourceSharesInput) (*ramapi.GetResourceSharesOutput, error) {
	v := s.look(c)
	for _, arn := range in.ResourceShareArns {
		if _, err := v.told(arn); err != nil {
			return nil, err
		}
	}
	rows := v.w.ResourceShares.Where(func(r world.ResourceShare) bool {
		mine := r.OwnedBy(c)
		return (*in.ResourceOwner == "SELF" && mine || *in.ResourceOwner != "SELF" && !mine && member(&v.w, c, r)) && !v.forgotten(r) &&
			among(r.ARN(), in.ResourceShareArns) && is(r.Name, in.Name) && is(*v.share(r).Status, in.ResourceShareStatus) &&
			tagged(v.share(r), in.TagFilters) && v.hasPermission(r, in.PermissionArn, in.PermissionVersion)
	})
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, world.ResourceShare.RowID, v.share)
	return &ramapi.GetResourceSharesOutput{ResourceShares: out, NextToken: next}, err
}

// told finds a share that is told of still.
func (v view) told(arn string) (world.ResourceShare, error) {
	r, err := findShare(&v.w, v.c, arn)
	if err == nil && v.forgotten(r) {
		err = awserr.RAMUnknown("ResourceShare", arn)
	}
	return r, err
}

// forgotten tells whether a share was deleted so long ago that it is told of no more.
func (v view) forgotten(r world.ResourceShare) bool {
	return !r.Ended.IsZero() && v.now.Sub(r.Ended) > memory
}

// tagged tells whether a share has each of the tags, with one of its values.
func tagged(r ramapi.ResourceShare, filters []ramapi.TagFilter) bool {
	return !slices.ContainsFunc(filters, func(f ramapi.TagFilter) bool {
		return !slices.ContainsFunc(r.Tags, func(t ramapi.Tag) bool { return *t.Key == value(f.TagKey) && among(*t.Value, f.TagValues) })
	})
}

// EnableSharingWithAwsOrganization is for the management account of an organization. There is none.
func (s *Service) EnableSharingWithAwsOrganization(context.Context, world.Caller, *ramapi.EnableSharingWithAwsOrganizationInput) (*ramapi.EnableSharingWithAwsOrganizationOutput, error) {
	return nil, awserr.RAMNotPermitted("The request can be made by the management account of an organization only, and the account is in no organization.")
}
