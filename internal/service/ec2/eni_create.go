package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// CreateNetworkInterface makes an interface that is attached to nothing.
func (s *Service) CreateNetworkInterface(ctx context.Context, c world.Caller, in *ec2api.CreateNetworkInterfaceInput) (*ec2api.CreateNetworkInterfaceOutput, error) {
	if in.Operator != nil && set(in.Operator.Principal) {
		return nil, unsupported("Interfaces managed by service providers are not built.")
	}
	n, err := readNIC(nicOf(in))
	if err != nil {
		return nil, err
	}
	given, err := oneSpec(in.TagSpecifications, "network-interface")
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateNetworkInterface", in.ClientToken, in}.once(tx, func() (string, error) {
			e, err := n.create(tx, c)
			if err != nil {
				return "", err
			}
			e.Tags = world.SortTags(given)
			tx.ENIs.Put(e)
			return string(e.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	e, ok := v.w.ENIs.Get(world.ENIID(id))
	if !ok {
		return nil, awserr.EC2NotFound("network-interface", id) // made with this token before, and deleted since
	}
	return &ec2api.CreateNetworkInterfaceOutput{NetworkInterface: new(v.eni(e)), ClientToken: in.ClientToken}, nil
}

// nicOf says a request in the words RunInstances has for interfaces.
func nicOf(in *ec2api.CreateNetworkInterfaceInput) ec2api.InstanceNetworkInterfaceSpecification {
	return ec2api.InstanceNetworkInterfaceSpecification{
		DeviceIndex: new(int32(0)), SubnetId: in.SubnetId, Groups: in.Groups, Description: in.Description, InterfaceType: in.InterfaceType,
		PrivateIpAddress: in.PrivateIpAddress, PrivateIpAddresses: in.PrivateIpAddresses, SecondaryPrivateIpAddressCount: in.SecondaryPrivateIpAddressCount,
		Ipv4Prefixes: in.Ipv4Prefixes, Ipv4PrefixCount: in.Ipv4PrefixCount, Ipv6Prefixes: in.Ipv6Prefixes, Ipv6PrefixCount: in.Ipv6PrefixCount,
		Ipv6Addresses: in.Ipv6Addresses, Ipv6AddressCount: in.Ipv6AddressCount, PrimaryIpv6: in.EnablePrimaryIpv6,
		ConnectionTrackingSpecification: in.ConnectionTrackingSpecification,
	}
}

// create makes an interface in the subnet and with the groups that n names.
func (n nic) create(tx *world.Tx, c world.Caller) (world.ENI, error) {
	var err error
	if n.subnet, err = find(&tx.Subnets, c, "subnet", &n.subnetID); err != nil {
		return world.ENI{}, err
	}
	if n.groups, err = groupsFor(&tx.World, c, n.subnet, n.groupIDs); err != nil {
		return world.ENI{}, err
	}
	if atLimit(&tx.ENIs, c, maxENIs) {
		return world.ENI{}, awserr.EC2Limit("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.")
	}
	return n.make(tx, c, tx.UsedAddresses(n.subnet.ID))
}

// ownENI is an interface of the caller's that no service manages.
func ownENI(tx *world.Tx, c world.Caller, id *string) (world.ENI, error) {
	e, err := find(&tx.ENIs, c, "network-interface", id)
	if err == nil && e.RequesterManaged {
		err = notYours()
	}
	return e, err
}

// notYours says that a service manages an interface.
func notYours() error {
	return awserr.EC2NotPermitted("You are not allowed to manage 'ela-attach' attachments.")
}

// DeleteNetworkInterface removes an interface that is attached to nothing.
func (s *Service) DeleteNetworkInterface(ctx context.Context, c world.Caller, in *ec2api.DeleteNetworkInterfaceInput) (*ec2api.DeleteNetworkInterfaceOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		e, err := ownENI(tx, c, in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		if attached(e) {
			return awserr.EC2InvalidValue("Network interface '" + string(e.ID) + "' is currently in use.")
		}
		deleteENI(tx, e)
		return nil
	})
	return &ec2api.DeleteNetworkInterfaceOutput{}, err
}

// ResetNetworkInterfaceAttribute makes the kernel check sources and destinations of an interface again.
func (s *Service) ResetNetworkInterfaceAttribute(ctx context.Context, c world.Caller, in *ec2api.ResetNetworkInterfaceAttributeInput) (*ec2api.ResetNetworkInterfaceAttributeOutput, error) {
	if in.SourceDestCheck == nil {
		return nil, awserr.EC2MissingParameter("sourceDestCheck")
	}
	if err := oneOf("sourceDestCheck", in.SourceDestCheck, "true", "sourceDestCheck"); err != nil {
		return nil, err
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		e, err := ownENI(tx, c, in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		e.SourceDestCheck = true
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
		return nil
	})
	return &ec2api.ResetNetworkInterfaceAttributeOutput{}, err
}
