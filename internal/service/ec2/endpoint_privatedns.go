package ec2

import (
	"slices"
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// privateNamesFree checks that an endpoint may answer for its service's names in its VPC: the VPC gives names, and
// nobody else has these.
func privateNamesFree(tx *world.Tx, e world.Endpoint) error {
	if !e.PrivateDNS {
		return nil
	}
	p, _ := tx.VPCs.Get(e.VPC)
	if !p.DNSHostnames || !p.DNSSupport {
		return awserr.EC2Code("InvalidParameter",
			"Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", e.VPC)
	}
	s, region, _ := world.FindAWSService(e.Service)
	names := s.PrivateNames(region)
	for _, n := range names {
		if _, ok := tx.HostedZoneIn(e.VPC, strings.TrimPrefix(n, "*.")); ok {
			return conflicting(n, e.VPC)
		}
	}
	for o := range tx.Endpoints.In(string(e.VPC)) {
		if o.ID == e.ID || !o.Works() || !o.PrivateDNS || o.Service == "" {
			continue
		}
		other, at, _ := world.FindAWSService(o.Service)
		if i := slices.IndexFunc(names, func(n string) bool { return slices.Contains(other.PrivateNames(at), n) }); i >= 0 {
			return conflicting(names[i], e.VPC)
		}
	}
	return nil
}

func conflicting(name string, vpc world.VPCID) error {
	return awserr.EC2Code("InvalidParameter",
		"private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s in the VPC %s", name, vpc)
}

// inboundOnly checks that an endpoint whose private names are for inbound Resolver endpoints alone has a gateway endpoint
// beside it, for what the VPC itself sends to the service.
func inboundOnly(tx *world.Tx, e world.Endpoint) error {
	if e.DNSOptions == nil || !e.DNSOptions.InboundResolverOnly {
		return nil
	}
	for o := range tx.Endpoints.In(string(e.VPC)) {
		if o.Type == world.EndpointGateway && o.Works() && o.Service == e.Service {
			return nil
		}
	}
	return awserr.EC2Code("InvalidParameter",
		"To set PrivateDnsOnlyForInboundResolverEndpoint to true, the VPC %s must have a Gateway endpoint for the service.", e.VPC)
}
