package iam

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/guard"
	"kumiko/internal/policy"
	"kumiko/internal/world"
)

// trial is a simulation.
type trial struct {
	who       policy.Principal
	named     []named // policies of the identity
	boundary  []*policy.Document
	resource  *policy.Document
	owner     string
	actions   []string
	resources []string
	keys      map[string][]string
}

// named is a document with the id simulations call it by.
type named struct {
	id   string
	kind string
	doc  *policy.Document
}

// SimulateCustomPolicy decides requests by policies that are given.
func (s *Service) SimulateCustomPolicy(_ context.Context, c world.Caller, in *iamapi.SimulateCustomPolicyInput) (*iamapi.SimulateCustomPolicyOutput, error) {
	t, err := s.trial(c, &iamapi.SimulatePrincipalPolicyInput{
		PolicyInputList: in.PolicyInputList, PermissionsBoundaryPolicyInputList: in.PermissionsBoundaryPolicyInputList, ActionNames: in.ActionNames,
		ResourceArns: in.ResourceArns, ResourcePolicy: in.ResourcePolicy, ResourceOwner: in.ResourceOwner, CallerArn: in.CallerArn, ContextEntries: in.ContextEntries,
		ResourceHandlingOption: in.ResourceHandlingOption,
	})
	if err != nil {
		return nil, err
	}
	page, more, next, err := t.page(listing{in.Marker, in.MaxItems})
	return &iamapi.SimulateCustomPolicyOutput{EvaluationResults: page, IsTruncated: more, Marker: next}, err
}

// SimulatePrincipalPolicy decides requests by the policies of an identity and others that are given.
func (s *Service) SimulatePrincipalPolicy(_ context.Context, c world.Caller, in *iamapi.SimulatePrincipalPolicyInput) (*iamapi.SimulatePrincipalPolicyOutput, error) {
	t, err := s.trial(c, in)
	if err != nil {
		return nil, err
	}
	page, more, next, err := t.page(listing{in.Marker, in.MaxItems})
	return &iamapi.SimulatePrincipalPolicyOutput{EvaluationResults: page, IsTruncated: more, Marker: next}, err
}

// trial reads a request for a simulation.
func (s *Service) trial(c world.Caller, in *iamapi.SimulatePrincipalPolicyInput) (*trial, error) {
	if err := checkTrial(in); err != nil {
		return nil, err
	}
	w := s.store.World()
	t := &trial{actions: in.ActionNames, resources: in.ResourceArns, keys: map[string][]string{}}
	t.who = policy.Principal{Account: string(c.Account), ARN: "arn:aws:iam::" + string(c.Account) + ":user/simulated", ID: "AIDASIMULATED"}
	if len(t.resources) == 0 {
		t.resources = []string{"*"}
	}
	if in.PolicySourceArn != nil {
		if err := s.source(&w, c, t, *in.PolicySourceArn); err != nil {
			return nil, err
		}
	}
	if in.CallerArn != nil {
		t.who.ARN, t.who.Account = *in.CallerArn, policy.AccountOf(*in.CallerArn)
	}
	t.owner = policy.AccountOf(val(in.ResourceOwner))
	for _, e := range in.ContextEntries {
		t.keys[strings.ToLower(val(e.ContextKeyName))] = e.ContextKeyValues
	}
	if _, ok := t.keys["aws:currenttime"]; !ok {
		t.keys["aws:currenttime"] = []string{s.now().UTC().Format("2006-01-02T15:04:05Z")}
	}
	for n, text := range in.PolicyInputList {
		d, err := policy.Parse(text, policy.Identity)
		if err != nil {
			return nil, invalid(err)
		}
		t.named = append(t.named, named{"PolicyInputList." + strconv.Itoa(n+1), "IAM Policy", d})
	}
	for _, text := range in.PermissionsBoundaryPolicyInputList {
		d, err := policy.Parse(text, policy.Identity)
		if err != nil {
			return nil, invalid(err)
		}
		t.boundary = append(t.boundary, d)
	}
	if in.ResourcePolicy != nil {
		d, err := policy.Parse(*in.ResourcePolicy, policy.Resource)
		if err != nil {
			return nil, invalid(err)
		}
		t.resource = d
	}
	return t, nil
}

// Forms of what a simulation is told: actions, callers, owners, and the cases of RunInstances. (IAM API Reference,
// SimulatePrincipalPolicy.)
var (
	actionForm   = regexp.MustCompile(`^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$`)
	callerForm   = regexp.MustCompile(`^arn:aws[a-z-]*:(iam|sts)::\d{12}:.+$`)
	ownerForm    = regexp.MustCompile(`^(\d{12}|arn:aws[a-z-]*:iam::\d{12}:.+)$`)
	handlingForm = regexp.MustCompile(`^EC2-(Classic|VPC)-(InstanceStore|EBS)(-Subnet)?$`)
)

