package lattice

import (
	"context"
	"encoding/json"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// maxPolicy is the length of the longest resource policy. (VPC Lattice API Reference, PolicyString.)
const maxPolicy = 10000

// shareable is the ARN of a network or configuration of the caller, in the form policies are kept under.
func shareable(w *world.World, c world.Caller, action string, arn *string) (string, error) {
	const field = "resourceArn"
	_, _, resource, ok := parseARN(value(arn))
	if !ok {
		return "", invalidField(field, "'"+value(arn)+"' is no ARN of a VPC Lattice resource")
	}
	switch path, _, _ := strings.Cut(resource, "/"); path {
	case networkKind().path:
		n, err := find(w, &w.ServiceNetworks, c, networkKind().called(field).to(action), arn)
		return n.ARN(), err
	case configurationKind().path:
		cfg, err := find(w, &w.ResourceConfigurations, c, configurationKind().called(field).to(action), arn)
		return cfg.OwnARN(), err
	}
	return "", awserr.LatticeNotFound("RESOURCE", value(arn))
}

// PutResourcePolicy attaches a policy document to a network or configuration.
func (s *Service) PutResourcePolicy(ctx context.Context, c world.Caller, in *latticeapi.PutResourcePolicyInput) (*latticeapi.PutResourcePolicyOutput, error) {
	text := value(in.Policy)
	var document struct{ Statement json.RawMessage }
	if len(text) > maxPolicy || strings.ContainsAny(text, "\r\n") || json.Unmarshal([]byte(text), &document) != nil || document.Statement == nil {
		return nil, invalidField("policy", "must be a JSON policy document of at most 10000 characters without newlines")
	}
	_, err := s.update(ctx, func(tx *world.Tx) error {
		arn, err := shareable(&tx.World, c, "PutResourcePolicy", in.ResourceArn)
		if err != nil {
			return err
		}
		p, ok := tx.ResourcePolicies.Get(arn)
		if !ok {
			p = world.ResourcePolicy{ARN: arn, Meta: tx.NewMeta(c, nil)}
		}
		p.Document = text
		tx.Touch(&p.Meta)
		tx.ResourcePolicies.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.PutResourcePolicyOutput{}, nil
}

// GetResourcePolicy returns the policy of a network or configuration: its own, or the one that sharing gave it.
func (s *Service) GetResourcePolicy(_ context.Context, c world.Caller, in *latticeapi.GetResourcePolicyInput) (*latticeapi.GetResourcePolicyOutput, error) {
	v := s.look()
	arn, err := shareable(&v.w, c, "GetResourcePolicy", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	p, ok := v.w.ResourcePolicies.Get(arn)
	if !ok {
		p.Document = v.w.SharingPolicy(arn)
	}
	if p.Document == "" {
		return nil, awserr.LatticeNotFound("RESOURCE_POLICY", arn)
	}
	return &latticeapi.GetResourcePolicyOutput{Policy: &p.Document}, nil
}

// DeleteResourcePolicy takes the policy of a network or configuration away.
func (s *Service) DeleteResourcePolicy(ctx context.Context, c world.Caller, in *latticeapi.DeleteResourcePolicyInput) (*latticeapi.DeleteResourcePolicyOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		arn, err := shareable(&tx.World, c, "DeleteResourcePolicy", in.ResourceArn)
		if err != nil {
			return err
		}
		if !tx.ResourcePolicies.Has(arn) {
			return awserr.LatticeNotFound("RESOURCE_POLICY", arn)
		}
		tx.ResourcePolicies.Delete(arn)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteResourcePolicyOutput{}, nil
}
