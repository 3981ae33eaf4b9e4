package world

// The kinds of VPC endpoint. (Amazon EC2 API Reference, VpcEndpoint.)
const (
	EndpointInterface      = "Interface"
	EndpointGateway        = "Gateway"
	EndpointResource       = "Resource"
	EndpointServiceNetwork = "ServiceNetwork"
)

// Endpoint is a VPC endpoint: a way from a VPC to a service, a resource or a service network that does not leave it.
type Endpoint struct {
	ID EndpointID
	Meta
	Type        string // one of the kinds above
	VPC         VPCID
	Service     string            // service name, e.g. com.amazonaws.us-east-1.ssm; of Interface and Gateway
	Provider    EndpointServiceID `json:",omitempty"` // of Interface: the service, when it is one of an account's own
	Connection  string            `json:",omitempty"` // of such a one: whether the provider accepted it
	Label       string            // 8 characters that follow the id in its DNS names
	Subnets     []SubnetID        // in the order they were given; each has at least one ENI whose Endpoint is this
	Groups      []SecurityGroupID // guard its ENIs
	RouteTables []RouteTableID    // of Gateway: the tables that carry a route to it
	Policy      string            // policy document; empty: everything is allowed
	PrivateDNS  bool
	DNSOptions  *EndpointDNSOptions

	Network       ServiceNetworkID        // of ServiceNetwork
	Configuration ResourceConfigurationID // of Resource
	Index         uint16                  // of both, and of one with a Provider: see VPCAssociation.Index, with which it shares its numbers

	Failure string // code, when it could not be made
	Message string
}

// EndpointDNSOptions say which names an endpoint answers for.
type EndpointDNSOptions struct {
	RecordIPType        string // ipv4, dualstack, ipv6 or service-defined
	InboundResolverOnly bool   // PrivateDnsOnlyForInboundResolverEndpoint
	Preference          string
	Domains             []string
}

// RowID is the endpoint's id.
func (e Endpoint) RowID() string { return string(e.ID) }

// Owner is the id of its VPC.
func (e Endpoint) Owner() string { return string(e.VPC) }

// Works tells whether the endpoint was made and is not being deleted.
func (e Endpoint) Works() bool { return !e.Deleting && e.Failure == "" }

// Connects tells whether an endpoint with a Provider leads to its service.
func (e Endpoint) Connects() bool {
	return e.Works() && e.Provider != "" && e.Connection == ConnectionAccepted
}

// ENIsOfEndpoint are the managed ENIs of an endpoint, in the order of their ids.
func (w *World) ENIsOfEndpoint(id EndpointID) []ENI {
	return collect(w.ENIs.In(string(id)))
}
