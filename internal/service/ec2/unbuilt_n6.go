package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateNetworkInsightsPath is not built.
func (s *Service) CreateNetworkInsightsPath(context.Context, world.Caller, *ec2api.CreateNetworkInsightsPathInput) (*ec2api.CreateNetworkInsightsPathOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateNetworkInsightsPath")
}

// DeleteNetworkInsightsPath is not built.
func (s *Service) DeleteNetworkInsightsPath(context.Context, world.Caller, *ec2api.DeleteNetworkInsightsPathInput) (*ec2api.DeleteNetworkInsightsPathOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteNetworkInsightsPath")
}

// DescribeNetworkInsightsPaths is not built.
func (s *Service) DescribeNetworkInsightsPaths(context.Context, world.Caller, *ec2api.DescribeNetworkInsightsPathsInput) (*ec2api.DescribeNetworkInsightsPathsOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeNetworkInsightsPaths")
}

// StartNetworkInsightsAnalysis is not built.
func (s *Service) StartNetworkInsightsAnalysis(context.Context, world.Caller, *ec2api.StartNetworkInsightsAnalysisInput) (*ec2api.StartNetworkInsightsAnalysisOutput, error) {
	return nil, awserr.EC2Unbuilt("StartNetworkInsightsAnalysis")
}

// DescribeNetworkInsightsAnalyses is not built.
func (s *Service) DescribeNetworkInsightsAnalyses(context.Context, world.Caller, *ec2api.DescribeNetworkInsightsAnalysesInput) (*ec2api.DescribeNetworkInsightsAnalysesOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeNetworkInsightsAnalyses")
}

// DeleteNetworkInsightsAnalysis is not built.
func (s *Service) DeleteNetworkInsightsAnalysis(context.Context, world.Caller, *ec2api.DeleteNetworkInsightsAnalysisInput) (*ec2api.DeleteNetworkInsightsAnalysisOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteNetworkInsightsAnalysis")
}

// CreateNetworkInsightsAccessScope is not built.
func (s *Service) CreateNetworkInsightsAccessScope(context.Context, world.Caller, *ec2api.CreateNetworkInsightsAccessScopeInput) (*ec2api.CreateNetworkInsightsAccessScopeOutput, error) {
	return nil, awserr.EC2Unbuilt("CreateNetworkInsightsAccessScope")
}

// DeleteNetworkInsightsAccessScope is not built.
func (s *Service) DeleteNetworkInsightsAccessScope(context.Context, world.Caller, *ec2api.DeleteNetworkInsightsAccessScopeInput) (*ec2api.DeleteNetworkInsightsAccessScopeOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteNetworkInsightsAccessScope")
}

// DescribeNetworkInsightsAccessScopes is not built.
func (s *Service) DescribeNetworkInsightsAccessScopes(context.Context, world.Caller, *ec2api.DescribeNetworkInsightsAccessScopesInput) (*ec2api.DescribeNetworkInsightsAccessScopesOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeNetworkInsightsAccessScopes")
}

// GetNetworkInsightsAccessScopeContent is not built.
func (s *Service) GetNetworkInsightsAccessScopeContent(context.Context, world.Caller, *ec2api.GetNetworkInsightsAccessScopeContentInput) (*ec2api.GetNetworkInsightsAccessScopeContentOutput, error) {
	return nil, awserr.EC2Unbuilt("GetNetworkInsightsAccessScopeContent")
}

// StartNetworkInsightsAccessScopeAnalysis is not built.
func (s *Service) StartNetworkInsightsAccessScopeAnalysis(context.Context, world.Caller, *ec2api.StartNetworkInsightsAccessScopeAnalysisInput) (*ec2api.StartNetworkInsightsAccessScopeAnalysisOutput, error) {
	return nil, awserr.EC2Unbuilt("StartNetworkInsightsAccessScopeAnalysis")
}

// DescribeNetworkInsightsAccessScopeAnalyses is not built.
func (s *Service) DescribeNetworkInsightsAccessScopeAnalyses(context.Context, world.Caller, *ec2api.DescribeNetworkInsightsAccessScopeAnalysesInput) (*ec2api.DescribeNetworkInsightsAccessScopeAnalysesOutput, error) {
	return nil, awserr.EC2Unbuilt("DescribeNetworkInsightsAccessScopeAnalyses")
}

// DeleteNetworkInsightsAccessScopeAnalysis is not built.
func (s *Service) DeleteNetworkInsightsAccessScopeAnalysis(context.Context, world.Caller, *ec2api.DeleteNetworkInsightsAccessScopeAnalysisInput) (*ec2api.DeleteNetworkInsightsAccessScopeAnalysisOutput, error) {
	return nil, awserr.EC2Unbuilt("DeleteNetworkInsightsAccessScopeAnalysis")
}

// GetNetworkInsightsAccessScopeAnalysisFindings is not built.
func (s *Service) GetNetworkInsightsAccessScopeAnalysisFindings(context.Context, world.Caller, *ec2api.GetNetworkInsightsAccessScopeAnalysisFindingsInput) (*ec2api.GetNetworkInsightsAccessScopeAnalysisFindingsOutput, error) {
	return nil, awserr.EC2Unbuilt("GetNetworkInsightsAccessScopeAnalysisFindings")
}
