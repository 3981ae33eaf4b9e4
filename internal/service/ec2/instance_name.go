package ec2

import (
	"cmp"
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// checkNames looks at what host names of instances are asked to be. (Amazon EC2 User Guide, "EC2 instance hostnames and domains".)
func checkNames(kind *string, six *bool) error {
	return cmp.Or(
		oneOf("hostnameType", kind, world.IPName, world.ResourceName),
		notBuilt("IPv6 addresses of host names are", val(six)),
	)
}

// nameBy says what the instance's host name is to be made of, and whether its resource name has an address.
func nameBy(i *world.Instance, kind *string, record *bool) {
	if kind != nil {
		i.ResourceName = *kind == world.ResourceName
	}
	if record != nil {
		i.ResourceNameA = *record
	}
}

// ModifyPrivateDnsNameOptions changes an instance's host name, which only a stopped one can have changed, and whether its resource name
// has an address.
func (s *Service) ModifyPrivateDnsNameOptions(ctx context.Context, c world.Caller, in *ec2api.ModifyPrivateDnsNameOptionsInput) (*ec2api.ModifyPrivateDnsNameOptionsOutput, error) {
	if err := checkNames(in.PrivateDnsHostnameType, in.EnableResourceNameDnsAAAARecord); err != nil {
		return nil, err
	}
	seen := s.store.Seen()
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		i, err := find(&tx.Instances, c, "instance", in.InstanceId)
		if err != nil {
			return err
		}
		if other := set(in.PrivateDnsHostnameType) && *in.PrivateDnsHostnameType != i.HostnameType(); other && state(i, seen) != stopped {
			return awserr.EC2IncorrectState("The instance '" + string(i.ID) + "' is not in the 'stopped' state.")
		}
		nameBy(&i, in.PrivateDnsHostnameType, in.EnableResourceNameDnsARecord)
		i.Updated = tx.Now
		tx.Instances.Put(i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyPrivateDnsNameOptionsOutput{Return: new(true)}, nil
}
