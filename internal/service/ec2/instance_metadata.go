package ec2

import (
	"cmp"
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// noPreference takes a default away.
const noPreference = "no-preference"

// launchMetadata are the metadata options of a launch: what it says itself goes before what the account prefers, and that before
// the image. (Amazon EC2 User Guide, "Order of precedence for instance metadata options".)
func launchMetadata(i image, d world.MetadataDefaults, in *ec2api.InstanceMetadataOptionsRequest) (world.MetadataOptions, error) {
	m := world.MetadataOptions{Endpoint: true, HopLimit: 1}
	if i.imdsV2 {
		m.Tokens, m.HopLimit = true, 2
	}
	m.Tokens = cmp.Or(d.Tokens, word(m.Tokens, "required", "optional")) == "required"
	m.Endpoint, m.Tags, m.HopLimit = d.Endpoint != disabled, d.Tags == "enabled", cmp.Or(d.HopLimit, m.HopLimit)
	if in != nil {
		if err := setMetadata(&m, in); err != nil {
			return m, err
		}
	}
	return m, enforceTokens(d, m)
}

// enforceTokens refuses to do without tokens where the account wants them everywhere.
func enforceTokens(d world.MetadataDefaults, m world.MetadataOptions) error {
	if d.Enforced == "enabled" && !m.Tokens {
		return awserr.EC2Code("UnsupportedOperation", "You can't launch instances with IMDSv1 because httpTokensEnforced is enabled for this account. "+
			"Either launch the instance with httpTokens=required or contact your account owner to disable httpTokensEnforced using the "+
			"ModifyInstanceMetadataDefaults API or the account settings in the EC2 console.")
	}
	return nil
}

// GetInstanceMetadataDefaults tells what metadata options the account prefers in the region.
func (s *Service) GetInstanceMetadataDefaults(_ context.Context, c world.Caller, in *ec2api.GetInstanceMetadataDefaultsInput) (*ec2api.GetInstanceMetadataDefaultsOutput, error) {
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	w := s.store.World()
	d, told := w.MetadataDefaultsOf(c), func(s string) *string {
		if s == "" {
			return nil
		}
		return new(s)
	}
	out := &ec2api.InstanceMetadataDefaultsResponse{HttpTokens: told(d.Tokens), HttpEndpoint: told(d.Endpoint), InstanceMetadataTags: told(d.Tags),
		HttpTokensEnforced: told(d.Enforced)}
	if d.HopLimit > 0 {
		out.HttpPutResponseHopLimit = new(int32(d.HopLimit))
	}
	if *out != (ec2api.InstanceMetadataDefaultsResponse{}) {
		out.ManagedBy = new("account")
	}
	return &ec2api.GetInstanceMetadataDefaultsOutput{AccountLevel: out}, nil
}

// ModifyInstanceMetadataDefaults says what metadata options later launches get.
func (s *Service) ModifyInstanceMetadataDefaults(ctx context.Context, c world.Caller, in *ec2api.ModifyInstanceMetadataDefaultsInput) (*ec2api.ModifyInstanceMetadataDefaultsOutput, error) {
	if in.HttpTokens == nil && in.HttpEndpoint == nil && in.InstanceMetadataTags == nil && in.HttpTokensEnforced == nil && in.HttpPutResponseHopLimit == nil {
		return nil, awserr.EC2Code("MissingParameter", "The request must contain an option to modify")
	}
	if n := in.HttpPutResponseHopLimit; n != nil && *n != -1 && (*n < 1 || *n > 64) {
		return nil, awserr.EC2InvalidValue("HttpPutResponseHopLimit must be between 1 and 64")
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		d := tx.MetadataDefaultsOf(c)
		if n := in.HttpPutResponseHopLimit; n != nil {
			d.HopLimit = max(int(*n), 0)
		}
		for _, o := range []struct {
			name  string
			given *string
			to    *string
			a, b  string
		}{
			{"httpTokens", in.HttpTokens, &d.Tokens, "optional", "required"}, {"httpEndpoint", in.HttpEndpoint, &d.Endpoint, "enabled", disabled},
			{"instanceMetadataTags", in.InstanceMetadataTags, &d.Tags, "enabled", disabled},
			{"httpTokensEnforced", in.HttpTokensEnforced, &d.Enforced, "enabled", disabled},
		} {
			if err := oneOf(o.name, o.given, o.a, o.b, noPreference); err != nil {
				return err
			}
			if w := val(o.given); w == noPreference {
				*o.to = ""
			} else if w != "" {
				*o.to = w
			}
		}
		tx.MetadataDefaults.Put(d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyInstanceMetadataDefaultsOutput{Return: new(true)}, nil
}