// checkTrial refuses what would otherwise be decided without a meaning.
func checkTrial(in *iamapi.SimulatePrincipalPolicyInput) error {
	for _, a := range in.ActionNames {
		if !actionForm.MatchString(a) {
			return awserr.IAMInvalid("Invalid Entity Action: %s", a)
		}
	}
	for _, p := range []struct {
		name string
		text *string
		form *regexp.Regexp
	}{{"caller ARN", in.CallerArn, callerForm}, {"resource owner", in.ResourceOwner, ownerForm}, {"resource handling option", in.ResourceHandlingOption, handlingForm}} {
		if p.text != nil && !p.form.MatchString(*p.text) {
			return awserr.IAMInvalid("Invalid %s: %s", p.name, *p.text)
		}
	}
	return nil
}

// source takes the policies of an identity.
func (s *Service) source(w *world.World, c world.Caller, t *trial, arn string) error {
	var whose []world.Identity
	bound := ""
	for _, u := range rows(&w.Users, c) {
		if u.ARN() == arn {
			whose, bound = append(whose, u.Identity), u.Boundary
			t.keys["aws:username"] = []string{u.Name}
			for _, g := range w.GroupsOf(u) {
				whose = append(whose, g.Identity)
			}
			t.who.ARN, t.who.ID = arn, u.ID
		}
	}
	if r, ok := guard.RoleByARN(w, arn); ok && r.Account == c.Account {
		whose, bound = append(whose, r.Identity), r.Boundary
		t.who.Role, t.who.ARN, t.who.ID = arn, arn, r.ID
	}
	for _, g := range rows(&w.Groups, c) {
		if g.ARN() == arn {
			whose = append(whose, g.Identity)
		}
	}
	if whose == nil {
		return awserr.IAMNoSuch("The entity with ARN %s cannot be found.", arn)
	}
	t.keys["aws:principalarn"] = []string{arn}
	for _, i := range whose {
		for _, p := range s.guard.Named(w, i) {
			t.named = append(t.named, named{p.Name, "IAM Policy", p.Document})
		}
	}
	if bound != "" {
		t.boundary = append(t.boundary, s.guard.ManagedDocument(w, bound))
	}
	return nil
}

// invalid is the answer to a document that is not accepted.
func invalid(err error) error {
	var bad *policy.Error
	if errors.As(err, &bad) {
		return awserr.IAMInvalid("%s", bad.Text)
	}
	return err
}

func (t *trial) page(l listing) ([]iamapi.EvaluationResult, *bool, *string, error) {
	var all []iamapi.EvaluationResult
	for _, a := range t.actions {
		for _, r := range t.resources {
			all = append(all, t.result(a, r))
		}
	}
	slices.SortFunc(all, func(a, b iamapi.EvaluationResult) int { return strings.Compare(resultKey(a), resultKey(b)) })
	return paged(l, all, resultKey)
}

func resultKey(r iamapi.EvaluationResult) string {
	return *r.EvalActionName + " " + *r.EvalResourceName
}

// result decides one request.
func (t *trial) result(action, resource string) iamapi.EvaluationResult {
	r := &policy.Request{Principal: t.who, Action: action, Resource: resource, Owner: t.owner, Keys: t.keys}
	p := policy.Policies{Resource: t.resource}
	for _, n := range t.named {
		p.Identity = append(p.Identity, n.doc)
	}
	for _, b := range t.boundary {
		p.Boundary = b
	}
	d := policy.Decide(r, p)
	out := iamapi.EvaluationResult{EvalActionName: &action, EvalResourceName: &resource, MatchedStatements: []iamapi.Statement{}, MissingContextValues: []string{}}
	switch {
	case d.Allowed:
		out.EvalDecision = new("allowed")
	case d.Explicit:
		out.EvalDecision = new("explicitDeny")
	default:
		out.EvalDecision = new("implicitDeny")
	}
	for _, n := range t.named {
		if n.doc.Matches(r, d.Explicit) {
			out.MatchedStatements = append(out.MatchedStatements, iamapi.Statement{SourcePolicyId: new(n.id), SourcePolicyType: new(n.kind)})
		}
		for _, k := range n.doc.Keys() {
			if _, known := t.keys[strings.ToLower(k)]; !known && !slices.Contains(out.MissingContextValues, k) {
				out.MissingContextValues = append(out.MissingContextValues, k)
			}
		}
	}
	if p.Boundary != nil {
		out.PermissionsBoundaryDecisionDetail = &iamapi.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: new(p.Boundary.Matches(r, false) && !p.Boundary.Matches(r, true))}
	}
	return out
}
