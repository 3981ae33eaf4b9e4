package ec2

import (
	"context"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// DescribeVpcEndpoints lists the caller's VPC endpoints.
func (s *Service) DescribeVpcEndpoints(_ context.Context, c world.Caller, in *ec2api.DescribeVpcEndpointsInput) (*ec2api.DescribeVpcEndpointsOutput, error) {
	v := s.look(c)
	page, next, err := list(query{"vpc-endpoint", in.VpcEndpointIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		mine(&v.w.Endpoints, c), v.endpointFilters(), listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcEndpointsOutput{VpcEndpoints: each(page, v.endpoint), NextToken: next}, nil
}

func (v *view) endpointFilters() listing.Filters[world.Endpoint] {
	return listing.Filters[world.Endpoint]{
		Tags: ownTags(func(e world.Endpoint) world.Meta { return e.Meta }),
		Fields: map[string]func(world.Endpoint) []string{
			"ip-address-type":    one(func(world.Endpoint) string { return "ipv4" }),
			"service-name":       one(func(e world.Endpoint) string { return e.Service }),
			"service-region":     one(func(e world.Endpoint) string { return e.Region }),
			"vpc-id":             one(func(e world.Endpoint) world.VPCID { return e.VPC }),
			"vpc-endpoint-id":    one(func(e world.Endpoint) world.EndpointID { return e.ID }),
			"vpc-endpoint-type":  one(func(e world.Endpoint) string { return e.Type }),
			"vpc-endpoint-state": one(func(e world.Endpoint) string { s := *v.endpoint(e).State; return strings.ToLower(s[:1]) + s[1:] }),
		},
	}
}
