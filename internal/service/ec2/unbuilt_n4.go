package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateNatGateway is not built.
func (s *Service) CreateNatGateway(context.Context, world.Caller, *ec2api.CreateNatGatewayInput) (*ec2api.CreateNatGatewayOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateNatGateway")
}

// DeleteNatGateway is not built.
func (s *Service) DeleteNatGateway(context.Context, world.Caller, *ec2api.DeleteNatGatewayInput) (*ec2api.DeleteNatGatewayOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteNatGateway")
}

// DescribeNatGateways is not built.
func (s *Service) DescribeNatGateways(context.Context, world.Caller, *ec2api.DescribeNatGatewaysInput) (*ec2api.DescribeNatGatewaysOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeNatGateways")
}

// CreateVpcPeeringConnection is not built.
func (s *Service) CreateVpcPeeringConnection(context.Context, world.Caller, *ec2api.CreateVpcPeeringConnectionInput) (*ec2api.CreateVpcPeeringConnectionOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateVpcPeeringConnection")
}

// AcceptVpcPeeringConnection is not built.
func (s *Service) AcceptVpcPeeringConnection(context.Context, world.Caller, *ec2api.AcceptVpcPeeringConnectionInput) (*ec2api.AcceptVpcPeeringConnectionOutput, error) {
	return nil, awserr.EC2Unbuilt("AcceptVpcPeeringConnection")
}

// RejectVpcPeeringConnection is not built.
func (s *Service) RejectVpcPeeringConnection(context.Context, world.Caller, *ec2api.RejectVpcPeeringConnectionInput) (*ec2api.RejectVpcPeeringConnectionOutput, error) {
	return nil, awserr.EC2Unbuilt("RejectVpcPeeringConnection")
}

// DeleteVpcPeeringConnection is not built.
func (s *Service) DeleteVpcPeeringConnection(context.Context, world.Caller, *ec2api.DeleteVpcPeeringConnectionInput) (*ec2api.DeleteVpcPeeringConnectionOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteVpcPeeringConnection")
}

// DescribeVpcPeeringConnections is not built.
func (s *Service) DescribeVpcPeeringConnections(context.Context, world.Caller, *ec2api.DescribeVpcPeeringConnectionsInput) (*ec2api.DescribeVpcPeeringConnectionsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeVpcPeeringConnections")
}

// ModifyVpcPeeringConnectionOptions is not built.
func (s *Service) ModifyVpcPeeringConnectionOptions(context.Context, world.Caller, *ec2api.ModifyVpcPeeringConnectionOptionsInput) (*ec2api.ModifyVpcPeeringConnectionOptionsOutput, error) {
	return nil, awserr.EC2Unbuilt("ModifyVpcPeeringConnectionOptions")
}
