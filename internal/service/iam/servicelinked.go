package iam

import (
	"context"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// linked is what a service wants of the role that belongs to it.
type linked struct{ name, policy string }

// linkedRoles are the services that have roles of their own. (IAM User Guide, "AWS services that work with IAM".)
func linkedRoles() map[string]linked {
	return map[string]linked{
		"vpc-lattice.amazonaws.com":          {"AWSServiceRoleForVpcLattice", "AWSVpcLatticeServiceRolePolicy"},
		"elasticloadbalancing.amazonaws.com": {"AWSServiceRoleForElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"},
		"ssm.amazonaws.com":                  {"AWSServiceRoleForAmazonSSM", "AmazonSSMServiceRolePolicy"},
		"ram.amazonaws.com":                  {"AWSServiceRoleForResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy"},
		"route53resolver.amazonaws.com":      {"AWSServiceRoleForRoute53Resolver", "Route53ResolverServiceRolePolicy"},
		"autoscaling.amazonaws.com":          {"AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy"},
	}
}

// CreateServiceLinkedRole makes the role that belongs to a service.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, c world.Caller, in *iamapi.CreateServiceLinkedRoleInput) (*iamapi.CreateServiceLinkedRoleOutput, error) {
	service := val(in.AWSServiceName)
	l, ok := linkedRoles()[service]
	if !ok {
		return nil, awserr.IAMInvalid("Service name %s does not have a service-linked role that is known here.", service)
	}
	if x := val(in.CustomSuffix); x != "" {
		if service != "autoscaling.amazonaws.com" {
			return nil, awserr.IAMInvalid("Custom suffix is not allowed for %s", service)
		}
		l.name += "_" + x
	}
	r := world.Role{
		Description: val(in.Description), MaxSession: usualSession, Service: service,
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`,
	}
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		path := "/aws-service-role/" + service + "/"
		if tx.Roles.Has(world.IAMKey(c.Account, l.name)) {
			return awserr.IAMInvalid("Service role name %s has been taken in this account, please try a different suffix.", l.name)
		}
		if r.Identity, err = s.make(tx, c, roles(), wish{prefix: "AROA", name: &l.name, path: &path}); err != nil {
			return err
		}
		for _, p := range s.managed.All() {
			if p.Name == l.policy {
				r.Attached = []string{p.ARN()}
			}
		}
		tx.Roles.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateServiceLinkedRoleOutput{Role: role(r, true)}, nil
}

// DeleteServiceLinkedRole deletes a role that belongs to a service, at once.
func (s *Service) DeleteServiceLinkedRole(ctx context.Context, c world.Caller, in *iamapi.DeleteServiceLinkedRoleInput) (*iamapi.DeleteServiceLinkedRoleOutput, error) {
	task := ""
	_, err := s.update(ctx, func(tx *world.Tx) error {
		r, err := findRole(&tx.World, c, in.RoleName)
		if err == nil && r.Service == "" {
			err = awserr.IAMNoSuch("The role with name %s cannot be found.", r.Name)
		}
		if err != nil {
			return err
		}
		h := tx.Hex(32)
		task = "task" + r.Path + r.Name + "/" + strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
		tx.Roles.Delete(r.RowID())
		return nil
	})
	return &iamapi.DeleteServiceLinkedRoleOutput{DeletionTaskId: &task}, err
}

// GetServiceLinkedRoleDeletionStatus tells whether the role a task deletes is gone.
func (s *Service) GetServiceLinkedRoleDeletionStatus(_ context.Context, c world.Caller, in *iamapi.GetServiceLinkedRoleDeletionStatusInput) (*iamapi.GetServiceLinkedRoleDeletionStatusOutput, error) {
	parts := strings.Split(val(in.DeletionTaskId), "/")
	if len(parts) != 5 || parts[0] != "task" || parts[1] != "aws-service-role" {
		return nil, awserr.IAMNoSuch("Deletion Task Id: %s cannot be found.", val(in.DeletionTaskId))
	}
	w := s.store.World()
	if w.Roles.Has(world.IAMKey(c.Account, parts[3])) { // it was made anew
		return &iamapi.GetServiceLinkedRoleDeletionStatusOutput{Status: new("NOT_STARTED")}, nil
	}
	return &iamapi.GetServiceLinkedRoleDeletionStatusOutput{Status: new("SUCCEEDED")}, nil
}
