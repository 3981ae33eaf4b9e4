package iam

import (
	"cmp"
	"context"

	"kumiko/internal/api/iamapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// This file tells of what users cannot have here, since nothing makes it: passwords, devices, certificates and keys of
// other kinds. Tools ask for them before they delete a user.

// theirs is the user a request names, which must exist, or the caller.
func (s *Service) theirs(c world.Caller, name *string) error {
	if name == nil {
		return nil
	}
	_, err := s.seen(c, users(), name)
	return err
}

// ListMFADevices lists no devices.
func (s *Service) ListMFADevices(_ context.Context, c world.Caller, in *iamapi.ListMFADevicesInput) (*iamapi.ListMFADevicesOutput, error) {
	return &iamapi.ListMFADevicesOutput{MFADevices: []iamapi.MFADevice{}, IsTruncated: new(false)}, cmp.Or(s.theirs(c, in.UserName), listing{in.Marker, in.MaxItems}.check())
}

// ListVirtualMFADevices lists no devices.
func (s *Service) ListVirtualMFADevices(_ context.Context, _ world.Caller, in *iamapi.ListVirtualMFADevicesInput) (*iamapi.ListVirtualMFADevicesOutput, error) {
	return &iamapi.ListVirtualMFADevicesOutput{VirtualMFADevices: []iamapi.VirtualMFADevice{}, IsTruncated: new(false)}, listing{in.Marker, in.MaxItems}.check()
}

// ListSigningCertificates lists no certificates.
func (s *Service) ListSigningCertificates(_ context.Context, c world.Caller, in *iamapi.ListSigningCertificatesInput) (*iamapi.ListSigningCertificatesOutput, error) {
	return &iamapi.ListSigningCertificatesOutput{Certificates: []iamapi.SigningCertificate{}, IsTruncated: new(false)}, cmp.Or(s.theirs(c, in.UserName), listing{in.Marker, in.MaxItems}.check())
}

// ListSSHPublicKeys lists no keys.
func (s *Service) ListSSHPublicKeys(_ context.Context, c world.Caller, in *iamapi.ListSSHPublicKeysInput) (*iamapi.ListSSHPublicKeysOutput, error) {
	return &iamapi.ListSSHPublicKeysOutput{SSHPublicKeys: []iamapi.SSHPublicKeyMetadata{}, IsTruncated: new(false)}, cmp.Or(s.theirs(c, in.UserName), listing{in.Marker, in.MaxItems}.check())
}

// ListServiceSpecificCredentials lists no credentials.
func (s *Service) ListServiceSpecificCredentials(_ context.Context, c world.Caller, in *iamapi.ListServiceSpecificCredentialsInput) (*iamapi.ListServiceSpecificCredentialsOutput, error) {
	return &iamapi.ListServiceSpecificCredentialsOutput{ServiceSpecificCredentials: []iamapi.ServiceSpecificCredentialMetadata{}, IsTruncated: new(false)},
		cmp.Or(s.theirs(c, in.UserName), listing{in.Marker, in.MaxItems}.check())
}

func (s *Service) noPassword(c world.Caller, name *string) error {
	if err := s.theirs(c, name); err != nil {
		return err
	}
	return awserr.IAMNoSuch("Login Profile for User %s cannot be found.", val(name))
}

// GetLoginProfile says that a user has no password.
func (s *Service) GetLoginProfile(_ context.Context, c world.Caller, in *iamapi.GetLoginProfileInput) (*iamapi.GetLoginProfileOutput, error) {
	return nil, s.noPassword(c, in.UserName)
}

// DeleteLoginProfile says that a user has no password.
func (s *Service) DeleteLoginProfile(_ context.Context, c world.Caller, in *iamapi.DeleteLoginProfileInput) (*iamapi.DeleteLoginProfileOutput, error) {
	return nil, s.noPassword(c, in.UserName)
}

// GetAccountPasswordPolicy says that there is no rule for passwords.
func (s *Service) GetAccountPasswordPolicy(_ context.Context, c world.Caller, _ *iamapi.GetAccountPasswordPolicyInput) (*iamapi.GetAccountPasswordPolicyOutput, error) {
	return nil, awserr.IAMNoSuch("The Password Policy with domain name %s cannot be found.", c.Account)
}
