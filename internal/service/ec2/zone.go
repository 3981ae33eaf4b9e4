package ec2

import (
	"context"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// zoneRow is a zone as a row.
type zoneRow world.Zone

// RowID is the zone's name.
func (z zoneRow) RowID() string { return z.Name }

// DescribeAvailabilityZones lists the zones of the region.
func (s *Service) DescribeAvailabilityZones(_ context.Context, c world.Caller, in *ec2api.DescribeAvailabilityZonesInput) (*ec2api.DescribeAvailabilityZonesOutput, error) {
	rows := each(world.Zones(c.Region), func(z world.Zone) zoneRow { return zoneRow(z) })
	for _, name := range in.ZoneNames {
		if !slices.ContainsFunc(rows, func(z zoneRow) bool { return z.Name == name }) {
			return nil, awserr.EC2Code("InvalidParameterValue", "Invalid availability zone: [%s]", name)
		}
	}
	for _, id := range in.ZoneIds {
		if !slices.ContainsFunc(rows, func(z zoneRow) bool { return z.ID == id }) {
			return nil, awserr.EC2Code("InvalidParameterValue", "Invalid availability zone-id: [%s]", id)
		}
	}
	rows = slices.DeleteFunc(rows, func(z zoneRow) bool {
		return len(in.ZoneNames) > 0 && !slices.Contains(in.ZoneNames, z.Name) || len(in.ZoneIds) > 0 && !slices.Contains(in.ZoneIds, z.ID)
	})
	is := func(v string) func(zoneRow) []string { return one(func(zoneRow) string { return v }) }
	filters := listing.Filters[zoneRow]{Fields: map[string]func(zoneRow) []string{
		"zone-name": one(func(z zoneRow) string { return z.Name }), "zone-id": one(func(z zoneRow) string { return z.ID }),
		"region-name": is(c.Region), "state": is("available"), "zone-state": is("available"), "zone-type": is("availability-zone"),
		"opt-in-status": is("opt-in-not-required"), "group-name": is(zoneGroup(c.Region)), "network-border-group": is(c.Region),
		"message": never[zoneRow], "parent-zone-id": never[zoneRow], "parent-zone-name": never[zoneRow], "group-long-name": never[zoneRow],
	}}
	page, _, err := list(query{filters: in.Filters, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeAvailabilityZonesOutput{AvailabilityZones: each(page, func(z zoneRow) ec2api.AvailabilityZone {
		return ec2api.AvailabilityZone{
			ZoneName: new(z.Name), ZoneId: new(z.ID), State: new("available"), RegionName: new(c.Region), ZoneType: new("availability-zone"),
			GroupName: new(zoneGroup(c.Region)), NetworkBorderGroup: new(c.Region), OptInStatus: new("opt-in-not-required"),
			Messages: []ec2api.AvailabilityZoneMessage{},
		}
	})}, nil
}

// zoneGroup is the name of the group the zones of a region form.
func zoneGroup(region string) string { return region + "-zg-1" }

type regionRow world.Region

// RowID is the region's name.
func (r regionRow) RowID() string { return r.Name }

// DescribeRegions lists the regions an account can use; with AllRegions set also those it must ask for.
func (s *Service) DescribeRegions(_ context.Context, _ world.Caller, in *ec2api.DescribeRegionsInput) (*ec2api.DescribeRegionsOutput, error) {
	rows := each(world.Regions(), func(r world.Region) regionRow { return regionRow(r) })
	for _, name := range in.RegionNames {
		if !slices.ContainsFunc(rows, func(r regionRow) bool { return r.Name == name }) {
			return nil, awserr.EC2Code("InvalidParameterValue", "Invalid region: [%s]", name)
		}
	}
	rows = slices.DeleteFunc(rows, func(r regionRow) bool {
		return len(in.RegionNames) > 0 && !slices.Contains(in.RegionNames, r.Name) || len(in.RegionNames) == 0 && r.OptIn && !val(in.AllRegions)
	})
	optIn := func(r regionRow) string {
		if r.OptIn {
			return "not-opted-in"
		}
		return "opt-in-not-required"
	}
	endpoint := func(r regionRow) string { return "ec2." + r.Name + ".amazonaws.com" }
	filters := listing.Filters[regionRow]{Fields: map[string]func(regionRow) []string{
		"region-name": one(func(r regionRow) string { return r.Name }), "endpoint": one(endpoint), "opt-in-status": one(optIn),
	}}
	page, _, err := list(query{filters: in.Filters, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeRegionsOutput{Regions: each(page, func(r regionRow) ec2api.Region {
		return ec2api.Region{RegionName: new(r.Name), Endpoint: new(endpoint(r)), OptInStatus: new(optIn(r))}
	})}, nil
}

// DescribeAccountAttributes tells what holds for the account as a whole.
func (s *Service) DescribeAccountAttributes(_ context.Context, _ world.Caller, in *ec2api.DescribeAccountAttributesInput) (*ec2api.DescribeAccountAttributesOutput, error) {
	all := []struct{ name, value string }{
		{"supported-platforms", "VPC"}, {"vpc-max-security-groups-per-interface", "5"}, {"max-elastic-ips", "5"},
		{"max-instances", itoa(maxInstances)}, {"vpc-max-elastic-ips", "5"}, {"default-vpc", "none"},
	}
	for _, name := range in.AttributeNames {
		if !slices.ContainsFunc(all, func(a struct{ name, value string }) bool { return a.name == name }) {
			return nil, awserr.EC2InvalidParameter("attributeName", name, "Unknown attribute.")
		}
	}
	out := &ec2api.DescribeAccountAttributesOutput{AccountAttributes: []ec2api.AccountAttribute{}}
	for _, a := range all {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a.name) {
			out.AccountAttributes = append(out.AccountAttributes, ec2api.AccountAttribute{
				AttributeName: new(a.name), AttributeValues: []ec2api.AccountAttributeValue{{AttributeValue: new(a.value)}},
			})
		}
	}
	return out, dryRun(in.DryRun)
}

// DescribeVpcClassicLink says of each VPC that it has no link to EC2-Classic.
func (s *Service) DescribeVpcClassicLink(_ context.Context, c world.Caller, in *ec2api.DescribeVpcClassicLinkInput) (*ec2api.DescribeVpcClassicLinkOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.VPC]{
		Tags:   ownTags(func(r world.VPC) world.Meta { return r.Meta }),
		Fields: map[string]func(world.VPC) []string{"is-classic-link-enabled": flag(func(world.VPC) bool { return false })},
	}
	rows, _, err := listFrom(query{noun: "vpc", ids: in.VpcIds, filters: in.Filters, dry: in.DryRun}, owned(&v.w.VPCs, c), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcClassicLinkOutput{Vpcs: each(rows, func(r world.VPC) ec2api.VpcClassicLink {
		return ec2api.VpcClassicLink{VpcId: new(string(r.ID)), ClassicLinkEnabled: new(false), Tags: tags(r.Meta)}
	})}, nil
}

// DescribeVpcClassicLinkDnsSupport says of each VPC that it has no link to EC2-Classic.
func (s *Service) DescribeVpcClassicLinkDnsSupport(_ context.Context, c world.Caller, in *ec2api.DescribeVpcClassicLinkDnsSupportInput) (*ec2api.DescribeVpcClassicLinkDnsSupportOutput, error) {
	v := s.look(c)
	rows, next, err := listFrom(query{noun: "vpc", ids: in.VpcIds, size: in.MaxResults, token: in.NextToken}, owned(&v.w.VPCs, c),
		listing.Filters[world.VPC]{}, listing.EC2(5, 255))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcClassicLinkDnsSupportOutput{NextToken: next, Vpcs: each(rows, func(r world.VPC) ec2api.ClassicLinkDnsSupport {
		return ec2api.ClassicLinkDnsSupport{VpcId: new(string(r.ID)), ClassicLinkDnsSupported: new(false)}
	})}, nil
}
