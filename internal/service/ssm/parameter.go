package ssm

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kumiko/internal/api/ssmapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Limits of parameters. (AWS General Reference, "AWS Systems Manager endpoints and quotas".)
const (
	maxStandard = 4 << 10
	maxAdvanced = 8 << 10
	maxHistory  = 100
	maxLevels   = 15
)

// secretPurpose is what the values of SecureString parameters are sealed for.
const secretPurpose = "ssm-parameter"

// secure is the type of parameters whose values are sealed.
const secure = "SecureString"

var parameterName = regexp.MustCompile(`^[A-Za-z0-9_.\-/]+$`)

// PutParameter makes a parameter, or gives it a new version.
func (s *Service) PutParameter(ctx context.Context, c world.Caller, in *ssmapi.PutParameterInput) (*ssmapi.PutParameterOutput, error) {
	name := val(in.Name)
	if err := checkName(name); err != nil {
		return nil, err
	}
	if in.Policies != nil {
		return nil, awserr.SSMUnbuilt("Policies of parameters are")
	}
	var row world.Parameter
	_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
		old, was := tx.Parameters.Get(world.ParameterKey(c.Account, c.Region, name))
		switch {
		case was && !val(in.Overwrite):
			return awserr.SSMRefused("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		case was && len(in.Tags) > 0:
			return awserr.SSMInvalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
		case !was && in.Type == nil:
			return awserr.SSMInvalid("A parameter type is required when you create a parameter.")
		}
		row = old
		if !was {
			row = world.Parameter{Meta: tx.NewMeta(c, tagsOf(in.Tags)), Name: name, DataType: "text", Tier: "Standard"}
		}
		return s.putVersion(tx, c, &row, in)
	})
	if err != nil {
		return nil, err
	}
	return &ssmapi.PutParameterOutput{Version: new(int64(row.Latest().Number)), Tier: &row.Tier}, nil
}

// putVersion adds what a request says to a parameter.
func (s *Service) putVersion(tx *world.Tx, c world.Caller, row *world.Parameter, in *ssmapi.PutParameterInput) error {
	v := world.ParameterVersion{Number: 1, User: c.ARN, Modified: tx.Now, Value: val(in.Value)}
	if n := len(row.Versions); n > 0 {
		last := row.Versions[n-1]
		v.Number, v.Description, v.Pattern = last.Number+1, last.Description, last.Pattern
	}
	for _, f := range []struct {
		said *string
		in   *string
	}{{in.Type, &row.Type}, {in.DataType, &row.DataType}, {in.Tier, &row.Tier}, {in.Description, &v.Description}, {in.AllowedPattern, &v.Pattern}} {
		if f.said != nil {
			*f.in = *f.said
		}
	}
	if err := checkValue(row, v); err != nil {
		return err
	}
	if row.Type == secure {
		row.KeyID = "alias/aws/ssm"
		if in.KeyId != nil {
			row.KeyID = *in.KeyId
		}
		var err error
		if v.Value, err = s.Box.Seal(rand.Reader, secretPurpose, v.Value); err != nil {
			return err
		}
	}
	row.Versions = append(slices.Clone(row.Versions), v)
	if n := len(row.Versions); n > maxHistory {
		row.Versions = row.Versions[n-maxHistory:]
	}
	tx.Parameters.Put(*row)
	return nil
}

