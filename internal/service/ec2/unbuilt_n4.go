package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateInternetGateway is not built.
func (s *Service) CreateInternetGateway(context.Context, world.Caller, *ec2api.CreateInternetGatewayInput) (*ec2api.CreateInternetGatewayOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateInternetGateway")
}

// DeleteInternetGateway is not built.
func (s *Service) DeleteInternetGateway(context.Context, world.Caller, *ec2api.DeleteInternetGatewayInput) (*ec2api.DeleteInternetGatewayOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteInternetGateway")
}

// AttachInternetGateway is not built.
func (s *Service) AttachInternetGateway(context.Context, world.Caller, *ec2api.AttachInternetGatewayInput) (*ec2api.AttachInternetGatewayOutput, error) {
	return nil, awserr.EC2Unbuilt("AttachInternetGateway")
}

// DetachInternetGateway is not built.
func (s *Service) DetachInternetGateway(context.Context, world.Caller, *ec2api.DetachInternetGatewayInput) (*ec2api.DetachInternetGatewayOutput, error) {
	return nil, awserr.EC2Unbuilt("DetachInternetGateway")
}

// DescribeInternetGateways is not built.
func (s *Service) DescribeInternetGateways(context.Context, world.Caller, *ec2api.DescribeInternetGatewaysInput) (*ec2api.DescribeInternetGatewaysOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeInternetGateways")
}

// AllocateAddress is not built.
func (s *Service) AllocateAddress(context.Context, world.Caller, *ec2api.AllocateAddressInput) (*ec2api.AllocateAddressOutput, error) {
	return nil, awserr.EC2Unbuilt("AllocateAddress")
}

// ReleaseAddress is not built.
func (s *Service) ReleaseAddress(context.Context, world.Caller, *ec2api.ReleaseAddressInput) (*ec2api.ReleaseAddressOutput, error) {
	return nil, awserr.EC2Unbuilt("ReleaseAddress")
}

// AssociateAddress is not built.
func (s *Service) AssociateAddress(context.Context, world.Caller, *ec2api.AssociateAddressInput) (*ec2api.AssociateAddressOutput, error) {
	return nil, awserr.EC2Unbuilt("AssociateAddress")
}

// DisassociateAddress is not built.
func (s *Service) DisassociateAddress(context.Context, world.Caller, *ec2api.DisassociateAddressInput) (*ec2api.DisassociateAddressOutput, error) {
	return nil, awserr.EC2Unbuilt("DisassociateAddress")
}

// DescribeAddresses is not built.
func (s *Service) DescribeAddresses(context.Context, world.Caller, *ec2api.DescribeAddressesInput) (*ec2api.DescribeAddressesOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeAddresses")
}

// DescribeAddressesAttribute is not built.
func (s *Service) DescribeAddressesAttribute(context.Context, world.Caller, *ec2api.DescribeAddressesAttributeInput) (*ec2api.DescribeAddressesAttributeOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeAddressesAttribute")
}

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

// DescribeEgressOnlyInternetGateways is not built.
func (s *Service) DescribeEgressOnlyInternetGateways(context.Context, world.Caller, *ec2api.DescribeEgressOnlyInternetGatewaysInput) (*ec2api.DescribeEgressOnlyInternetGatewaysOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeEgressOnlyInternetGateways")
}
