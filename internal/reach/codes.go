package reach

import (
	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Code is an explanation code of the Reachability Analyzer. (Reachability Analyzer guide, "Explanation codes".)
type Code string

// The codes that can occur here.
const (
	BadState           Code = "BAD_STATE"
	BadStateAttachment Code = "BAD_STATE_ATTACHMENT"
	BadStateRoute      Code = "BAD_STATE_ROUTE"
	NoRouteTo          Code = "NO_ROUTE_TO_DESTINATION"
	NoDestination      Code = "NO_POSSIBLE_DESTINATION"
	NoPath             Code = "NO_PATH"
	NoEnd              Code = "NO_SOURCE_OR_DESTINATION"
	Unassociated       Code = "UNASSOCIATED_COMPONENT"
	Unsupported        Code = "UNSUPPORTED_COMPONENT"
	Disconnected       Code = "DISCONNECTED_VPCS"

	GroupMismatch     Code = "ENI_SG_RULES_MISMATCH"
	GroupEmpty        Code = "SG_HAS_NO_RULES"
	GroupNotPreserved Code = "SG_REFERENCES_NOT_PRESERVED"
	ACLRestriction    Code = "SUBNET_ACL_RESTRICTION"
	SourceDestCheck   Code = "ENI_SOURCE_DEST_CHECK_RESTRICTION"
	ForeignAddress    Code = "ENI_ADDRESS_RESTRICTION"

	PeeringRange       Code = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"
	NATSource          Code = "NGW_REQUIRES_SOURCE_IN_VPC"
	ProtocolRestricted Code = "PROTOCOL_RESTRICTION"

	InternetEgress        Code = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
	InternetIngress       Code = "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
	InternetPrivateEgress Code = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
	InternetSharedEgress  Code = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"
	InternetPrivateSource Code = "IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS"
	InternetSharedSource  Code = "IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS"

	FilterIn                  Code = "COMPONENT_FILTER_RESTRICTION"
	FilterOut                 Code = "COMPONENT_FILTER_RESTRICTION_REMOVED_COMPONENT"
	AtSourceDestination       Code = "FILTER_AT_SOURCE_DESTINATION_ADDRESS"
	AtDestinationSource       Code = "FILTER_AT_DESTINATION_SOURCE_ADDRESS"
	AtDestinationDestination  Code = "FILTER_AT_DESTINATION_DESTINATION_ADDRESS"
	AtDestinationSourcePort   Code = "FILTER_AT_DESTINATION_SOURCE_PORT_RANGE"
	AtDestinationDestPort     Code = "FILTER_AT_DESTINATION_DESTINATION_PORT_RANGE"
	ingress, egress, eitherOr      = "ingress", "egress", ""
)

// meaning is what AWS calls a refusal.
type meaning struct {
	code      Code
	direction string
}

// meanings are what the refusals of the stations are called; those of NoRoute, Listen and Internet depend on more, see CodeOf.
func meanings() map[fabric.Station]meaning {
	return map[fabric.Station]meaning{
		fabric.Spoof:     {SourceDestCheck, egress},
		fabric.SGOut:     {GroupMismatch, egress},
		fabric.ACLOut:    {ACLRestriction, egress},
		fabric.Router:    {NoDestination, eitherOr},
		fabric.LinkIn:    {Unsupported, eitherOr},
		fabric.ACLIn:     {ACLRestriction, ingress},
		fabric.SGIn:      {GroupMismatch, ingress},
		fabric.DestCheck: {SourceDestCheck, ingress},
	}
}

// CodeOf is what AWS calls the refusal a closed trace ends in, and the direction it is about; empty for an open one.
func CodeOf(t Trace) (code Code, direction string) {
	if t.Open {
		return "", ""
	}
	if len(t.Hops) == 0 {
		return BadState, ""
	}
	h := t.Hops[len(t.Hops)-1]
	switch h.Origin.Station {
	case fabric.Spoof:
		if h.Reply { // somebody else gets it
			return ForeignAddress, egress
		}
	case fabric.NoRoute:
		return routeCode(t, h), ""
	case fabric.Listen:
		return listenCode(t, h), ""
	case fabric.Internet:
		return internetCode(h), egress
	}
	m := meanings()[h.Origin.Station]
	return m.code, m.direction
}

func routeCode(t Trace, h Hop) Code {
	switch {
	case h.Prefix == world.LatticeResources && h.Table == "":
		return NoPath
	case h.Table != "" && h.Prefix.IsValid() && h.Routed.Nowhere():
		return BadStateRoute
	case h.Table != "":
		return NoRouteTo
	case h.Prefix.IsValid() && !h.Reply:
		return NoDestination // a local route, and nobody there
	}
	if _, ok := t.by(func(r fabric.Routed) bool { return r.Peering != nil }); ok && !h.Reply {
		return PeeringRange
	}
	return NoRouteTo
}

// internetCode tells what an internet gateway has against a packet that leaves: where it goes, or else whom it is from.
func internetCode(h Hop) Code {
	switch {
	case fabric.Routable(h.Flow.Dst):
		return InternetEgress
	case h.Flow.Dst.IsPrivate():
		return InternetPrivateEgress
	}
	return InternetSharedEgress
}

// listenCode tells why a NAT gateway did not take a packet. Gateways of Lattice are no part of AWS's model.
func listenCode(t Trace, h Hop) Code {
	switch {
	case h.Lattice || h.Origin.Gateway != "":
		return Unsupported
	case h.Origin.Endpoint != "" || h.Origin.VPC == "":
		return NoDestination
	}
	f := h.Flow
	if f.Protocol != world.TCP && f.Protocol != world.UDP && f.Protocol != world.ICMP {
		return ProtocolRestricted
	}
	if _, ok := t.by(func(r fabric.Routed) bool { return r.Peering != nil || r.Internet }); ok {
		return NATSource
	}
	return NoDestination
}

// by is the first hop that was routed in the given way.
func (t Trace) by(way func(fabric.Routed) bool) (Hop, bool) {
	for _, h := range t.Hops {
		if h.Pass && h.Origin.Station == fabric.NoRoute && way(h.Routed) {
			return h, true
		}
	}
	return Hop{}, false
}
