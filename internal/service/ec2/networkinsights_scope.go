package ec2

import (
	"context"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/fabric"
	"kumiko/internal/reach"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// The nouns of the Network Access Analyzer, which are also their types in tag specifications.
const (
	accessScope         = "network-insights-access-scope"
	accessScopeAnalysis = "network-insights-access-scope-analysis"
)

// CreateNetworkInsightsAccessScope keeps a description of paths that should not be.
func (s *Service) CreateNetworkInsightsAccessScope(ctx context.Context, c world.Caller, in *ec2api.CreateNetworkInsightsAccessScopeInput) (*ec2api.CreateNetworkInsightsAccessScopeOutput, error) {
	ts, err := oneSpec(in.TagSpecifications, accessScope)
	if err != nil {
		return nil, err
	}
	row := world.NetworkInsightsAccessScope{Match: each(in.MatchPaths, readScopePath), Exclude: each(in.ExcludePaths, readScopePath)}
	for _, p := range slices.Concat(row.Match, row.Exclude) {
		if err := checkScopePath(p); err != nil {
			return nil, err
		}
	}
	if len(row.Match) == 0 {
		return nil, awserr.EC2MissingParameter("MatchPaths")
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateNetworkInsightsAccessScope", in.ClientToken, in}.once(tx, func() (string, error) {
			for _, p := range slices.Concat(row.Match, row.Exclude) {
				if err := scopeListsExist(tx, c, p); err != nil {
					return "", err
				}
			}
			row.ID, row.Meta = world.NetworkInsightsAccessScopeID(tx.NewID("nis")), tx.NewMeta(c, ts)
			tx.NetworkInsightsScopes.Put(row)
			return string(row.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	row, ok := v.w.NetworkInsightsScopes.Get(world.NetworkInsightsAccessScopeID(id))
	if !ok {
		return nil, awserr.EC2NotFound(accessScope, id)
	}
	return &ec2api.CreateNetworkInsightsAccessScopeOutput{
		NetworkInsightsAccessScope: new(describeScope(row)), NetworkInsightsAccessScopeContent: scopeContent(row),
	}, nil
}

func readScopePath(p ec2api.AccessScopePathRequest) world.AccessScopePath {
	out := world.AccessScopePath{Source: readStatement(p.Source), Destination: readStatement(p.Destination)}
	for _, t := range p.ThroughResources {
		if r := readResources(t.ResourceStatement); r != nil {
			out.Through = append(out.Through, *r)
		}
	}
	return out
}

func readStatement(s *ec2api.PathStatementRequest) *world.PathStatement {
	if s == nil {
		return nil
	}
	out := &world.PathStatement{Resources: readResources(s.ResourceStatement)}
	if h := s.PacketHeaderStatement; h != nil {
		out.Header = &world.HeaderStatement{
			Sources: h.SourceAddresses, Destinations: h.DestinationAddresses, SourcePorts: h.SourcePorts, DestinationPorts: h.DestinationPorts,
			SourceLists: h.SourcePrefixLists, DestinationLists: h.DestinationPrefixLists, Protocols: h.Protocols,
		}
	}
	return out
}

func readResources(s *ec2api.ResourceStatementRequest) *world.ResourceStatement {
	if s == nil {
		return nil
	}
	return &world.ResourceStatement{Resources: s.Resources, Types: s.ResourceTypes}
}

// DeleteNetworkInsightsAccessScope forgets a scope that has no analyses.
func (s *Service) DeleteNetworkInsightsAccessScope(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkInsightsAccessScopeInput) (*ec2api.DeleteNetworkInsightsAccessScopeOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		row, err := find(&tx.NetworkInsightsScopes, c, accessScope, in.NetworkInsightsAccessScopeId)
		if err != nil {
			return err
		}
		for range tx.NetworkInsightsScopeAnalyses.In(string(row.ID)) {
			return awserr.EC2Code("AnalysisExistsForNetworkInsightsAccessScope", "Analysis exists for NetworkInsightsAccessScope %s", row.ID)
		}
		tx.NetworkInsightsScopes.Delete(row.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteNetworkInsightsAccessScopeOutput{NetworkInsightsAccessScopeId: in.NetworkInsightsAccessScopeId}, nil
}

// DescribeNetworkInsightsAccessScopes lists the caller's scopes.
func (s *Service) DescribeNetworkInsightsAccessScopes(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInsightsAccessScopesInput) (*ec2api.DescribeNetworkInsightsAccessScopesOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.NetworkInsightsAccessScope]{Tags: ownTags(func(r world.NetworkInsightsAccessScope) world.Meta { return r.Meta })}
	page, next, err := listFrom(query{accessScope, in.NetworkInsightsAccessScopeIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.NetworkInsightsScopes, c), filters, listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInsightsAccessScopesOutput{NetworkInsightsAccessScopes: each(page, describeScope), NextToken: next}, nil
}

// GetNetworkInsightsAccessScopeContent tells what a scope describes.
func (s *Service) GetNetworkInsightsAccessScopeContent(_ context.Context, c world.Caller, in *ec2api.GetNetworkInsightsAccessScopeContentInput) (*ec2api.GetNetworkInsightsAccessScopeContentOutput, error) {
	v := s.look(c)
	row, err := find(&v.w.NetworkInsightsScopes, c, accessScope, in.NetworkInsightsAccessScopeId)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	return &ec2api.GetNetworkInsightsAccessScopeContentOutput{NetworkInsightsAccessScopeContent: scopeContent(row)}, nil
}

func describeScope(r world.NetworkInsightsAccessScope) ec2api.NetworkInsightsAccessScope {
	return ec2api.NetworkInsightsAccessScope{
		NetworkInsightsAccessScopeId: new(string(r.ID)), NetworkInsightsAccessScopeArn: new(insightsARN(r.Meta, accessScope, string(r.ID))),
		CreatedDate: new(r.Created), UpdatedDate: new(r.Updated), Tags: allTags(r.Meta),
	}
}

func insightsARN(m world.Meta, kind, id string) string {
	return world.ARN("ec2", m.Region, m.Account, kind+"/"+id)
}

func scopeContent(r world.NetworkInsightsAccessScope) *ec2api.NetworkInsightsAccessScopeContent {
	return &ec2api.NetworkInsightsAccessScopeContent{
		NetworkInsightsAccessScopeId: new(string(r.ID)), MatchPaths: each(r.Match, scopePath), ExcludePaths: each(r.Exclude, scopePath),
	}
}

func scopePath(p world.AccessScopePath) ec2api.AccessScopePath {
	out := ec2api.AccessScopePath{Source: statement(p.Source), Destination: statement(p.Destination)}
	for _, t := range p.Through {
		out.ThroughResources = append(out.ThroughResources, ec2api.ThroughResourcesStatement{ResourceStatement: resourceStatement(&t)})
	}
	return out
}

func statement(s *world.PathStatement) *ec2api.PathStatement {
	if s == nil {
		return nil
	}
	out := &ec2api.PathStatement{ResourceStatement: resourceStatement(s.Resources)}
	if h := s.Header; h != nil {
		out.PacketHeaderStatement = &ec2api.PacketHeaderStatement{
			SourceAddresses: h.Sources, DestinationAddresses: h.Destinations, SourcePorts: h.SourcePorts, DestinationPorts: h.DestinationPorts,
			SourcePrefixLists: h.SourceLists, DestinationPrefixLists: h.DestinationLists, Protocols: h.Protocols,
		}
	}
	return out
}

func resourceStatement(s *world.ResourceStatement) *ec2api.ResourceStatement {
	if s == nil {
		return nil
	}
	return &ec2api.ResourceStatement{Resources: s.Resources, ResourceTypes: s.Types}
}

// StartNetworkInsightsAccessScopeAnalysis looks for the paths a scope describes, as the network is meant to be now.
func (s *Service) StartNetworkInsightsAccessScopeAnalysis(ctx context.Context, c world.Caller, in *ec2api.StartNetworkInsightsAccessScopeAnalysisInput) (*ec2api.StartNetworkInsightsAccessScopeAnalysisOutput, error) {
	ts, err := oneSpec(in.TagSpecifications, accessScopeAnalysis)
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		scope, err := find(&tx.NetworkInsightsScopes, c, accessScope, in.NetworkInsightsAccessScopeId)
		if err != nil {
			return err
		}
		id, err = tokenCall{c, "StartNetworkInsightsAccessScopeAnalysis", in.ClientToken, in}.once(tx, func() (string, error) {
			row := scopeFindings(tx, c, scope)
			row.ID, row.Meta = world.NetworkInsightsAccessScopeAnalysisID(tx.NewID("nisa")), tx.NewMeta(c, ts)
			tx.NetworkInsightsScopeAnalyses.Put(row)
			return string(row.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	row, ok := v.w.NetworkInsightsScopeAnalyses.Get(world.NetworkInsightsAccessScopeAnalysisID(id))
	if !ok {
		return nil, awserr.EC2NotFound(accessScopeAnalysis, id)
	}
	out := describeScopeAnalysis(row)
	out.Status, out.EndDate, out.FindingsFound, out.AnalyzedEniCount = new("running"), nil, new("unknown"), nil // as AWS answers
	return &ec2api.StartNetworkInsightsAccessScopeAnalysisOutput{NetworkInsightsAccessScopeAnalysis: &out}, nil
}

func scopeFindings(tx *world.Tx, c world.Caller, scope world.NetworkInsightsAccessScope) world.NetworkInsightsAccessScopeAnalysis {
	found := reach.Find(tx.World, fabric.Compile(tx.World), reach.Scope{Account: c.Account, Region: c.Region, Match: scope.Match, Exclude: scope.Exclude})
	row := world.NetworkInsightsAccessScopeAnalysis{Scope: scope.ID, Ended: tx.Now, Interfaces: found.Interfaces}
	for _, p := range found.Paths {
		row.Findings = append(row.Findings, world.AccessScopeFinding{ID: tx.NewID("nisaf"), Components: p})
	}
	if found.Cut {
		row.Warning = "There are more pairs of resources than one analysis looks at; narrow the scope."
	}
	return row
}

// DescribeNetworkInsightsAccessScopeAnalyses lists the caller's analyses of scopes.
func (s *Service) DescribeNetworkInsightsAccessScopeAnalyses(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInsightsAccessScopeAnalysesInput) (*ec2api.DescribeNetworkInsightsAccessScopeAnalysesOutput, error) {
	v := s.look(c)
	if in.NetworkInsightsAccessScopeId != nil {
		if _, err := find(&v.w.NetworkInsightsScopes, c, accessScope, in.NetworkInsightsAccessScopeId); err != nil {
			return nil, err
		}
	}
	type analysis = world.NetworkInsightsAccessScopeAnalysis
	rows, err := pick(accessScopeAnalysis, in.NetworkInsightsAccessScopeAnalysisIds, mine(&v.w.NetworkInsightsScopeAnalyses, c))
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(a analysis) bool {
		return in.NetworkInsightsAccessScopeId != nil && string(a.Scope) != *in.NetworkInsightsAccessScopeId ||
			!within(a.Created, in.AnalysisStartTimeBegin, in.AnalysisStartTimeEnd)
	})
	filters := listing.Filters[analysis]{Tags: ownTags(func(a analysis) world.Meta { return a.Meta })}
	page, next, err := list(query{accessScopeAnalysis, nil, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, rows, filters, listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInsightsAccessScopeAnalysesOutput{NetworkInsightsAccessScopeAnalyses: each(page, describeScopeAnalysis), NextToken: next}, nil
}

func describeScopeAnalysis(a world.NetworkInsightsAccessScopeAnalysis) ec2api.NetworkInsightsAccessScopeAnalysis {
	found := "false"
	if len(a.Findings) > 0 {
		found = "true"
	}
	return ec2api.NetworkInsightsAccessScopeAnalysis{
		NetworkInsightsAccessScopeAnalysisId: new(string(a.ID)), NetworkInsightsAccessScopeAnalysisArn: new(insightsARN(a.Meta, accessScopeAnalysis, string(a.ID))),
		NetworkInsightsAccessScopeId: new(string(a.Scope)), Status: new("succeeded"), StartDate: new(a.Created), EndDate: new(a.Ended),
		FindingsFound: &found, AnalyzedEniCount: new(int32(a.Interfaces)), WarningMessage: given(a.Warning), Tags: allTags(a.Meta),
	}
}

// DeleteNetworkInsightsAccessScopeAnalysis forgets an analysis of a scope.
func (s *Service) DeleteNetworkInsightsAccessScopeAnalysis(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkInsightsAccessScopeAnalysisInput) (*ec2api.DeleteNetworkInsightsAccessScopeAnalysisOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		a, err := find(&tx.NetworkInsightsScopeAnalyses, c, accessScopeAnalysis, in.NetworkInsightsAccessScopeAnalysisId)
		if err != nil {
			return err
		}
		tx.NetworkInsightsScopeAnalyses.Delete(a.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteNetworkInsightsAccessScopeAnalysisOutput{NetworkInsightsAccessScopeAnalysisId: in.NetworkInsightsAccessScopeAnalysisId}, nil
}

// finding is a path that was found, as a row of a list.
type finding struct{ world.AccessScopeFinding }

// RowID is the finding's id.
func (f finding) RowID() string { return f.ID }

// GetNetworkInsightsAccessScopeAnalysisFindings lists the paths an analysis found.
func (s *Service) GetNetworkInsightsAccessScopeAnalysisFindings(_ context.Context, c world.Caller, in *ec2api.GetNetworkInsightsAccessScopeAnalysisFindingsInput) (*ec2api.GetNetworkInsightsAccessScopeAnalysisFindingsOutput, error) {
	v := s.look(c)
	a, err := find(&v.w.NetworkInsightsScopeAnalyses, c, accessScopeAnalysis, in.NetworkInsightsAccessScopeAnalysisId)
	if err != nil {
		return nil, err
	}
	rows := each(a.Findings, func(f world.AccessScopeFinding) finding { return finding{f} })
	page, next, err := list(query{size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, listing.Filters[finding]{}, listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.GetNetworkInsightsAccessScopeAnalysisFindingsOutput{
		NetworkInsightsAccessScopeAnalysisId: new(string(a.ID)), AnalysisStatus: new("succeeded"), NextToken: next,
		AnalysisFindings: each(page, func(f finding) ec2api.AccessScopeAnalysisFinding {
			return ec2api.AccessScopeAnalysisFinding{
				NetworkInsightsAccessScopeAnalysisId: new(string(a.ID)), NetworkInsightsAccessScopeId: new(string(a.Scope)),
				FindingId: new(f.ID), FindingComponents: pathComponents(f.Components),
			}
		}),
	}, nil
}
