package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// offer is a service that VPC endpoints of one type can be made for: of AWS, or of an account's own.
type offer struct {
	world.AWSService
	region, kind string
	own          *world.EndpointService // nil: AWS's
	zones        []string
}

// RowID tells offers apart and sorts them, by name.
func (o offer) RowID() string { return o.name() + " " + o.kind }

// name is the name of the service.
func (o offer) name() string {
	if o.own != nil {
		return o.own.Name()
	}
	return o.EndpointName(o.region)
}

// owner is who offers it.
func (o offer) owner() string {
	if o.own != nil {
		return string(o.own.Account)
	}
	return "amazon"
}

// offers are what AWS offers in the caller's region, and the accounts that let the caller connect.
func (v *view) offers() []offer {
	var out []offer
	region := v.c.Region
	zones := each(world.Zones(region), func(z world.Zone) string { return z.Name })
	for s := range v.w.EndpointServices.All() {
		if s.Region == region && allows(&v.w, v.c, s) {
			out = append(out, offer{region: region, kind: world.EndpointInterface, own: &s, zones: v.w.ZonesOfService(s)})
		}
	}
	for _, s := range world.AWSServices() {
		for _, kind := range []string{world.EndpointGateway, world.EndpointInterface} {
			if s.Has(kind) {
				out = append(out, offer{AWSService: s, region: region, kind: kind, zones: zones})
			}
		}
	}
	return out
}

// serviceID derives the id of an offer.
func (o offer) serviceID() string { return "vpce-svc-" + world.Derived(o.RowID(), 17) }

// describe describes an offer.
func (o offer) describe() ec2api.ServiceDetail {
	out := ec2api.ServiceDetail{
		ServiceName: new(o.name()), ServiceId: new(o.serviceID()), ServiceRegion: new(o.region), Owner: new(o.owner()),
		ServiceType:                []ec2api.ServiceTypeDetail{{ServiceType: new(o.kind)}},
		BaseEndpointDnsNames:       []string{o.Base(o.region)},
		VpcEndpointPolicySupported: new(true), AcceptanceRequired: new(false), ManagesVpcEndpoints: new(false),
		Tags: []ec2api.Tag{}, SupportedIpAddressTypes: []string{"ipv4"},
	}
	out.AvailabilityZones, out.AvailabilityZoneIds = o.zones, zoneIDs(o.region, o.zones)
	if o.own != nil {
		out.ServiceId, out.BaseEndpointDnsNames, out.Tags = new(string(o.own.ID)), []string{o.own.Base()}, allTags(o.own.Meta)
		out.VpcEndpointPolicySupported, out.AcceptanceRequired = new(false), new(o.own.Acceptance)
		return out
	}
	if o.kind == world.EndpointGateway {
		out.BaseEndpointDnsNames = []string{o.PublicName(o.region)}
		return out
	}
	names := o.PrivateNames(o.region)
	out.PrivateDnsName, out.PrivateDnsNameVerificationState = new(names[0]), new("verified")
	out.PrivateDnsNames = each(names, func(n string) ec2api.PrivateDnsDetails { return ec2api.PrivateDnsDetails{PrivateDnsName: new(n)} })
	return out
}

// DescribeVpcEndpointServices lists the services that VPC endpoints can be made for.
func (s *Service) DescribeVpcEndpointServices(_ context.Context, c world.Caller, in *ec2api.DescribeVpcEndpointServicesInput) (*ec2api.DescribeVpcEndpointServicesOutput, error) {
	for _, r := range in.ServiceRegions {
		if r != c.Region {
			return nil, unsupported("Endpoints to services of other regions are not built.")
		}
	}
	rows := s.look(c).offers()
	if len(in.ServiceNames) > 0 {
		var named []offer
		for _, name := range in.ServiceNames {
			n := len(named)
			for _, o := range rows {
				if o.name() == name {
					named = append(named, o)
				}
			}
			if len(named) == n {
				return nil, awserr.EC2Code("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
			}
		}
		rows = named
	}
	page, next, err := list(query{"vpc-endpoint-service", nil, in.Filters, in.MaxResults, in.NextToken, in.DryRun}, rows, offerFilters(), listing.EC2(1, 1000))
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeVpcEndpointServicesOutput{ServiceNames: []string{}, ServiceDetails: each(page, offer.describe), NextToken: next}
	for i, o := range page {
		if name := o.name(); i == 0 || out.ServiceNames[len(out.ServiceNames)-1] != name {
			out.ServiceNames = append(out.ServiceNames, name)
		}
	}
	return out, nil
}

func offerFilters() listing.Filters[offer] {
	return listing.Filters[offer]{
		Tags: func(o offer) []world.Tag {
			if o.own == nil {
				return nil
			}
			return o.own.Tags
		},
		Fields: map[string]func(offer) []string{
			"owner":                      one(offer.owner),
			"service-name":               one(offer.name),
			"service-region":             one(func(o offer) string { return o.region }),
			"service-type":               one(func(o offer) string { return o.kind }),
			"supported-ip-address-types": one(func(offer) string { return "ipv4" }),
			"private-dns-name":           func(o offer) []string { return some(o.describe().PrivateDnsName) },
			"availability-zone":          func(o offer) []string { return o.describe().AvailabilityZones },
		},
	}
}
