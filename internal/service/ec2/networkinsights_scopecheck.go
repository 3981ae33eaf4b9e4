package ec2

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"kumiko/internal/awserr"
	"kumiko/internal/reach"
	"kumiko/internal/world"
)

// scopeTypes are the types of resources that scopes can name: those paths are made of here, and those of which there
// can be none. (Amazon VPC Network Access Analyzer Guide, "Resource types".)
func scopeTypes() []string {
	return []string{
		"AWS::EC2::Instance", "AWS::EC2::NetworkInterface", "AWS::EC2::InternetGateway", "AWS::EC2::VPC", "AWS::EC2::Subnet",
		"AWS::EC2::SecurityGroup", "AWS::EC2::NatGateway", "AWS::EC2::VPCPeeringConnection", "AWS::EC2::NetworkAcl",
		"AWS::EC2::RouteTable", "AWS::EC2::TransitGateway", "AWS::EC2::TransitGatewayAttachment", "AWS::EC2::VPNGateway",
	}
}

// What resources in scopes look like: types as CloudFormation has them, ids and ARNs. (AWS CloudFormation User Guide,
// "AWS resource and property types reference"; AWS General Reference, "Amazon Resource Names".)
var (
	typeForm     = regexp.MustCompile(`^AWS::[A-Za-z0-9]+::[A-Za-z0-9]+$`)
	resourceForm = regexp.MustCompile(`^(arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:[!-~]+|[a-z]+(-[a-z]+)*-([0-9a-f]{8}|[0-9a-f]{17}))$`)
)

// checkScopePath refuses what would otherwise never match and say nothing.
func checkScopePath(p world.AccessScopePath) error {
	for _, s := range []*world.PathStatement{p.Source, p.Destination} {
		if s == nil {
			continue
		}
		if err := cmp.Or(checkHeader(s.Header), checkResources(s.Resources)); err != nil {
			return err
		}
	}
	for _, t := range p.Through {
		if err := checkResources(&t); err != nil {
			return err
		}
	}
	return nil
}

func checkHeader(h *world.HeaderStatement) error {
	if h == nil {
		return nil
	}
	for _, a := range slices.Concat(h.Sources, h.Destinations) {
		_, notRange := netip.ParsePrefix(a)
		_, notAddr := netip.ParseAddr(a)
		if notRange != nil && notAddr != nil {
			return awserr.EC2InvalidParameter("PacketHeaderStatement", a, "This is not a valid address or CIDR block.")
		}
	}
	for _, t := range slices.Concat(h.SourcePorts, h.DestinationPorts) {
		if _, ok := reach.ParsePorts(t); !ok {
			return awserr.EC2InvalidParameter("PacketHeaderStatement", t, "This is not a valid port or range of ports.")
		}
	}
	for _, t := range h.Protocols {
		if t != "tcp" && t != "udp" {
			return awserr.EC2InvalidParameter("PacketHeaderStatement", t, "Valid values are tcp and udp.")
		}
	}
	return nil
}

// checkResources refuses what is neither the id nor the ARN of anything, and types that are not known.
func checkResources(s *world.ResourceStatement) error {
	if s == nil {
		return nil
	}
	for _, r := range s.Resources {
		if !resourceForm.MatchString(r) {
			return awserr.EC2InvalidParameter("ResourceStatement", r, "It is not the ID or ARN of a resource.")
		}
	}
	for _, t := range s.Types {
		switch {
		case slices.Contains(scopeTypes(), t):
		case typeForm.MatchString(t):
			return unsupported("Access scopes with resources of type " + t + " are not built.")
		default:
			return awserr.EC2InvalidParameter("ResourceStatement", t, "Valid values are "+strings.Join(scopeTypes(), ", ")+".")
		}
	}
	return nil
}

// scopeListsExist checks that the caller can see the prefix lists a path names.
func scopeListsExist(tx *world.Tx, c world.Caller, p world.AccessScopePath) error {
	v := &view{w: tx.World, c: c, now: tx.Now}
	for _, s := range []*world.PathStatement{p.Source, p.Destination} {
		if s == nil || s.Header == nil {
			continue
		}
		for _, id := range slices.Concat(s.Header.SourceLists, s.Header.DestinationLists) {
			if _, err := pickList(v.lists(), &id); err != nil {
				return err
			}
		}
	}
	return nil
}