func checkName(name string) error {
	switch {
	case !parameterName.MatchString(name), strings.Contains(name, "/") && !strings.HasPrefix(name, "/"), strings.HasSuffix(name, "/"), strings.Contains(name, "//"):
		return awserr.SSMInvalid(`Parameter name must be a fully qualified name: letters, digits and .-_/ where a name with levels begins with "/".`)
	case strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "/")), "aws"), strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "/")), "ssm"):
		return awserr.SSMInvalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive).`)
	case strings.Count(name, "/") > maxLevels:
		return awserr.SSMRefused("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of %d levels.", maxLevels)
	}
	return nil
}

func checkValue(row *world.Parameter, v world.ParameterVersion) error {
	most := maxStandard
	if row.Tier == "Advanced" || row.Tier == "Intelligent-Tiering" {
		most = maxAdvanced
	}
	if len(v.Value) > most || v.Value == "" {
		return awserr.SSMInvalid("Parameter values have between 1 and %d characters in the tier %s.", most, row.Tier)
	}
	if row.DataType != "text" && row.DataType != "aws:ec2:image" {
		return awserr.SSMInvalid("The following data type is not supported: %s", row.DataType)
	}
	if v.Pattern == "" {
		return nil
	}
	r, err := regexp.Compile(v.Pattern)
	if err != nil {
		return awserr.SSMRefused("InvalidAllowedPatternException", "The request doesn't meet the regular expression requirement.")
	}
	if !r.MatchString(v.Value) {
		return awserr.SSMRefused("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", v.Pattern)
	}
	return nil
}

// parameter is the parameter of a name or an ARN, which may choose a version: by its number or a label behind a colon.
func (s *Service) parameter(w *world.World, c world.Caller, name string) (world.Parameter, world.ParameterVersion, string, error) {
	missing := awserr.SSMRefused("ParameterNotFound", "Parameter %s not found.", name)
	short := name
	if i := strings.Index(name, ":parameter/"); strings.HasPrefix(name, "arn:") && i > 0 {
		short = name[i+len(":parameter"):]
	}
	short, selector, chosen := strings.Cut(short, ":")
	row, ok := w.Parameters.Get(world.ParameterKey(c.Account, c.Region, short))
	if !ok {
		row, ok = w.Parameters.Get(world.ParameterKey(c.Account, c.Region, strings.TrimPrefix(short, "/")))
	}
	if !ok {
		row, ok = s.public(c, short)
	}
	if !ok {
		return row, world.ParameterVersion{}, "", missing
	}
	if !chosen {
		return row, row.Latest(), "", nil
	}
	for _, v := range row.Versions {
		if fmt.Sprint(v.Number) == selector || slices.Contains(v.Labels, selector) {
			return row, v, ":" + selector, nil
		}
	}
	return row, world.ParameterVersion{}, "", awserr.SSMRefused("ParameterVersionNotFound", "Systems Manager could not find version %s of %s.", selector, short)
}

// public is one of the parameters that AWS keeps for everyone.
func (s *Service) public(c world.Caller, name string) (world.Parameter, bool) {
	if s.Public == nil || !strings.HasPrefix(name, "/aws/service/") {
		return world.Parameter{}, false
	}
	value, ok := s.Public(c.Region)[name]
	return publicRow(c.Region, name, value), ok
}

func publicRow(region, name, value string) world.Parameter {
	return world.Parameter{
		Meta: world.Meta{Region: region}, Name: name, Type: "String", DataType: "aws:ec2:image", Tier: "Standard",
		Versions: []world.ParameterVersion{{Number: 1, Value: value, Modified: builtinSince}},
	}
}

func parameterARN(p world.Parameter) string {
	return world.ARN("ssm", p.Region, p.Account, "parameter/"+strings.TrimPrefix(p.Name, "/"))
}

// open is the value of a version as a caller gets it: a secret one only when that was asked for.
func (s *Service) open(p world.Parameter, v world.ParameterVersion, decrypt bool) string {
	text := v.Value
	if p.Type == secure && decrypt && !s.Box.Open(secretPurpose, v.Value, &text) {
		s.Log.Error("ssm: a parameter cannot be opened", "id", p.RowID())
	}
	return text
}

func (s *Service) shown(p world.Parameter, v world.ParameterVersion, decrypt bool) ssmapi.Parameter {
	return ssmapi.Parameter{
		Name: &p.Name, Type: &p.Type, Value: new(s.open(p, v, decrypt)), Version: new(int64(v.Number)), LastModifiedDate: &v.Modified,
		ARN: new(parameterARN(p)), DataType: &p.DataType,
	}
}

// GetParameter shows one parameter.
func (s *Service) GetParameter(_ context.Context, c world.Caller, in *ssmapi.GetParameterInput) (*ssmapi.GetParameterOutput, error) {
	w := s.Store.World()
	p, v, selector, err := s.parameter(&w, c, val(in.Name))
	if err != nil {
		return nil, err
	}
	shown := s.shown(p, v, val(in.WithDecryption))
	shown.Selector = some(selector)
	return &ssmapi.GetParameterOutput{Parameter: &shown}, nil
}

// GetParameters shows several parameters, and tells which there are not.
func (s *Service) GetParameters(_ context.Context, c world.Caller, in *ssmapi.GetParametersInput) (*ssmapi.GetParametersOutput, error) {
	w := s.Store.World()
	out := &ssmapi.GetParametersOutput{Parameters: []ssmapi.Parameter{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		p, v, selector, err := s.parameter(&w, c, name)
		if err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		shown := s.shown(p, v, val(in.WithDecryption))
		shown.Selector = some(selector)
		out.Parameters = append(out.Parameters, shown)
	}
	return out, nil
}

// DeleteParameter takes a parameter away.
func (s *Service) DeleteParameter(ctx context.Context, c world.Caller, in *ssmapi.DeleteParameterInput) (*ssmapi.DeleteParameterOutput, error) {
	gone, err := s.deleteParameters(ctx, c, []string{val(in.Name)})
	if err != nil {
		return nil, err
	}
	if len(gone) == 0 {
		return nil, awserr.SSMRefused("ParameterNotFound", "Parameter %s not found.", val(in.Name))
	}
	return &ssmapi.DeleteParameterOutput{}, nil
}

// DeleteParameters takes several parameters away, and tells which there are not.
func (s *Service) DeleteParameters(ctx context.Context, c world.Caller, in *ssmapi.DeleteParametersInput) (*ssmapi.DeleteParametersOutput, error) {
	gone, err := s.deleteParameters(ctx, c, in.Names)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.DeleteParametersOutput{DeletedParameters: gone, InvalidParameters: []string{}}
	for _, name := range in.Names {
		if !slices.Contains(gone, name) {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

func (s *Service) deleteParameters(ctx context.Context, c world.Caller, names []string) ([]string, error) {
	gone := []string{}
	_, err := s.Store.Update(ctx, func(tx *world.Tx) error {
		gone = []string{}
		for _, name := range names {
			if key := world.ParameterKey(c.Account, c.Region, name); tx.Parameters.Has(key) {
				tx.Parameters.Delete(key)
				gone = append(gone, name)
			}
		}
		return nil
	})
	return gone, err
}
