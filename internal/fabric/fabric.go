package fabric

import (
	"cmp"
	"net/netip"
	"slices"

	"kumiko/internal/world"
)

// Fabric is what the network must be at one revision of the World. All slices are sorted by id or index; a Fabric
// is never changed once it was compiled, and scopes may be shared between revisions.
type Fabric struct {
	Rev       uint64
	VPCs      []*VPC              // sorted by ID
	Gateways  []*Gateway          // sorted by ID
	Hosts     []*Host             // sorted by ID
	NATs      []*NAT              // sorted by ID
	Resolvers []*ResolverEndpoint // sorted by ID
	Public    Public

	PublicZones map[string]*Zone // public hosted zones, by name

	ill       map[world.HealthCheckID]bool // for Recompile
	zones     map[world.HostedZoneID]*Zone // of Route 53; for Recompile
	Endpoints []*Endpoint                  // sorted by ID

	Services     []*Service     // of Lattice, sorted by ID
	TargetGroups []*TargetGroup // likewise

	lattice   map[string]latticeNames // by region; for Recompile
	balancers []*Zone                 // the public names of load balancers; likewise
	endpoints *Zone                   // the public names of endpoints; likewise
}

// VPC is a routing domain: one router with a port for each ENI and a link to each gateway it consumes.
type VPC struct {
	ID       world.VPCID
	Account  world.AccountID
	Region   string
	CIDRs    []netip.Prefix
	Subnets  []Subnet               // sorted by ID
	Ports    []Port                 // sorted by Index
	Links    []Link                 // sorted by Gateway
	Groups   []Group                // sorted by ID
	Tables   []Table                // sorted by Index
	ACLs     []ACL                  // sorted by ID
	Peerings []PeerLink             // sorted by ID; the active ones
	Uplink   *Uplink                // the way to the public side; nil without an internet gateway
	Gates    []Gate                 // its gateway endpoints, sorted by ID
	Point    *Point                 // the way to and from Lattice's services; nil without any
	Network  world.ServiceNetworkID // that it is associated with
	Signed   bool                   // requests to services of the network must be signed, and allowed by a policy

	NetworkARN string
	Resolver   Resolver
	View       View // what the resolver answers from
}

// Subnet is a range of addresses whose ports share a route table.
type Subnet struct {
	ID      world.SubnetID
	CIDR    netip.Prefix
	Gateway netip.Addr // the subnet's first address but one: the router, in the eyes of an instance
	Table   uint32     // Index of the route table
	ACL     world.NetworkACLID
}

// Port is an ENI at its VPC's router.
type Port struct {
	ENI             world.ENIID
	Index           uint32 // unique in the VPC, from 1
	Subnet          world.SubnetID
	Table           uint32         // Index of the route table of its subnet
	Addrs           []netip.Addr   // the first is the primary one
	Prefixes        []netip.Prefix // routed to the port
	Mask            int            // prefix length of the subnet
	Router          netip.Addr     // Subnet.Gateway
	MAC             string
	Groups          []world.SecurityGroupID // sorted
	Unfiltered      bool                    // a NAT gateway's: no security group judges its packets
	SourceDestCheck bool
	MTU             int
	Peer            Peer // what is plugged into the port
}

// Peer is the namespace a port's cable ends in: a host, a gateway or an endpoint, or none while the ENI is not attached.
type Peer struct {
	Host     world.InstanceID
	Gateway  world.ResourceGatewayID
	NAT      world.NATGatewayID
	Endpoint world.EndpointID
	Local    bool // the port's addresses are the namespace's own: something listens there
	Resolver world.ResolverEndpointID
	Device   string // interface name there, e.g. eth0
}

// Attached tells whether the port has a cable.
func (p Peer) Attached() bool {
	return p.Host != "" || p.Gateway != "" || p.NAT != "" || p.Endpoint != "" || p.Resolver != ""
}

// Group is a security group as the kernel needs it: its rules and the addresses that stand for it in other groups' rules.
type Group struct {
	ID      world.SecurityGroupID
	Members []netip.Addr // private addresses of the ENIs carrying the group, sorted
	Ingress []Rule       // sorted by ID
	Egress  []Rule
}

// Rule allows traffic with a peer: ranges, or the members of a group.
type Rule struct {
	ID       world.SecurityGroupRuleID
	Protocol world.Protocol
	Ports    world.PortRange       // of tcp and udp
	ICMP     world.ICMPMatch       // of icmp and icmpv6
	CIDRs    []netip.Prefix        // sorted; one for a CIDR rule, the entries for a prefix list
	Peer     world.SecurityGroupID // members of this group, when not empty
}

// Table is a route table.
type Table struct {
	ID     world.RouteTableID
	Index  uint32
	Within []Route // more specific than the VPC's ranges; sorted as Routes are, and before the local routes
	Routes []Route // sorted, longest prefix first; the local routes come before them and are not listed
}

// Route sends a destination to a port of the same VPC, to a peering, to the public side or to a gateway endpoint. With none of them it is a
// blackhole.
type Route struct {
	Prefix   netip.Prefix
	Port     uint32
	Peering  world.PeeringID // one of VPC.Peerings
	Internet bool            // by VPC.Uplink

	Endpoint world.EndpointID // one of VPC.Gates
}

// ACL is a network ACL: rules in order, of which the first that matches decides; what none matches is refused.
type ACL struct {
	ID      world.NetworkACLID
	Ingress []ACLRule // by Number
	Egress  []ACLRule
}

