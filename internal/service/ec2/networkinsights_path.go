package ec2

import (
	"strconv"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// pathComponents describes the resources of a path, numbered from 1.
func pathComponents(cs []world.PathComponent) []ec2api.PathComponent {
	var out []ec2api.PathComponent
	for i, c := range cs {
		out = append(out, ec2api.PathComponent{
			SequenceNumber: new(int32(i + 1)), Component: component(c.Component), AttachedTo: component(c.AttachedTo), Subnet: component(c.Subnet),
			Vpc: component(c.VPC), SourceVpc: component(c.SourceVPC), DestinationVpc: component(c.DestVPC), InboundHeader: packetHeader(c.Inbound),
			OutboundHeader: packetHeader(c.Outbound), AclRule: pathACLRule(c.ACL), RouteTableRoute: pathRoute(c.Route), SecurityGroupRule: pathGroupRule(c.Group),
		})
	}
	return out
}

// component describes a resource, nil when there is none.
func component(c world.Component) *ec2api.AnalysisComponent {
	if c.ID == "" {
		return nil
	}
	return &ec2api.AnalysisComponent{Id: new(c.ID), Arn: given(c.ARN), Name: given(c.Name)}
}

// given is a text, nil when it is empty.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func packetHeader(h *world.PacketHeader) *ec2api.AnalysisPacketHeader {
	if h == nil {
		return nil
	}
	return &ec2api.AnalysisPacketHeader{
		Protocol: new(strconv.Itoa(int(h.Protocol))), SourceAddresses: []string{h.Source.String() + "/32"}, DestinationAddresses: []string{h.Destination.String() + "/32"},
		SourcePortRanges: []ec2api.PortRange{*portRange(h.SourcePorts)}, DestinationPortRanges: []ec2api.PortRange{*portRange(h.DestinationPorts)},
	}
}

func portRange(r world.PortRange) *ec2api.PortRange {
	return &ec2api.PortRange{From: new(int32(r.From)), To: new(int32(r.To))}
}

// ruleProtocol is a rule's protocol in the words of analyses.
func ruleProtocol(p world.Protocol) *string {
	switch p {
	case world.AnyProtocol:
		return new("all")
	case world.TCP:
		return new("tcp")
	case world.UDP:
		return new("udp")
	case world.ICMP:
		return new("icmp")
	}
	return new(strconv.Itoa(int(p)))
}

func rulePorts(p world.Protocol, r world.PortRange) *ec2api.PortRange {
	if !p.HasPorts() {
		return nil
	}
	return portRange(r)
}

func pathACLRule(r *world.PathACLRule) *ec2api.AnalysisAclRule {
	if r == nil {
		return nil
	}
	action := "deny"
	if r.Allow {
		action = "allow"
	}
	return &ec2api.AnalysisAclRule{
		Cidr: new(r.CIDR.String()), Egress: new(r.Egress), Protocol: ruleProtocol(r.Protocol), PortRange: rulePorts(r.Protocol, r.Ports),
		RuleAction: &action, RuleNumber: new(int32(r.Number)),
	}
}

func pathGroupRule(r *world.PathGroupRule) *ec2api.AnalysisSecurityGroupRule {
	if r == nil {
		return nil
	}
	out := &ec2api.AnalysisSecurityGroupRule{
		Direction: new("ingress"), SecurityGroupId: given(string(r.Group)), PrefixListId: given(string(r.List)),
		Protocol: ruleProtocol(r.Protocol), PortRange: rulePorts(r.Protocol, r.Ports),
	}
	if r.Egress {
		out.Direction = new("egress")
	}
	if r.CIDR.IsValid() {
		out.Cidr = new(r.CIDR.String())
	}
	return out
}

func pathRoute(r *world.PathRoute) *ec2api.AnalysisRouteTableRoute {
	if r == nil {
		return nil
	}
	out := &ec2api.AnalysisRouteTableRoute{
		DestinationCidr: new(r.Destination.String()), State: given(r.State), Origin: given(r.Origin), InstanceId: given(r.Instance),
	}
	switch prefix, _, _ := strings.Cut(r.Target, "-"); prefix {
	case "eni":
		out.NetworkInterfaceId = &r.Target
	case "nat":
		out.NatGatewayId = &r.Target
	case "pcx":
		out.VpcPeeringConnectionId = &r.Target
	default:
		out.GatewayId = given(r.Target)
	}
	return out
}

// explanation describes why there is no path.
func explanation(x world.Explanation) ec2api.Explanation {
	out := ec2api.Explanation{
		ExplanationCode: new(x.Code), Direction: given(x.Direction), State: given(x.State), MissingComponent: given(x.Missing), PacketField: given(x.Field),
		Component: component(x.Component), Destination: component(x.Destination), NetworkInterface: component(x.Interface), Subnet: component(x.Subnet),
		Vpc: component(x.VPC), SourceVpc: component(x.SourceVPC), DestinationVpc: component(x.DestVPC), Acl: component(x.ACL),
		RouteTable: component(x.RouteTable), InternetGateway: component(x.Internet), NatGateway: component(x.NAT), VpcPeeringConnection: component(x.Peering),
		AclRule: pathACLRule(x.ACLRule), RouteTableRoute: pathRoute(x.Route), ComponentAccount: given(x.Account),
	}
	if x.Address.IsValid() {
		out.Address = new(x.Address.String())
	}
	for _, g := range x.Groups {
		out.SecurityGroups = append(out.SecurityGroups, *component(g))
	}
	if len(x.Groups) == 1 {
		out.SecurityGroup = component(x.Groups[0])
	}
	return out
}
