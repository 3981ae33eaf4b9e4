package ram

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// A permission says what may be done with resources of a type. Each type has one, which AWS manages, in one version; customers' own
// are not built.

// permissionNamed is the type whose permission has an ARN and, if one is asked for, a version.
func (v view) permissionNamed(arn string, version *int32) (world.SharedType, error) {
	if parts := strings.SplitN(arn, ":", 6); len(parts) != 6 || parts[0] != "arn" || parts[2] != "ram" || !strings.HasPrefix(parts[5], "permission/") {
		return world.SharedType{}, awserr.RAMMalformed(arn)
	}
	for _, t := range world.SharedTypes() {
		if t.PermissionARN(v.c.Region) == arn && (version == nil || strconv.Itoa(int(*version)) == t.Version) {
			return t, nil
		}
	}
	return world.SharedType{}, awserr.RAMUnknown("Permission", arn)
}

// permitted attaches permissions to a share.
func (a *associating) permitted(arns []string) error {
	for _, arn := range arns {
		if err := a.permit(arn, nil); err != nil {
			return err
		}
	}
	return nil
}

func (a *associating) permit(arn string, version *int32) error {
	t, err := view{w: a.tx.World, c: a.c}.permissionNamed(arn, version)
	if err != nil || slices.Contains(a.share.Permissions, t.Name) {
		return err
	}
	a.share.Permissions = append(slices.Clone(a.share.Permissions), t.Name)
	a.tx.Touch(&a.share.Meta)
	a.tx.ResourceShares.Put(a.share)
	return nil
}

// permissions are the types whose permissions a share has: those of its resources, and those that were attached.
func (v view) permissions(r world.ResourceShare) []world.SharedType {
	return slices.DeleteFunc(world.SharedTypes(), func(t world.SharedType) bool {
		return !slices.Contains(r.Permissions, t.Name) && !v.has(r, t.Name, nil)
	})
}

// hasPermission tells whether a share has a permission, if one is asked for.
func (v view) hasPermission(r world.ResourceShare, arn *string, version *int32) bool {
	return arn == nil || slices.ContainsFunc(v.permissions(r), func(t world.SharedType) bool {
		return t.PermissionARN(v.c.Region) == *arn && (version == nil || strconv.Itoa(int(*version)) == t.Version)
	})
}

// permission describes the permission of a type.
func (v view) permission(t world.SharedType, status string) ramapi.ResourceSharePermissionSummary {
	return ramapi.ResourceSharePermissionSummary{
		Arn: new(t.PermissionARN(v.c.Region)), Version: new(t.Version), DefaultVersion: new(true), Name: new(t.Permission), ResourceType: new(t.Name),
		Status: new(status), IsResourceTypeDefault: new(true), PermissionType: new("AWS_MANAGED"), FeatureSet: new("STANDARD"),
	}
}

func typeName(t world.SharedType) string { return t.Name }

func (v view) attachable(t world.SharedType) ramapi.ResourceSharePermissionSummary {
	return v.permission(t, "ATTACHABLE")
}

// ListPermissions lists the permissions there are.
func (s *Service) ListPermissions(_ context.Context, c world.Caller, in *ramapi.ListPermissionsInput) (*ramapi.ListPermissionsOutput, error) {
	rows := world.SharedTypes()
	if in.ResourceType != nil {
		t, err := typeNamed(*in.ResourceType)
		if err != nil {
			return nil, err
		}
		rows = []world.SharedType{t}
	}
	if value(in.PermissionType) == "CUSTOMER_MANAGED" {
		rows = nil
	}
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, typeName, s.look(c).attachable)
	return &ramapi.ListPermissionsOutput{Permissions: out, NextToken: next}, err
}

// ListPermissionVersions lists the one version a permission has.
func (s *Service) ListPermissionVersions(_ context.Context, c world.Caller, in *ramapi.ListPermissionVersionsInput) (*ramapi.ListPermissionVersionsOutput, error) {
	v := s.look(c)
	t, err := v.permissionNamed(*in.PermissionArn, nil)
	if err != nil {
		return nil, err
	}
	out, next, err := page(paged{in.MaxResults, in.NextToken}, []world.SharedType{t}, typeName, v.attachable)
	return &ramapi.ListPermissionVersionsOutput{Permissions: out, NextToken: next}, err
}

// GetPermission tells what a permission lets do.
func (s *Service) GetPermission(_ context.Context, c world.Caller, in *ramapi.GetPermissionInput) (*ramapi.GetPermissionOutput, error) {
	v := s.look(c)
	t, err := v.permissionNamed(*in.PermissionArn, in.PermissionVersion)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(struct {
		Effect string
		Action []string
	}{"Allow", t.Actions})
	if err != nil {
		return nil, err
	}
	p := v.attachable(t)
	return &ramapi.GetPermissionOutput{Permission: &ramapi.ResourceSharePermissionDetail{
		Arn: p.Arn, Version: p.Version, DefaultVersion: p.DefaultVersion, Name: p.Name, ResourceType: p.ResourceType, Permission: new(string(text)),
		IsResourceTypeDefault: p.IsResourceTypeDefault, PermissionType: p.PermissionType, FeatureSet: p.FeatureSet, Status: p.Status,
	}}, nil
}

