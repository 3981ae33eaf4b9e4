package ssm

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// parameters are all parameters a caller can read below a path: the account's own, and those that AWS keeps.
func (s *Service) parameters(w *world.World, c world.Caller, path string) []world.Parameter {
	rows := slices.Collect(w.Parameters.Prefix(world.ParameterKey(c.Account, c.Region, path)))
	if s.Public != nil && strings.HasPrefix(path, "/aws/service") {
		for name, value := range s.Public(c.Region) {
			if strings.HasPrefix(name, path) {
				rows = append(rows, publicRow(c.Region, name, value))
			}
		}
	}
	return rows
}

func nameOf(p world.Parameter) string { return p.Name }

// GetParametersByPath shows the parameters of a level, or of all levels below it.
func (s *Service) GetParametersByPath(_ context.Context, c world.Caller, in *ssmapi.GetParametersByPathInput) (*ssmapi.GetParametersByPathOutput, error) {
	path := val(in.Path)
	if !strings.HasPrefix(path, "/") {
		return nil, awserr.SSMInvalid(`The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/".`)
	}
	path = strings.TrimSuffix(path, "/") + "/"
	w := s.Store.World()
	var rows []world.Parameter
	for _, p := range s.parameters(&w, c, path) {
		if !val(in.Recursive) && strings.Contains(p.Name[len(path):], "/") {
			continue
		}
		ok, err := matches(p, in.ParameterFilters)
		if err != nil {
			return nil, err
		}
		if ok {
			rows = append(rows, p)
		}
	}
	rows, next, err := listing.Page(pages(1, 10, 10), rows, nameOf, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.GetParametersByPathOutput{Parameters: []ssmapi.Parameter{}, NextToken: next}
	for _, p := range rows {
		out.Parameters = append(out.Parameters, s.shown(p, p.Latest(), val(in.WithDecryption)))
	}
	return out, nil
}

// DescribeParameters lists parameters without their values.
func (s *Service) DescribeParameters(_ context.Context, c world.Caller, in *ssmapi.DescribeParametersInput) (*ssmapi.DescribeParametersOutput, error) {
	filters := slices.Clone(in.ParameterFilters)
	for _, f := range in.Filters {
		filters = append(filters, ssmapi.ParameterStringFilter{Key: f.Key, Option: new("BeginsWith"), Values: f.Values})
	}
	if err := checkFilters(filters); err != nil {
		return nil, err
	}
	w := s.Store.World()
	var rows []world.Parameter
	for _, p := range s.parameters(&w, c, "") {
		ok, err := matches(p, filters)
		if err != nil {
			return nil, err
		}
		if ok {
			rows = append(rows, p)
		}
	}
	rows, next, err := listing.Page(pages(1, 50, 10), rows, nameOf, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.DescribeParametersOutput{Parameters: []ssmapi.ParameterMetadata{}, NextToken: next}
	for _, p := range rows {
		v := p.Latest()
		out.Parameters = append(out.Parameters, ssmapi.ParameterMetadata{
			Name: &p.Name, ARN: new(parameterARN(p)), Type: &p.Type, KeyId: some(p.KeyID), LastModifiedDate: &v.Modified, LastModifiedUser: some(v.User),
			Description: some(v.Description), AllowedPattern: some(v.Pattern), Version: new(int64(v.Number)), Tier: &p.Tier,
			Policies: []ssmapi.ParameterInlinePolicy{}, DataType: &p.DataType,
		})
	}
	return out, nil
}

// checkFilters checks filters whether there is anything to filter or not.
func checkFilters(filters []ssmapi.ParameterStringFilter) error {
	for _, f := range filters {
		if !slices.Contains([]string{"", "Equals", "BeginsWith", "Contains", "Recursive", "OneLevel"}, val(f.Option)) {
			return awserr.SSMRefused("InvalidFilterOption", "The following filter option is not valid: %s", *f.Option)
		}
	}
	_, err := matches(world.Parameter{Versions: []world.ParameterVersion{{}}}, filters)
	return err
}

// matches tells whether a parameter has one of the values of each filter. (AWS Systems Manager API Reference,
// ParameterStringFilter.)
func matches(p world.Parameter, filters []ssmapi.ParameterStringFilter) (bool, error) {
	for _, f := range filters {
		ok, err := parameterHas(p, val(f.Key), val(f.Option), f.Values)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func parameterHas(p world.Parameter, key, option string, values []string) (bool, error) {
	is := func(have string) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			switch option {
			case "BeginsWith":
				return strings.HasPrefix(strings.TrimPrefix(have, "/"), strings.TrimPrefix(v, "/"))
			case "Contains":
				return strings.Contains(have, v)
			}
			return have == v
		})
	}
	switch key {
	case "Name":
		return is(p.Name), nil
	case "Type":
		return is(p.Type), nil
	case "KeyId":
		return is(p.KeyID), nil
	case "Tier":
		return is(p.Tier), nil
	case "DataType":
		return is(p.DataType), nil
	case "Label":
		return slices.ContainsFunc(p.Latest().Labels, is), nil
	case "Path":
		return slices.ContainsFunc(values, func(v string) bool {
			rest, ok := strings.CutPrefix(p.Name, strings.TrimSuffix(v, "/")+"/")
			return ok && (option != "OneLevel" || !strings.Contains(rest, "/"))
		}), nil
	}
	if name, ok := strings.CutPrefix(key, "tag:"); ok {
		return slices.ContainsFunc(p.Tags, func(t world.Tag) bool { return t.Key == name && (len(values) == 0 || is(t.Value)) }), nil
	}
	return false, awserr.SSMRefused("InvalidFilterKey", "The following filter key is not valid: %s", key)
}

// GetParameterHistory shows the versions of a parameter.
func (s *Service) GetParameterHistory(_ context.Context, c world.Caller, in *ssmapi.GetParameterHistoryInput) (*ssmapi.GetParameterHistoryOutput, error) {
	w := s.Store.World()
	p, _, _, err := s.parameter(&w, c, val(in.Name))
	if err != nil {
		return nil, err
	}
	key := func(v world.ParameterVersion) string { return fmt.Sprintf("%09d", v.Number) }
	rows, next, err := listing.Page(pages(1, 50, 50), p.Versions, key, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.GetParameterHistoryOutput{Parameters: []ssmapi.ParameterHistory{}, NextToken: next}
	for _, v := range rows {
		out.Parameters = append(out.Parameters, ssmapi.ParameterHistory{
			Name: &p.Name, Type: &p.Type, KeyId: some(p.KeyID), LastModifiedDate: &v.Modified, LastModifiedUser: some(v.User), Description: some(v.Description),
			Value: new(s.open(p, v, val(in.WithDecryption))), AllowedPattern: some(v.Pattern), Version: new(int64(v.Number)), Labels: v.Labels, Tier: &p.Tier,
			Policies: []ssmapi.ParameterInlinePolicy{}, DataType: &p.DataType,
		})
	}
	return out, nil
}
