package iam

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// maxVersions is how many versions a policy has at most. (IAM User Guide, "IAM and AWS STS quotas".)
const maxVersions = 5

func version(p world.ManagedPolicy, v world.PolicyVersion, document bool) iamapi.PolicyVersion {
	out := iamapi.PolicyVersion{VersionId: new(versionID(v.Number)), IsDefaultVersion: new(v.Number == p.Default), CreateDate: new(v.Created)}
	if document {
		out.Document = new(encoded(v.Document))
	}
	return out
}

// findVersion is a policy's version with an id.
func findVersion(p world.ManagedPolicy, id *string) (world.PolicyVersion, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(val(id), "v"))
	v, ok := p.Version(n)
	if err != nil || !ok {
		return v, awserr.IAMNoSuch("Policy %s version %s does not exist or is not attachable.", p.ARN(), val(id))
	}
	return v, nil
}

// editPolicy changes a managed policy of the caller's.
func (s *Service) editPolicy(ctx context.Context, c world.Caller, arn *string, f func(*world.Tx, *world.ManagedPolicy) error) error {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		p, err := ownPolicy(&tx.World, c, arn)
		if err != nil {
			return err
		}
		p.Versions = slices.Clone(p.Versions)
		if err := f(tx, &p); err != nil {
			return err
		}
		tx.ManagedPolicies.Put(p)
		return nil
	})
	return err
}

// CreatePolicyVersion gives a policy another document.
func (s *Service) CreatePolicyVersion(ctx context.Context, c world.Caller, in *iamapi.CreatePolicyVersionInput) (*iamapi.CreatePolicyVersionOutput, error) {
	if err := managedDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	var out iamapi.PolicyVersion
	err := s.editPolicy(ctx, c, in.PolicyArn, func(tx *world.Tx, p *world.ManagedPolicy) error {
		if len(p.Versions) >= maxVersions {
			return awserr.IAMLimit("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		v := world.PolicyVersion{Number: p.Next, Document: *in.PolicyDocument, Created: tx.Now}
		p.Versions, p.Next, p.Updated = append(p.Versions, v), p.Next+1, tx.Now
		if val(in.SetAsDefault) {
			p.Default = v.Number
		}
		out = version(*p, v, false)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyVersionOutput{PolicyVersion: &out}, nil
}

// GetPolicyVersion tells a version's document.
func (s *Service) GetPolicyVersion(_ context.Context, c world.Caller, in *iamapi.GetPolicyVersionInput) (*iamapi.GetPolicyVersionOutput, error) {
	if m, ok := s.managed.Get(val(in.PolicyArn)); ok {
		if val(in.VersionId) != m.Version {
			return nil, awserr.IAMNoSuch("Policy %s version %s does not exist or is not attachable.", m.ARN(), val(in.VersionId))
		}
		return &iamapi.GetPolicyVersionOutput{PolicyVersion: &iamapi.PolicyVersion{
			Document: new(encoded(m.Document)), VersionId: new(m.Version), IsDefaultVersion: new(true), CreateDate: new(awsCreated),
		}}, nil
	}
	w := s.store.World()
	p, err := ownPolicy(&w, c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v, err := findVersion(p, in.VersionId)
	return &iamapi.GetPolicyVersionOutput{PolicyVersion: new(version(p, v, true))}, err
}

// ListPolicyVersions lists a policy's versions, the newest first.
func (s *Service) ListPolicyVersions(_ context.Context, c world.Caller, in *iamapi.ListPolicyVersionsInput) (*iamapi.ListPolicyVersionsOutput, error) {
	l := listing{in.Marker, in.MaxItems}
	if m, ok := s.managed.Get(val(in.PolicyArn)); ok {
		return &iamapi.ListPolicyVersionsOutput{IsTruncated: new(false), Versions: []iamapi.PolicyVersion{
			{VersionId: new(m.Version), IsDefaultVersion: new(true), CreateDate: new(awsCreated)},
		}}, l.check()
	}
	w := s.store.World()
	p, err := ownPolicy(&w, c, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	newest := slices.Clone(p.Versions)
	slices.SortFunc(newest, func(a, b world.PolicyVersion) int { return b.Number - a.Number })
	page, more, next, err := paged(l, newest, func(v world.PolicyVersion) string { return fmt.Sprintf("%09d", 999999999-v.Number) })
	return &iamapi.ListPolicyVersionsOutput{IsTruncated: more, Marker: next, Versions: each(page, func(v world.PolicyVersion) iamapi.PolicyVersion {
		return version(p, v, false)
	})}, err
}

// SetDefaultPolicyVersion puts another version of a policy in force.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, c world.Caller, in *iamapi.SetDefaultPolicyVersionInput) (*iamapi.SetDefaultPolicyVersionOutput, error) {
	return nil, s.editPolicy(ctx, c, in.PolicyArn, func(tx *world.Tx, p *world.ManagedPolicy) error {
		v, err := findVersion(*p, in.VersionId)
		p.Default, p.Updated = v.Number, tx.Now
		return err
	})
}

// DeletePolicyVersion deletes a version that is not in force.
func (s *Service) DeletePolicyVersion(ctx context.Context, c world.Caller, in *iamapi.DeletePolicyVersionInput) (*iamapi.DeletePolicyVersionOutput, error) {
	return nil, s.editPolicy(ctx, c, in.PolicyArn, func(_ *world.Tx, p *world.ManagedPolicy) error {
		v, err := findVersion(*p, in.VersionId)
		if err != nil {
			return err
		}
		if v.Number == p.Default {
			return awserr.IAMDeleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.DeleteFunc(p.Versions, func(o world.PolicyVersion) bool { return o.Number == v.Number })
		return nil
	})
}