// ListResourceSharePermissions lists the permissions of a share.
func (s *Service) ListResourceSharePermissions(_ context.Context, c world.Caller, in *ramapi.ListResourceSharePermissionsInput) (*ramapi.ListResourceSharePermissionsOutput, error) {
	v := s.look(c)
	r, err := findShare(&v.w, c, *in.ResourceShareArn)
	if err != nil {
		return nil, err
	}
	associated := func(t world.SharedType) ramapi.ResourceSharePermissionSummary { return v.permission(t, "ASSOCIATED") }
	out, next, err := page(paged{in.MaxResults, in.NextToken}, v.permissions(r), typeName, associated)
	return &ramapi.ListResourceSharePermissionsOutput{Permissions: out, NextToken: next}, err
}

// attached is a permission at a share.
type attached struct {
	share world.ResourceShare
	t     world.SharedType
}

// ListPermissionAssociations lists which of the caller's shares have which permissions.
func (s *Service) ListPermissionAssociations(_ context.Context, c world.Caller, in *ramapi.ListPermissionAssociationsInput) (*ramapi.ListPermissionAssociationsOutput, error) {
	v := s.look(c)
	var rows []attached
	for _, r := range v.w.ResourceShares.Where(func(r world.ResourceShare) bool { return r.OwnedBy(c) && r.Ended.IsZero() }) {
		for _, t := range v.permissions(r) {
			kind := in.ResourceType == nil || strings.EqualFold(t.Name, *in.ResourceType)
			version := in.PermissionVersion == nil || strconv.Itoa(int(*in.PermissionVersion)) == t.Version
			if kind && version && is(t.PermissionARN(c.Region), in.PermissionArn) && is(world.ShareAssociated, in.AssociationStatus) &&
				is("STANDARD", in.FeatureSet) && (in.DefaultVersion == nil || *in.DefaultVersion) {
				rows = append(rows, attached{r, t})
			}
		}
	}
	key := func(a attached) string { return string(a.share.ID) + " " + a.t.Name }
	out, next, err := page(paged{in.MaxResults, in.NextToken}, rows, key, func(a attached) ramapi.AssociatedPermission {
		return ramapi.AssociatedPermission{
			Arn: new(a.t.PermissionARN(c.Region)), PermissionVersion: new(a.t.Version), DefaultVersion: new(true), ResourceType: new(a.t.Name),
			Status: new(world.ShareAssociated), FeatureSet: new("STANDARD"), LastUpdatedTime: new(a.share.Updated), ResourceShareArn: new(a.share.ARN()),
		}
	})
	return &ramapi.ListPermissionAssociationsOutput{Permissions: out, NextToken: next}, err
}

// AssociateResourceSharePermission attaches a permission to a share.
func (s *Service) AssociateResourceSharePermission(ctx context.Context, c world.Caller, in *ramapi.AssociateResourceSharePermissionInput) (*ramapi.AssociateResourceSharePermissionOutput, error) {
	_, _, err := s.update(ctx, request{c, "AssociateResourceSharePermission", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r, err := ownShare(&tx.World, c, *in.ResourceShareArn)
		if err != nil {
			return nil, err
		}
		a := associating{tx: tx, c: c, share: r}
		return nil, a.permit(*in.PermissionArn, in.PermissionVersion)
	})
	if err != nil {
		return nil, err
	}
	return &ramapi.AssociateResourceSharePermissionOutput{ReturnValue: new(true), ClientToken: in.ClientToken}, nil
}

// DisassociateResourceSharePermission takes a permission from a share that has no resource of its type.
func (s *Service) DisassociateResourceSharePermission(ctx context.Context, c world.Caller, in *ramapi.DisassociateResourceSharePermissionInput) (*ramapi.DisassociateResourceSharePermissionOutput, error) {
	_, _, err := s.update(ctx, request{c, "DisassociateResourceSharePermission", in.ClientToken, in}, func(tx *world.Tx) ([]string, error) {
		r, err := ownShare(&tx.World, c, *in.ResourceShareArn)
		if err != nil {
			return nil, err
		}
		v := view{w: tx.World, c: c}
		t, err := v.permissionNamed(*in.PermissionArn, nil)
		switch {
		case err != nil:
			return nil, err
		case v.has(r, t.Name, nil):
			return nil, awserr.RAMNotPermitted("The resource share %s has resources of the type %s.", r.ARN(), t.Name)
		case !slices.Contains(r.Permissions, t.Name):
			return nil, awserr.RAMUnknown("Permission", *in.PermissionArn)
		}
		r.Permissions = slices.DeleteFunc(slices.Clone(r.Permissions), func(n string) bool { return n == t.Name })
		tx.Touch(&r.Meta)
		tx.ResourceShares.Put(r)
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return &ramapi.DisassociateResourceSharePermissionOutput{ReturnValue: new(true), ClientToken: in.ClientToken}, nil
}
