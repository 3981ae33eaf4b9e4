package elb

import (
	"context"
	"strconv"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/world"
)

// Quotas. (Elastic Load Balancing, "Quotas for your Network Load Balancers".)
const (
	mostBalancers = 50
	mostListeners = 50 // of a load balancer
	mostGroups    = 3000
	mostTargets   = 1000 // of a target group
	mostTags      = 50
)

// quota is a quota as a row of a list.
type quota struct {
	name string
	max  int
}

// RowID is the quota's name.
func (q quota) RowID() string { return q.name }

// DescribeAccountLimits tells the quotas.
func (s *Service) DescribeAccountLimits(_ context.Context, _ world.Caller, in *elbapi.DescribeAccountLimitsInput) (*elbapi.DescribeAccountLimitsOutput, error) {
	page, next, err := paged([]quota{
		{"listeners-per-network-load-balancer", mostListeners}, {"network-load-balancers", mostBalancers},
		{"target-groups", mostGroups}, {"targets-per-target-group", mostTargets},
	}, in.PageSize, in.Marker)
	return &elbapi.DescribeAccountLimitsOutput{NextMarker: next, Limits: each(page, func(q quota) elbapi.Limit {
		return elbapi.Limit{Name: new(q.name), Max: new(strconv.Itoa(q.max))}
	})}, err
}
