package ec2

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/fabric"
	"kumiko/internal/reach"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// StartNetworkInsightsAnalysis answers a path's question as the network is meant to be now.
func (s *Service) StartNetworkInsightsAnalysis(ctx context.Context, c world.Caller, in *ec2api.StartNetworkInsightsAnalysisInput) (*ec2api.StartNetworkInsightsAnalysisOutput, error) {
	ts, err := oneSpec(in.TagSpecifications, insightsAnalysis)
	if err != nil {
		return nil, err
	}
	for _, a := range slices.Concat(in.FilterInArns, in.FilterOutArns) {
		if !strings.HasPrefix(a, "arn:") {
			return nil, awserr.EC2InvalidParameter("FilterInArn", a, "It is not an ARN.")
		}
	}
	for _, a := range in.AdditionalAccounts {
		if !accountForm.MatchString(a) {
			return nil, awserr.EC2InvalidParameter("AdditionalAccount", a, "Account IDs have 12 digits.")
		}
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := find(&tx.NetworkInsightsPaths, c, insightsPath, in.NetworkInsightsPathId)
		if err != nil {
			return err
		}
		id, err = tokenCall{c, "StartNetworkInsightsAnalysis", in.ClientToken, in}.once(tx, func() (string, error) {
			if atLimit(&tx.NetworkInsightsAnalyses, c, maxInsightsAnalyses) {
				return "", awserr.EC2Code("NetworkInsightsAnalysisLimitExceeded", "You may have at most %d network insights analyses.", maxInsightsAnalyses)
			}
			a := world.NetworkInsightsAnalysis{
				ID: world.NetworkInsightsAnalysisID(tx.NewID("nia")), Meta: tx.NewMeta(c, ts), Path: p.ID,
				Accounts: in.AdditionalAccounts, FilterIn: in.FilterInArns, FilterOut: in.FilterOutArns,
			}
			a.Insight = insight(tx.World, p, a)
			tx.NetworkInsightsAnalyses.Put(a)
			return string(a.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	a, ok := v.w.NetworkInsightsAnalyses.Get(world.NetworkInsightsAnalysisID(id))
	if !ok {
		return nil, awserr.EC2NotFound(insightsAnalysis, id)
	}
	out := analysisHead(a)
	out.Status = new("running") // as AWS answers; what was found is described
	return &ec2api.StartNetworkInsightsAnalysisOutput{NetworkInsightsAnalysis: &out}, nil
}

// insight answers a path's question from a World, as far as the analysis's account may see.
func insight(w world.World, p world.NetworkInsightsPath, a world.NetworkInsightsAnalysis) world.Insight {
	q := reach.Query{
		Source: p.Source, Destination: p.Destination, SourceIP: p.SourceIP, DestinationIP: p.DestinationIP, Protocol: p.Protocol,
		AtDestination: p.AtDestination, FilterIn: a.FilterIn, FilterOut: a.FilterOut,
	}
	if p.Port != nil {
		q.Ports = &world.PortRange{From: *p.Port, To: *p.Port}
	}
	if f := p.AtDestination; f != nil {
		q.SourcePorts, q.Ports = f.SourcePorts, f.DestinationPorts
	}
	if f := p.AtSource; f != nil {
		q.SourceIP, q.DestinationIP = f.Source, f.Destination
		q.SourcePorts, q.Ports = cmp.Or(f.SourcePorts, q.SourcePorts), cmp.Or(f.DestinationPorts, q.Ports)
	}
	for which, id := range map[string]string{"source": p.Source, "destination": p.Destination} {
		if owner, ok := ownerOf(&w, id); ok && !mayKnow(a, owner) {
			return world.Insight{Explanations: []world.Explanation{{Code: string(reach.NoEnd), Missing: which, Component: world.Component{ID: id}}}}
		}
	}
	out := reach.Analyze(w, fabric.Compile(w), q)
	for _, c := range out.Forward {
		if owner := arnAccount(c.Component.ARN); owner != "" && !mayKnow(a, owner) {
			return world.Insight{Explanations: []world.Explanation{{Code: string(reach.NoDestination), Account: string(owner)}}}
		}
	}
	for i, x := range out.Explanations {
		if owner := arnAccount(x.VPC.ARN); owner != "" && !mayKnow(a, owner) {
			out.Explanations[i] = world.Explanation{Code: string(reach.NoDestination), Account: string(owner)}
		}
	}
	return out
}

// mayKnow tells whether an analysis may tell of an account's resources: of its own, and of those named.
func mayKnow(a world.NetworkInsightsAnalysis, owner world.AccountID) bool {
	return owner == a.Account || slices.Contains(a.Accounts, string(owner))
}

// ownerOf is the account an end of a path belongs to.
func ownerOf(w *world.World, id string) (world.AccountID, bool) {
	if i, ok := w.Instances.Get(world.InstanceID(id)); ok {
		return i.Account, true
	}
	if e, ok := w.ENIs.Get(world.ENIID(id)); ok {
		return e.Account, true
	}
	g, ok := w.InternetGateways.Get(world.InternetGatewayID(id))
	return g.Account, ok
}

func arnAccount(arn string) world.AccountID {
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		return world.AccountID(f[4])
	}
	return ""
}

// DescribeNetworkInsightsAnalyses lists the caller's analyses.
func (s *Service) DescribeNetworkInsightsAnalyses(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInsightsAnalysesInput) (*ec2api.DescribeNetworkInsightsAnalysesOutput, error) {
	v := s.look(c)
	if in.NetworkInsightsPathId != nil {
		if _, err := find(&v.w.NetworkInsightsPaths, c, insightsPath, in.NetworkInsightsPathId); err != nil {
			return nil, err
		}
	}
	rows, err := pick(insightsAnalysis, in.NetworkInsightsAnalysisIds, mine(&v.w.NetworkInsightsAnalyses, c))
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(a world.NetworkInsightsAnalysis) bool {
		return in.NetworkInsightsPathId != nil && string(a.Path) != *in.NetworkInsightsPathId || !within(a.Created, in.AnalysisStartTime, in.AnalysisEndTime)
	})
	type analysis = world.NetworkInsightsAnalysis
	filters := listing.Filters[analysis]{
		Tags: ownTags(func(a analysis) world.Meta { return a.Meta }),
		Fields: map[string]func(analysis) []string{
			"path-found": flag(func(a analysis) bool { return a.Found }), "status": one(func(analysis) string { return "succeeded" }),
		},
	}
	page, next, err := list(query{insightsAnalysis, nil, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, rows, filters, listing.EC2(1, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInsightsAnalysesOutput{NetworkInsightsAnalyses: each(page, describeAnalysis), NextToken: next}, nil
}

// within tells whether a time lies between two bounds that may be absent.
func within(t time.Time, from, to *time.Time) bool {
	return (from == nil || !t.Before(*from)) && (to == nil || !t.After(*to))
}

// DeleteNetworkInsightsAnalysis forgets an analysis.
func (s *Service) DeleteNetworkInsightsAnalysis(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkInsightsAnalysisInput) (*ec2api.DeleteNetworkInsightsAnalysisOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		a, err := find(&tx.NetworkInsightsAnalyses, c, insightsAnalysis, in.NetworkInsightsAnalysisId)
		if err != nil {
			return err
		}
		tx.NetworkInsightsAnalyses.Delete(a.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteNetworkInsightsAnalysisOutput{NetworkInsightsAnalysisId: in.NetworkInsightsAnalysisId}, nil
}

// analysisHead is an analysis without what was found.
func analysisHead(a world.NetworkInsightsAnalysis) ec2api.NetworkInsightsAnalysis {
	return ec2api.NetworkInsightsAnalysis{
		NetworkInsightsAnalysisId: new(string(a.ID)), NetworkInsightsAnalysisArn: new(insightsARN(a.Meta, insightsAnalysis, string(a.ID))),
		NetworkInsightsPathId: new(string(a.Path)), StartDate: new(a.Created), Tags: allTags(a.Meta),
		AdditionalAccounts: a.Accounts, FilterInArns: a.FilterIn, FilterOutArns: a.FilterOut,
	}
}

func describeAnalysis(a world.NetworkInsightsAnalysis) ec2api.NetworkInsightsAnalysis {
	out := analysisHead(a)
	out.Status, out.NetworkPathFound = new("succeeded"), new(a.Found)
	out.ForwardPathComponents, out.ReturnPathComponents = pathComponents(a.Forward), pathComponents(a.Return)
	for _, x := range a.Explanations {
		out.Explanations = append(out.Explanations, explanation(x))
		if x.Account != "" {
			out.SuggestedAccounts = append(out.SuggestedAccounts, x.Account)
		}
	}
	return out
}
