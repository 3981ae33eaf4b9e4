package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateSubnet makes a subnet. It uses the VPC's main route table and default network ACL.
func (s *Service) CreateSubnet(ctx context.Context, c world.Caller, in *ec2api.CreateSubnetInput) (*ec2api.CreateSubnetOutput, error) {
	switch {
	case set(in.Ipv6CidrBlock), val(in.Ipv6Native), set(in.Ipv6IpamPoolId), in.Ipv6NetmaskLength != nil:
		return nil, unsupported("IPv6 is not built: a subnet has one IPv4 range.")
	case set(in.Ipv4IpamPoolId), set(in.OutpostArn), in.Ipv4NetmaskLength != nil:
		return nil, unsupported("IPAM pools and Outposts are not built.")
	case val(in.CidrBlock) == "":
		return nil, awserr.EC2Code("MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
	}
	cidr, err := sizedCIDR(*in.CidrBlock, "InvalidSubnet.Range")
	if err != nil {
		return nil, err
	}
	zone, err := chooseZone(c.Region, in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	given, err := oneSpec(in.TagSpecifications, "subnet")
	if err != nil {
		return nil, err
	}
	var r world.Subnet
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		r = newSubnet(tx, p, cidr, zone)
		r.Tags = world.SortTags(given)
		if err := placeSubnet(tx, p, &r); err != nil {
			return err
		}
		tx.Subnets.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.subnets().describe(r)
	out.State, out.Tags = new("pending"), allTags(r.Meta)
	return &ec2api.CreateSubnetOutput{Subnet: &out}, nil
}

// newSubnet is a subnet of the VPC, which belongs to the VPC's owner.
func newSubnet(tx *world.Tx, p world.VPC, cidr netip.Prefix, zone string) world.Subnet {
	return world.Subnet{
		ID: world.SubnetID(tx.NewID("subnet")), Meta: tx.NewMeta(world.Caller{Account: p.Account, Region: p.Region}, nil), VPC: p.ID, CIDR: cidr, Zone: zone,
		HostnameType: world.IPName, ACLAssociation: tx.NewID("aclassoc"),
	}
}

// placeSubnet checks that the subnet fits into its VPC and gives it the VPC's default ACL.
func placeSubnet(tx *world.Tx, p world.VPC, r *world.Subnet) error {
	if !slices.ContainsFunc(p.CIDRs, func(a world.CIDRAssociation) bool { return covers(a.CIDR, r.CIDR) }) {
		return rangeError("InvalidSubnet.Range", r.CIDR.String())
	}
	count := 0
	for o := range tx.Subnets.In(string(p.ID)) {
		if o.CIDR.Overlaps(r.CIDR) {
			return &world.Error{Kind: world.Conflict, Noun: "subnet", ID: r.CIDR.String()}
		}
		count++
	}
	if count >= maxSubnets {
		return awserr.EC2Limit("SubnetLimitExceeded", "The maximum number of subnets has been reached.")
	}
	for a := range tx.NetworkACLs.In(string(p.ID)) {
		if a.Default {
			r.NetworkACL = a.ID
		}
	}
	return nil
}

// chooseZone is the zone a request names by name or id; without one, the region's first.
func chooseZone(region string, zone, zoneID *string) (string, error) {
	zones := world.Zones(region)
	name, id := val(zone), val(zoneID)
	if name != "" && id != "" {
		return "", awserr.EC2Combination("The parameters availabilityZone and availabilityZoneId may not be used together")
	}
	if name == "" && id == "" {
		return zones[0].Name, nil
	}
	var names, ids []string
	for _, z := range zones {
		if z.Name == name || z.ID == id {
			return z.Name, nil
		}
		names, ids = append(names, z.Name), append(ids, z.ID)
	}
	if name != "" {
		return "", awserr.EC2InvalidParameter("availabilityZone", name,
			"Subnets can currently only be created in the following availability zones: "+strings.Join(names, ", ")+".")
	}
	return "", awserr.EC2InvalidParameter("availabilityZoneId", id,
		"Subnets can currently only be created in the following availability zones: "+strings.Join(ids, ", ")+".")
}

// subnetView describes subnets.
type subnetView struct{ *view }

func (v *view) subnets() *subnetView { return &subnetView{v} }

func (u *subnetView) free(r world.Subnet) int {
	used := 0
	for e := range u.w.ENIs.In(string(r.ID)) {
		used += len(e.Addrs)
		for _, p := range e.Prefixes {
			used += 1 << (p.Addr().BitLen() - p.Bits())
		}
	}
	return 1<<(r.CIDR.Addr().BitLen()-r.CIDR.Bits()) - 5 - used
}

func (v *view) subnetState(r world.Subnet) string {
	if v.seen.Ready(r.Rev, string(r.VPC)) {
		return "available"
	}
	return "pending"
}

func (u *subnetView) describe(r world.Subnet) ec2api.Subnet {
	return ec2api.Subnet{
		SubnetId: new(string(r.ID)), VpcId: new(string(r.VPC)), OwnerId: new(string(r.Account)), State: new(u.subnetState(r)),
		SubnetArn: new(subnetARN(r)), CidrBlock: new(r.CIDR.String()), AvailableIpAddressCount: new(int32(u.free(r))),
		AvailabilityZone: new(r.Zone), AvailabilityZoneId: new(world.ZoneID(r.Region, r.Zone)),
		DefaultForAz: new(r.Default), MapPublicIpOnLaunch: new(r.MapPublicIPOnLaunch), MapCustomerOwnedIpOnLaunch: new(false),
		AssignIpv6AddressOnCreation: new(false), Ipv6CidrBlockAssociationSet: []ec2api.SubnetIpv6CidrBlockAssociation{},
		EnableDns64: new(false), Ipv6Native: new(false), Tags: tags(r.Meta),
		PrivateDnsNameOptionsOnLaunch: &ec2api.PrivateDnsNameOptionsOnLaunch{
			HostnameType: new(r.HostnameType), EnableResourceNameDnsARecord: new(r.ResourceNameA), EnableResourceNameDnsAAAARecord: new(false),
		},
		BlockPublicAccessStates: &ec2api.BlockPublicAccessStates{InternetGatewayBlockMode: new("off")},
	}
}

func subnetARN(r world.Subnet) string {
	return world.ARN("ec2", r.Region, r.Account, "subnet/"+string(r.ID))
}

func (u *subnetView) filters() listing.Filters[world.Subnet] {
	cidr := one(func(r world.Subnet) string { return r.CIDR.String() })
	zone := one(func(r world.Subnet) string { return r.Zone })
	no := flag(func(world.Subnet) bool { return false })
	isDefault := flag(func(r world.Subnet) bool { return r.Default })
	return listing.Filters[world.Subnet]{
		Tags: ownTags(func(r world.Subnet) world.Meta { return r.Meta }),
		Fields: map[string]func(world.Subnet) []string{
			"subnet-id":         one(func(r world.Subnet) world.SubnetID { return r.ID }),
			"subnet-arn":        one(subnetARN),
			"vpc-id":            one(func(r world.Subnet) world.VPCID { return r.VPC }),
			"owner-id":          one(func(r world.Subnet) world.AccountID { return r.Account }),
			"state":             one(u.subnetState),
			"availability-zone": zone, "availabilityZone": zone,
			"availability-zone-id":       one(func(r world.Subnet) string { return world.ZoneID(r.Region, r.Zone) }),
			"available-ip-address-count": one(func(r world.Subnet) string { return strconv.Itoa(u.free(r)) }),
			"cidr":                       cidr, "cidr-block": cidr, "cidrBlock": cidr,
			"default-for-az": isDefault, "defaultForAz": isDefault, "ipv6-native": no, "enable-dns64": no, "map-customer-owned-ip-on-launch": no,
			"map-public-ip-on-launch":                                                 flag(func(r world.Subnet) bool { return r.MapPublicIPOnLaunch }),
			"private-dns-name-options-on-launch.hostname-type":                        one(func(r world.Subnet) string { return r.HostnameType }),
			"private-dns-name-options-on-launch.enable-resource-name-dns-a-record":    flag(func(r world.Subnet) bool { return r.ResourceNameA }),
			"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": no,
			"ipv6-cidr-block-association.ipv6-cidr-block":                             never[world.Subnet],
			"ipv6-cidr-block-association.association-id":                              never[world.Subnet],
			"ipv6-cidr-block-association.state":                                       never[world.Subnet],
			"outpost-arn":                                                             never[world.Subnet],
			"customer-owned-ipv4-pool":                                                never[world.Subnet],
			"enable-lni-at-device-index":                                              never[world.Subnet],
		},
	}
}

// DescribeSubnets lists the caller's subnets.
func (s *Service) DescribeSubnets(_ context.Context, c world.Caller, in *ec2api.DescribeSubnetsInput) (*ec2api.DescribeSubnetsOutput, error) {
	v := s.look(c).subnets()
	page, next, err := listFrom(query{"subnet", in.SubnetIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.Subnets, c), v.filters(), listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeSubnetsOutput{Subnets: each(page, v.describe), NextToken: next}, nil
}

// DeleteSubnet removes a subnet without interfaces; its associations go with it.
func (s *Service) DeleteSubnet(ctx context.Context, c world.Caller, in *ec2api.DeleteSubnetInput) (*ec2api.DeleteSubnetOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		r, err := find(&tx.Subnets, c, "subnet", in.SubnetId)
		if err != nil {
			return err
		}
		for e := range tx.ENIs.In(string(r.VPC)) {
			if e.Subnet != r.ID {
				continue
			}
			return awserr.EC2Dependency("subnet", string(r.ID))
		}
		for _, t := range slices.Collect(tx.RouteTables.In(string(r.VPC))) {
			if i := associationOf(t, r.ID); i >= 0 {
				t.Associations = slices.Delete(slices.Clone(t.Associations), i, i+1)
				tx.RouteTables.Put(t)
			}
		}
		for _, o := range slices.Collect(tx.SubnetReservations.In(string(r.ID))) {
			tx.SubnetReservations.Delete(o.ID)
		}
		tx.Subnets.Delete(r.ID)
		return nil
	})
	return &ec2api.DeleteSubnetOutput{}, err
}

// ModifySubnetAttribute changes one attribute of a subnet.
func (s *Service) ModifySubnetAttribute(ctx context.Context, c world.Caller, in *ec2api.ModifySubnetAttributeInput) (*ec2api.ModifySubnetAttributeOutput, error) {
	_, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		r, err := find(&tx.Subnets, c, "subnet", in.SubnetId)
		if err != nil {
			return err
		}
		if err := changeSubnet(&r, in); err != nil {
			return err
		}
		r.Updated = tx.Now
		tx.Subnets.Put(r)
		return nil
	})
	return &ec2api.ModifySubnetAttributeOutput{}, err
}

