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

// DescribeAccountLimits tells the quotas.
func (s *Service) DescribeAccountLimits(_ context.Context, _ world.Caller, _ *elbapi.DescribeAccountLimitsInput) (*elbapi.DescribeAccountLimitsOutput, error) {
	out := &elbapi.DescribeAccountLimitsOutput{}
	for _, l := range []struct {
		name string
		max  int
	}{
		{"network-load-balancers", mostBalancers}, {"listeners-per-network-load-balancer", mostListeners},
		{"target-groups", mostGroups}, {"targets-per-target-group", mostTargets},
	} {
		out.Limits = append(out.Limits, elbapi.Limit{Name: new(l.name), Max: new(strconv.Itoa(l.max))})
	}
	return out, nil
}
