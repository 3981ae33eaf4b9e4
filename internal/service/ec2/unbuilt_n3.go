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

// CreateDefaultVpc is not built.
func (s *Service) CreateDefaultVpc(context.Context, world.Caller, *ec2api.CreateDefaultVpcInput) (*ec2api.CreateDefaultVpcOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateDefaultVpc")
}

// CreateDefaultSubnet is not built.
func (s *Service) CreateDefaultSubnet(context.Context, world.Caller, *ec2api.CreateDefaultSubnetInput) (*ec2api.CreateDefaultSubnetOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateDefaultSubnet")
}

// DescribeVpcEndpoints is not built.
func (s *Service) DescribeVpcEndpoints(context.Context, world.Caller, *ec2api.DescribeVpcEndpointsInput) (*ec2api.DescribeVpcEndpointsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeVpcEndpoints")
}

// CreateSubnetCidrReservation is not built.
func (s *Service) CreateSubnetCidrReservation(context.Context, world.Caller, *ec2api.CreateSubnetCidrReservationInput) (*ec2api.CreateSubnetCidrReservationOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateSubnetCidrReservation")
}

// DeleteSubnetCidrReservation is not built.
func (s *Service) DeleteSubnetCidrReservation(context.Context, world.Caller, *ec2api.DeleteSubnetCidrReservationInput) (*ec2api.DeleteSubnetCidrReservationOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteSubnetCidrReservation")
}

// GetSubnetCidrReservations is not built.
func (s *Service) GetSubnetCidrReservations(context.Context, world.Caller, *ec2api.GetSubnetCidrReservationsInput) (*ec2api.GetSubnetCidrReservationsOutput, error) {
	return nil, awserr.EC2Unbuilt("GetSubnetCidrReservations")
}
