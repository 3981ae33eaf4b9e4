package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateFlowLogs is not built.
func (s *Service) CreateFlowLogs(context.Context, world.Caller, *ec2api.CreateFlowLogsInput) (*ec2api.CreateFlowLogsOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateFlowLogs")
}

// DeleteFlowLogs is not built.
func (s *Service) DeleteFlowLogs(context.Context, world.Caller, *ec2api.DeleteFlowLogsInput) (*ec2api.DeleteFlowLogsOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteFlowLogs")
}

// DescribeFlowLogs is not built.
func (s *Service) DescribeFlowLogs(context.Context, world.Caller, *ec2api.DescribeFlowLogsInput) (*ec2api.DescribeFlowLogsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeFlowLogs")
}
