package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// DescribeNetworkInterfacePermissions is not built.
func (s *Service) DescribeNetworkInterfacePermissions(context.Context, world.Caller, *ec2api.DescribeNetworkInterfacePermissionsInput) (*ec2api.DescribeNetworkInterfacePermissionsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeNetworkInterfacePermissions")
}

// DescribeStaleSecurityGroups is not built.
func (s *Service) DescribeStaleSecurityGroups(context.Context, world.Caller, *ec2api.DescribeStaleSecurityGroupsInput) (*ec2api.DescribeStaleSecurityGroupsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeStaleSecurityGroups")
}

// DescribeSecurityGroupReferences is not built.
func (s *Service) DescribeSecurityGroupReferences(context.Context, world.Caller, *ec2api.DescribeSecurityGroupReferencesInput) (*ec2api.DescribeSecurityGroupReferencesOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeSecurityGroupReferences")
}

// DescribeVpcEndpoints is not built.
func (s *Service) DescribeVpcEndpoints(context.Context, world.Caller, *ec2api.DescribeVpcEndpointsInput) (*ec2api.DescribeVpcEndpointsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeVpcEndpoints")
}