// ACLRule is one numbered rule.
type ACLRule struct {
	Number   int
	Allow    bool
	Protocol world.Protocol
	Ports    world.PortRange // of tcp and udp
	ICMP     world.ICMPMatch // of icmp
	CIDR     netip.Prefix
}

// PeerLink is an active peering as one of its VPCs sees it: a cable to the other's router.
type PeerLink struct {
	ID    world.PeeringID
	VPC   world.VPCID    // the other
	CIDRs []netip.Prefix // of the other; what comes by the cable must be from them
	MTU   int
}

// Uplink is a VPC's cable to the public side, with the addresses that are translated on the way.
type Uplink struct {
	Gateway   world.InternetGatewayID
	Addresses []PublicAddress // sorted by Private
}

// PublicAddress stands for a private address on the public side.
type PublicAddress struct{ Private, Public netip.Addr }

// Public is the public side: the namespace all uplinks lead to.
type Public struct {
	Uplinks []PublicUplink // sorted by VPC
}

// PublicUplink says which public addresses are behind which VPC.
type PublicUplink struct {
	VPC   world.VPCID
	Addrs []netip.Addr // sorted
}

// NAT is a NAT gateway: a namespace that translates what its VPC routes to it.
type NAT struct {
	ID   world.NATGatewayID
	VPC  world.VPCID
	Port GatewayPort
}

// Link joins a consumer VPC's router, or an endpoint, with the namespace of a gateway.
type Link struct {
	Gateway     world.ResourceGatewayID
	Association world.VPCAssociationID  // of a router's link
	Index       uint16                  // of the VPC association or the endpoint: conntrack zone and mark at the gateway, unique there
	Groups      []world.SecurityGroupID // of the association: their ingress rules filter what enters the link; none: no filter
	Addrs       []netip.Addr            // resource addresses reached through the link, sorted
	MTU         int
}

// Gateway is a resource gateway, or a load balancer: a namespace that translates connections of its consumers to resources,
// or to targets.
type Gateway struct {
	ID        world.ResourceGatewayID // or world.LoadBalancer.Gateway
	VPC       world.VPCID             // provider
	Ports     []GatewayPort           // its ENIs, sorted by ENI; connections are spread over them
	Consumers []Consumer              // sorted by Index
	Listeners []Listener              // sorted by Endpoint and Addr
	Balancer  *Balancer               // nil: it is a resource gateway
}

// GatewayPort is an ENI of a gateway, as seen from inside it.
type GatewayPort struct {
	ENI    world.ENIID
	Device string       // interface name in the gateway's namespace
	Addrs  []netip.Addr // addresses connections come from; the first is the primary one
	MAC    string
	Router netip.Addr
	Mask   int
	MTU    int
	Local  bool // the addresses are the namespace's own

	Prefixes []netip.Prefix // of an endpoint's ENI: further addresses
}

// Consumer is a VPC that reaches the gateway through a link: from its router, or from an endpoint in it.
type Consumer struct {
	VPC         world.VPCID
	Association world.VPCAssociationID // one of Association
	Endpoint    world.EndpointID       // and Endpoint is set
	Index       uint16
	MTU         int
}

// Near is the name of the namespace at the other end of the link.
func (c Consumer) Near() string {
	if c.Endpoint != "" {
		return string(c.Endpoint)
	}
	return string(c.VPC)
}

// Listener accepts connections to a resource's address and sends them to its target.
type Listener struct {
	Endpoint      world.EndpointID // whose link it accepts from; empty: those of VPC associations
	Addr          netip.Addr       // in world.LatticeResources, or of the endpoint
	Ports         []world.PortRange
	Target        netip.Addr                  // in the provider VPC; invalid: the name of the resource has no address, connections are dropped
	Association   world.ResourceAssociationID // empty for an endpoint's own resource configuration
	Configuration world.ResourceConfigurationID
	Network       world.ServiceNetworkID
}

// Listener finds what listens at an address for the link of an endpoint, or, with none, for those of VPC associations.
func (g *Gateway) Listener(e world.EndpointID, a netip.Addr) (Listener, bool) {
	i, ok := slices.BinarySearchFunc(g.Listeners, Listener{Endpoint: e, Addr: a}, compareListeners)
	if !ok {
		return Listener{}, false
	}
	return g.Listeners[i], true
}

func compareListeners(a, b Listener) int {
	return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), a.Addr.Compare(b.Addr))
}

// Accepts tells whether the listener takes connections to the port.
func (l Listener) Accepts(port uint16) bool {
	for _, r := range l.Ports {
		if r.Contains(port) {
			return true
		}
	}
	return false
}

// Host is an instance that should run.
type Host struct {
	ID       world.InstanceID
	VPC      world.VPCID
	Boot     uint64 // a running host of another boot is replaced
	Hostname string
	Domain   string
	Resolver []netip.Addr
	Ports    []HostPort // sorted by device
	Image    string
	User     string   // default user, e.g. ec2-user
	Keys     []string // authorized_keys lines of the default user
	UserData []byte
	Agent    bool // has an SSM agent; one that runs already goes on without
}

// HostPort is an ENI as seen from inside the host.
type HostPort struct {
	ENI    world.ENIID
	VPC    world.VPCID
	Device string
	MAC    string
	Addrs  []netip.Addr
	Mask   int
	Router netip.Addr
	MTU    int
}

// MTUs in bytes: inside a VPC and between VPCs of a region, between regions, at an internet gateway, and on the way
// through Lattice. (EC2 User Guide "Network MTU"; VPC Peering Guide; VPC Lattice User Guide.)
const (
	MTU         = 9001
	MTURegions  = 8500
	MTUInternet = 1500
	MTULattice  = 8500
)
