package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// The life of a path and its analyses, through a change that closes the way.
func TestNetworkInsights(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	from, to := b.instance(b.subnet(vpc, "10.0.0.0/24")), b.instance(b.subnet(vpc, "10.0.1.0/24"))
	make := func(in *ec2api.CreateNetworkInsightsPathInput) (*ec2api.NetworkInsightsPath, error) {
		out, err := b.CreateNetworkInsightsPath(ctx, b.c, in)
		if err != nil {
			return nil, err
		}
		return out.NetworkInsightsPath, nil
	}
	p := must(make(&ec2api.CreateNetworkInsightsPathInput{Source: from, Destination: to, Protocol: new("tcp"), DestinationPort: new(int32(443)), ClientToken: new("a")}))
	again := must(make(&ec2api.CreateNetworkInsightsPathInput{Source: from, Destination: to, Protocol: new("tcp"), DestinationPort: new(int32(443)), ClientToken: new("a")}))
	if *p.NetworkInsightsPathId != *again.NetworkInsightsPathId || *p.SourceArn != "arn:aws:ec2:us-east-1:000000000000:instance/"+*from {
		t.Errorf("path %+v, made again %s", p, *again.NetworkInsightsPathId)
	}
	analyze := func() ec2api.NetworkInsightsAnalysis {
		t.Helper()
		a := must(b.StartNetworkInsightsAnalysis(ctx, b.c, &ec2api.StartNetworkInsightsAnalysisInput{NetworkInsightsPathId: p.NetworkInsightsPathId})).NetworkInsightsAnalysis
		if *a.Status != "running" {
			t.Errorf("a new analysis is %s", *a.Status)
		}
		return must(b.DescribeNetworkInsightsAnalyses(ctx, b.c, &ec2api.DescribeNetworkInsightsAnalysesInput{NetworkInsightsAnalysisIds: []string{*a.NetworkInsightsAnalysisId}})).NetworkInsightsAnalyses[0]
	}
	if a := analyze(); !*a.NetworkPathFound || len(a.ForwardPathComponents) != 9 || *a.ForwardPathComponents[0].Component.Id != *from || len(a.ReturnPathComponents) != 7 {
		t.Errorf("between members of the default group: %+v", a)
	}
	w := b.st.World()
	g, _ := w.DefaultGroup(world.VPCID(*vpc))
	for _, r := range w.RulesOf(g.ID) {
		if !r.Egress {
			must(b.RevokeSecurityGroupIngress(ctx, b.c, &ec2api.RevokeSecurityGroupIngressInput{GroupId: new(string(g.ID)), SecurityGroupRuleIds: []string{string(r.ID)}}))
		}
	}
	a := analyze()
	if x := a.Explanations; *a.NetworkPathFound || *a.Status != "succeeded" || *x[0].ExplanationCode != "ENI_SG_RULES_MISMATCH" || *x[0].Direction != "ingress" ||
		*x[0].SecurityGroups[0].Id != string(g.ID) || x[0].NetworkInterface == nil || *x[0].Vpc.Id != *vpc {
		t.Errorf("without a rule: %+v", a)
	}
	filtered := must(b.DescribeNetworkInsightsAnalyses(ctx, b.c, &ec2api.DescribeNetworkInsightsAnalysesInput{
		NetworkInsightsPathId: p.NetworkInsightsPathId, Filters: []ec2api.Filter{{Name: new("path-found"), Values: []string{"true"}}},
	})).NetworkInsightsAnalyses
	if len(filtered) != 1 {
		t.Errorf("%d analyses found a path", len(filtered))
	}
	remove := &ec2api.DeleteNetworkInsightsPathInput{NetworkInsightsPathId: p.NetworkInsightsPathId}
	_, err := b.DeleteNetworkInsightsPath(ctx, b.c, remove)
	b.refused(err, "AnalysisExistsForNetworkInsightsPath", "")
	for _, a := range must(b.DescribeNetworkInsightsAnalyses(ctx, b.c, &ec2api.DescribeNetworkInsightsAnalysesInput{})).NetworkInsightsAnalyses {
		must(b.DeleteNetworkInsightsAnalysis(ctx, b.c, &ec2api.DeleteNetworkInsightsAnalysisInput{NetworkInsightsAnalysisId: a.NetworkInsightsAnalysisId}))
	}
	must(b.DeleteNetworkInsightsPath(ctx, b.c, remove))
	_, err = b.DeleteNetworkInsightsPath(ctx, b.c, remove)
	b.refused(err, "InvalidNetworkInsightsPathId.NotFound", "")
	_, err = b.DescribeNetworkInsightsAnalyses(ctx, b.c, &ec2api.DescribeNetworkInsightsAnalysesInput{NetworkInsightsAnalysisIds: []string{"nia-00000000000000000"}})
	b.refused(err, "InvalidNetworkInsightsAnalysisId.NotFound", "")
	for _, x := range []struct {
		in   ec2api.CreateNetworkInsightsPathInput
		code string
	}{
		{ec2api.CreateNetworkInsightsPathInput{Source: from, Protocol: new("tcp")}, "MissingParameter"},
		{ec2api.CreateNetworkInsightsPathInput{Source: from, Destination: to, Protocol: new("icmp")}, "InvalidParameterValue"},
		{ec2api.CreateNetworkInsightsPathInput{Source: new("i-x"), Destination: to, Protocol: new("tcp")}, "InvalidInstanceID.Malformed"},
		{ec2api.CreateNetworkInsightsPathInput{Source: from, Destination: to, Protocol: new("tcp"), DestinationPort: new(int32(1)), FilterAtSource: &ec2api.PathRequestFilter{}}, "InvalidParameterCombination"},
		{ec2api.CreateNetworkInsightsPathInput{Source: from, Protocol: new("tcp"), DestinationIp: new("x")}, "InvalidParameterValue"},
		{ec2api.CreateNetworkInsightsPathInput{Source: from, Destination: to, Protocol: new("tcp"), DryRun: new(true)}, "DryRunOperation"},
	} {
		_, err := make(&x.in)
		b.refused(err, x.code, "")
	}
}

