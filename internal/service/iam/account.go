package iam

import (
	"context"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// GetAccountSummary counts what the account has, and tells its quotas. (IAM API Reference, GetAccountSummary.)
func (s *Service) GetAccountSummary(_ context.Context, c world.Caller, _ *iamapi.GetAccountSummaryInput) (*iamapi.GetAccountSummaryOutput, error) {
	w := s.store.World()
	versions := 0
	for _, p := range rows(&w.ManagedPolicies, c) {
		versions += len(p.Versions)
	}
	m := map[string]int{
		"Users": len(rows(&w.Users, c)), "Groups": len(rows(&w.Groups, c)), "Roles": len(rows(&w.Roles, c)),
		"Policies": len(rows(&w.ManagedPolicies, c)), "InstanceProfiles": len(rows(&w.InstanceProfiles, c)), "PolicyVersionsInUse": versions,
		"AccountAccessKeysPresent": min(1, len(keysOf(&w, world.User{Identity: world.Identity{Account: c.Account}}))),
		"AccountMFAEnabled":        0, "AccountPasswordPresent": 0, "AccountSigningCertificatesPresent": 0, "MFADevices": 0, "MFADevicesInUse": 0,
		"Providers": 0, "ServerCertificates": 0,
		"AccessKeysPerUserQuota": maxKeys, "VersionsPerPolicyQuota": maxVersions, "PolicySizeQuota": maxManaged, "AssumeRolePolicySizeQuota": maxTrust,
		"AttachedPoliciesPerUserQuota": maxAttached, "AttachedPoliciesPerGroupQuota": maxAttached, "AttachedPoliciesPerRoleQuota": maxAttached,
		"UserPolicySizeQuota": users().inline, "GroupPolicySizeQuota": groups().inline, "RolePolicySizeQuota": roles().inline,
	}
	out := map[string]int32{}
	for k, n := range m {
		out[k] = int32(n)
	}
	return &iamapi.GetAccountSummaryOutput{SummaryMap: out}, nil
}

// ListAccountAliases tells the account's alias.
func (s *Service) ListAccountAliases(_ context.Context, c world.Caller, in *iamapi.ListAccountAliasesInput) (*iamapi.ListAccountAliasesOutput, error) {
	if err := (listing{in.Marker, in.MaxItems}).check(); err != nil {
		return nil, err
	}
	w := s.store.World()
	a, _ := w.Accounts.Get(c.Account)
	out := &iamapi.ListAccountAliasesOutput{AccountAliases: []string{}, IsTruncated: new(false)}
	if a.Alias != "" {
		out.AccountAliases = append(out.AccountAliases, a.Alias)
	}
	return out, nil
}

// CreateAccountAlias gives the account an alias.
func (s *Service) CreateAccountAlias(ctx context.Context, c world.Caller, in *iamapi.CreateAccountAliasInput) (*iamapi.CreateAccountAliasOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		if tx.Accounts.Any(func(o world.Account) bool { return o.Alias == *in.AccountAlias && o.ID != c.Account }) {
			return awserr.IAMExists("The account alias %s already exists.", *in.AccountAlias)
		}
		a, ok := tx.Accounts.Get(c.Account)
		if !ok {
			return awserr.IAMNoSuch("The account %s cannot be found.", c.Account)
		}
		a.Alias = *in.AccountAlias
		tx.Accounts.Put(a)
		return nil
	})
	return nil, err
}

// DeleteAccountAlias takes the account's alias away.
func (s *Service) DeleteAccountAlias(ctx context.Context, c world.Caller, in *iamapi.DeleteAccountAliasInput) (*iamapi.DeleteAccountAliasOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		a, _ := tx.Accounts.Get(c.Account)
		if a.Alias == "" || a.Alias != *in.AccountAlias {
			return awserr.IAMNoSuch("The account alias %s cannot be found.", *in.AccountAlias)
		}
		a.Alias = ""
		tx.Accounts.Put(a)
		return nil
	})
	return nil, err
}