func changeSubnet(r *world.Subnet, in *ec2api.ModifySubnetAttributeInput) error {
	var given []string
	if in.MapPublicIpOnLaunch != nil {
		given = append(given, "mapPublicIpOnLaunch")
		r.MapPublicIPOnLaunch = val(in.MapPublicIpOnLaunch.Value)
	}
	if in.PrivateDnsHostnameTypeOnLaunch != nil {
		given = append(given, "privateDnsHostnameTypeOnLaunch")
		if err := checkNames(in.PrivateDnsHostnameTypeOnLaunch, nil); err != nil {
			return err
		}
		r.HostnameType = *in.PrivateDnsHostnameTypeOnLaunch
	}
	if in.EnableResourceNameDnsARecordOnLaunch != nil {
		given = append(given, "enableResourceNameDnsARecordOnLaunch")
		r.ResourceNameA = val(in.EnableResourceNameDnsARecordOnLaunch.Value)
	}
	off := []struct {
		name string
		in   *ec2api.AttributeBooleanValue
	}{
		{"assignIpv6AddressOnCreation", in.AssignIpv6AddressOnCreation},
		{"mapCustomerOwnedIpOnLaunch", in.MapCustomerOwnedIpOnLaunch},
		{"enableDns64", in.EnableDns64},
		{"enableResourceNameDnsAAAARecordOnLaunch", in.EnableResourceNameDnsAAAARecordOnLaunch},
		{"disableLniAtDeviceIndex", in.DisableLniAtDeviceIndex},
	}
	for _, a := range off {
		if a.in == nil {
			continue
		}
		given = append(given, a.name)
		if val(a.in.Value) {
			return unsupported(a.name + " is not built: it cannot be true.")
		}
	}
	if in.CustomerOwnedIpv4Pool != nil || in.EnableLniAtDeviceIndex != nil {
		return unsupported("Outposts are not built.")
	}
	return oneAttribute(given)
}
