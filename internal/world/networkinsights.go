package world

import (
	"net/netip"
	"time"
)

// NetworkInsightsPath is a question asked again and again: does the source reach the destination?
type NetworkInsightsPath struct {
	ID NetworkInsightsPathID
	Meta
	Source, Destination string     // ids; the destination may be an address alone
	SourceAccount       AccountID  // whose the source is; empty: the path's own
	DestinationAccount  AccountID  // whose the destination is; empty: the path's own
	SourceIP            netip.Addr // invalid: the source's primary one
	DestinationIP       netip.Addr // invalid: the destination's primary one
	Protocol            Protocol
	Port                *uint16 // of the destination; nil: any
	AtSource            *PacketFilter
	AtDestination       *PacketFilter
}

// RowID is the path's id.
func (p NetworkInsightsPath) RowID() string { return string(p.ID) }

// PacketFilter narrows which packets a path is about. What is invalid or nil is not narrowed.
type PacketFilter struct {
	Source, Destination           netip.Addr
	SourcePorts, DestinationPorts *PortRange
}

// NetworkInsightsAnalysis is the answer to a path's question at the time it was asked. It never changes.
type NetworkInsightsAnalysis struct {
	ID NetworkInsightsAnalysisID
	Meta
	Path      NetworkInsightsPathID
	Accounts  []string // additional accounts, as given
	FilterIn  []string // ARNs the path must pass
	FilterOut []string // ARNs the path must not pass
	Insight
}

// RowID is the analysis's id.
func (a NetworkInsightsAnalysis) RowID() string { return string(a.ID) }

// Owner is the id of its path.
func (a NetworkInsightsAnalysis) Owner() string { return string(a.Path) }

// Insight says whether packets find a way, and which one or why not.
type Insight struct {
	Found           bool
	Forward, Return []PathComponent
	Explanations    []Explanation // why not, the decisive one first
}

// Component names a resource on a path.
type Component struct{ ID, ARN, Name string }

// PathComponent is one resource a packet passes. Members that do not apply to its kind are empty.
type PathComponent struct {
	Component  Component
	AttachedTo Component
	Subnet     Component
	VPC        Component
	Inbound    *PacketHeader
	Outbound   *PacketHeader
	ACL        *PathACLRule
	Route      *PathRoute
	Group      *PathGroupRule
	SourceVPC  Component // of a peering
	DestVPC    Component
}

// PacketHeader is what a packet says at a component.
type PacketHeader struct {
	Protocol                      Protocol
	Source, Destination           netip.Addr
	SourcePorts, DestinationPorts PortRange
}

// PathACLRule is the network ACL's rule that decided. Number 32767 is the last one, which refuses.
type PathACLRule struct {
	Number   int
	Egress   bool
	Allow    bool
	Protocol Protocol
	Ports    PortRange
	CIDR     netip.Prefix
}

// PathRoute is the route that decided.
type PathRoute struct {
	Destination netip.Prefix
	Target      string // gateway, interface, instance or peering id, or local
	Instance    string // set beside Target when the route was made for an instance
	State       string // active or blackhole
	Origin      string
}

// PathGroupRule is the security group's rule that decided.
type PathGroupRule struct {
	Group    SecurityGroupID
	Egress   bool
	Protocol Protocol
	Ports    PortRange
	CIDR     netip.Prefix // or
	List     PrefixListID
}

// Explanation is a reason why there is no way. Members that do not apply to its code are empty.
type Explanation struct {
	Code      string // an explanation code of the Reachability Analyzer
	Direction string // ingress or egress; empty: neither
	Address   netip.Addr
	State     string
	Missing   string // source or destination, when that is what is missing
	Field     string // of the packet that does not fit
	Account   string // another one, whose resources are not told of

	Component, Destination, Interface, Subnet Component
	VPC, SourceVPC, DestVPC                   Component
	ACL, RouteTable, Internet, NAT, Peering   Component
	Groups                                    []Component

	ACLRule *PathACLRule
	Route   *PathRoute
}

// NetworkInsightsAccessScope says which paths must not be, and which of them may.
type NetworkInsightsAccessScope struct {
	ID NetworkInsightsAccessScopeID
	Meta
	Match, Exclude []AccessScopePath
}

// RowID is the scope's id.
func (s NetworkInsightsAccessScope) RowID() string { return string(s.ID) }

// AccessScopePath describes paths by their ends and what is between them.
type AccessScopePath struct {
	Source, Destination *PathStatement
	Through             []ResourceStatement
}

// PathStatement describes an end of paths.
type PathStatement struct {
	Header    *HeaderStatement
	Resources *ResourceStatement
}

// HeaderStatement describes packets, in the words of the request; empty lists leave out nothing.
type HeaderStatement struct {
	Sources, Destinations         []string // addresses and ranges
	SourcePorts, DestinationPorts []string // N or N-M
	SourceLists, DestinationLists []string // prefix list ids
	Protocols                     []string // tcp, udp
}

// ResourceStatement names resources by id or ARN, or by CloudFormation type such as AWS::EC2::NetworkInterface.
type ResourceStatement struct{ Resources, Types []string }

// NetworkInsightsAccessScopeAnalysis is what was found of a scope. It never changes.
type NetworkInsightsAccessScopeAnalysis struct {
	ID NetworkInsightsAccessScopeAnalysisID
	Meta
	Scope      NetworkInsightsAccessScopeID
	Ended      time.Time
	Interfaces int // analysed
	Findings   []AccessScopeFinding
	Warning    string // what was left out, if anything was
}

// RowID is the analysis's id.
func (a NetworkInsightsAccessScopeAnalysis) RowID() string { return string(a.ID) }

// Owner is the id of its scope.
func (a NetworkInsightsAccessScopeAnalysis) Owner() string { return string(a.Scope) }

// AccessScopeFinding is a path that the scope matches and does not exclude.
type AccessScopeFinding struct {
	ID         string
	Components []PathComponent
}
