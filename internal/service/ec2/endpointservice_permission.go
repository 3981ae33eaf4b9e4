package ec2

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

var principalForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:(root|user/[^/]+|role/[^/]+)$`)

// principalType is what a principal is, in EC2's words.
func principalType(p string) string {
	switch {
	case p == "*":
		return "All"
	case strings.HasSuffix(p, ":root"):
		return "Account"
	case strings.Contains(p, ":user/"):
		return "User"
	}
	return "Role"
}

// allows tells whether a caller may see a service and connect to it: its owner, and whom the owner allows.
func allows(w *world.World, c world.Caller, s world.EndpointService) bool {
	if s.Account == c.Account {
		return true
	}
	role, hasRole := guard.RoleOf(w, c)
	return slices.ContainsFunc(s.Allowed, func(p world.Permission) bool {
		switch principalType(p.Principal) {
		case "All":
			return true
		case "Account":
			return strings.HasSuffix(p.Principal, "::"+string(c.Account)+":root")
		case "User":
			return p.Principal == c.ARN
		}
		return hasRole && p.Principal == role.ARN()
	})
}

// ModifyVpcEndpointServicePermissions says who else may connect to a service. Connections there are stay.
func (s *Service) ModifyVpcEndpointServicePermissions(ctx context.Context, c world.Caller, in *ec2api.ModifyVpcEndpointServicePermissionsInput) (*ec2api.ModifyVpcEndpointServicePermissionsOutput, error) {
	for _, p := range append(slices.Clone(in.AddAllowedPrincipals), in.RemoveAllowedPrincipals...) {
		if p != "*" && !principalForm.MatchString(p) {
			return nil, awserr.EC2Code("InvalidPrincipal", "The principal '%s' is not valid.", p)
		}
	}
	out := &ec2api.ModifyVpcEndpointServicePermissionsOutput{ReturnValue: new(true)}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		out.AddedPrincipals = []ec2api.AddedPrincipal{}
		row, err := find(&tx.EndpointServices, c, "vpc-endpoint-service", in.ServiceId)
		if err != nil {
			return err
		}
		row.Allowed = slices.DeleteFunc(slices.Clone(row.Allowed), func(p world.Permission) bool {
			return slices.Contains(in.RemoveAllowedPrincipals, p.Principal)
		})
		for _, a := range in.AddAllowedPrincipals {
			if slices.ContainsFunc(row.Allowed, func(p world.Permission) bool { return p.Principal == a }) {
				continue
			}
			p := world.Permission{ID: tx.NewID("vpce-svc-perm"), Principal: a, Created: tx.Now}
			row.Allowed = append(row.Allowed, p)
			out.AddedPrincipals = append(out.AddedPrincipals, ec2api.AddedPrincipal{
				PrincipalType: new(principalType(a)), Principal: new(a), ServicePermissionId: new(p.ID), ServiceId: in.ServiceId,
			})
		}
		slices.SortFunc(row.Allowed, func(a, b world.Permission) int { return cmp.Compare(a.Principal, b.Principal) })
		tx.EndpointServices.Put(row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// allowed is a permission as a row of a list.
type allowed struct{ world.Permission }

// RowID is the permission's id.
func (a allowed) RowID() string { return a.ID }

// DescribeVpcEndpointServicePermissions lists who else may connect to a service.
func (s *Service) DescribeVpcEndpointServicePermissions(_ context.Context, c world.Caller, in *ec2api.DescribeVpcEndpointServicePermissionsInput) (*ec2api.DescribeVpcEndpointServicePermissionsOutput, error) {
	v := s.look(c)
	row, err := find(&v.w.EndpointServices, c, "vpc-endpoint-service", in.ServiceId)
	if err != nil {
		return nil, err
	}
	filters := listing.Filters[allowed]{Fields: map[string]func(allowed) []string{
		"principal":      one(func(a allowed) string { return a.Principal }),
		"principal-type": one(func(a allowed) string { return principalType(a.Principal) }),
	}}
	page, next, err := list(query{"vpc-endpoint-service", nil, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		each(row.Allowed, func(p world.Permission) allowed { return allowed{p} }), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcEndpointServicePermissionsOutput{NextToken: next, AllowedPrincipals: each(page, func(a allowed) ec2api.AllowedPrincipal {
		return ec2api.AllowedPrincipal{
			PrincipalType: new(principalType(a.Principal)), Principal: new(a.Principal), ServicePermissionId: new(a.ID), ServiceId: in.ServiceId, Tags: []ec2api.Tag{},
		}
	})}, nil
}