// An analysis tells nothing of other accounts unless they are named.
func TestNetworkInsightsOfOthers(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	theirs := b.instance(b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24"))
	b.c.Account = "111111111111"
	mine := b.instance(b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24"))
	_, err := b.CreateNetworkInsightsPath(ctx, b.c, &ec2api.CreateNetworkInsightsPathInput{Source: mine, Destination: theirs, Protocol: new("tcp")})
	b.refused(err, "InvalidInstanceID.NotFound", "")
	p := must(b.CreateNetworkInsightsPath(ctx, b.c, &ec2api.CreateNetworkInsightsPathInput{Source: mine, Destination: new("arn:aws:ec2:us-east-1:000000000000:instance/" + *theirs), Protocol: new("tcp")})).NetworkInsightsPath
	if arn := "arn:aws:ec2:us-east-1:000000000000:instance/" + *theirs; *p.DestinationArn != arn || *p.Destination != *theirs {
		t.Errorf("the destination is %s, described as %s", arn, *p.DestinationArn)
	}
	for want, accounts := range map[string][]string{"NO_SOURCE_OR_DESTINATION": nil, "DISCONNECTED_VPCS": {"000000000000"}} {
		must(b.StartNetworkInsightsAnalysis(ctx, b.c, &ec2api.StartNetworkInsightsAnalysisInput{NetworkInsightsPathId: p.NetworkInsightsPathId, AdditionalAccounts: accounts}))
		all := must(b.DescribeNetworkInsightsAnalyses(ctx, b.c, &ec2api.DescribeNetworkInsightsAnalysesInput{})).NetworkInsightsAnalyses
		for _, a := range all {
			if len(a.AdditionalAccounts) == len(accounts) && *a.Explanations[0].ExplanationCode != want {
				t.Errorf("with %v: %s", accounts, *a.Explanations[0].ExplanationCode)
			}
		}
	}
}

// The life of an access scope.
func TestAccessScope(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	from, to := b.instance(subnet), b.instance(subnet)
	one := func(id *string) *ec2api.PathStatementRequest {
		return &ec2api.PathStatementRequest{ResourceStatement: &ec2api.ResourceStatementRequest{Resources: []string{*id}}}
	}
	scope := must(b.CreateNetworkInsightsAccessScope(ctx, b.c, &ec2api.CreateNetworkInsightsAccessScopeInput{
		MatchPaths: []ec2api.AccessScopePathRequest{{Source: one(from), Destination: one(to)}},
	})).NetworkInsightsAccessScope.NetworkInsightsAccessScopeId
	content := must(b.GetNetworkInsightsAccessScopeContent(ctx, b.c, &ec2api.GetNetworkInsightsAccessScopeContentInput{NetworkInsightsAccessScopeId: scope}))
	if p := content.NetworkInsightsAccessScopeContent.MatchPaths; len(p) != 1 || p[0].Source.ResourceStatement.Resources[0] != *from {
		t.Errorf("content %+v", p)
	}
	id := must(b.StartNetworkInsightsAccessScopeAnalysis(ctx, b.c, &ec2api.StartNetworkInsightsAccessScopeAnalysisInput{NetworkInsightsAccessScopeId: scope})).
		NetworkInsightsAccessScopeAnalysis.NetworkInsightsAccessScopeAnalysisId
	a := must(b.DescribeNetworkInsightsAccessScopeAnalyses(ctx, b.c, &ec2api.DescribeNetworkInsightsAccessScopeAnalysesInput{})).NetworkInsightsAccessScopeAnalyses[0]
	found := must(b.GetNetworkInsightsAccessScopeAnalysisFindings(ctx, b.c, &ec2api.GetNetworkInsightsAccessScopeAnalysisFindingsInput{NetworkInsightsAccessScopeAnalysisId: id}))
	if *a.FindingsFound != "true" || *a.AnalyzedEniCount != 2 || len(found.AnalysisFindings) != 2 || *found.AnalysisFindings[0].FindingComponents[0].Component.Id != *from {
		t.Errorf("analysis %+v, findings %+v", a, found.AnalysisFindings)
	}
	remove := &ec2api.DeleteNetworkInsightsAccessScopeInput{NetworkInsightsAccessScopeId: scope}
	_, err := b.DeleteNetworkInsightsAccessScope(ctx, b.c, remove)
	b.refused(err, "AnalysisExistsForNetworkInsightsAccessScope", "")
	must(b.DeleteNetworkInsightsAccessScopeAnalysis(ctx, b.c, &ec2api.DeleteNetworkInsightsAccessScopeAnalysisInput{NetworkInsightsAccessScopeAnalysisId: id}))
	must(b.DeleteNetworkInsightsAccessScope(ctx, b.c, remove))
	_, err = b.DeleteNetworkInsightsAccessScope(ctx, b.c, remove)
	b.refused(err, "InvalidNetworkInsightsAccessScopeId.NotFound", "")
}
