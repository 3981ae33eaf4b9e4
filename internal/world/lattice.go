package world

import (
	"net/netip"
	"time"
)

// ServiceNetwork joins VPCs with services and resources.
type ServiceNetwork struct {
	ID ServiceNetworkID
	Meta
	Name     string
	AuthType string // NONE or AWS_IAM
	Sharing  *bool  // sharingConfig.enabled; nil when it was not given
}

// RowID is the network's id.
func (n ServiceNetwork) RowID() string { return string(n.ID) }

// ARN is the network's ARN.
func (n ServiceNetwork) ARN() string {
	return ARN("vpc-lattice", n.Region, n.Account, "servicenetwork/"+string(n.ID))
}

// VPCAssociation lets the instances of a VPC use a service network.
type VPCAssociation struct {
	ID VPCAssociationID
	Meta
	Network    ServiceNetworkID
	VPC        VPCID
	Groups     []SecurityGroupID // filter clients; none: no filter
	CreatedBy  AccountID
	Index      uint16 // unique among all consumers of gateways, from 1; conntrack zone and mark of its link at every gateway
	PrivateDNS bool
	DNSOptions *DNSOptions
}

// DNSOptions say which private names an association brings into its VPC.
type DNSOptions struct {
	Preference string
	Domains    []string
}

// RowID is the association's id.
func (a VPCAssociation) RowID() string { return string(a.ID) }

// Owner is the id of its VPC.
func (a VPCAssociation) Owner() string { return string(a.VPC) }

// ResourceGateway is the way out of Lattice into a VPC: managed ENIs from whose addresses connections come.
type ResourceGateway struct {
	ID ResourceGatewayID
	Meta
	Name            string
	VPC             VPCID
	Subnets         []SubnetID
	Groups          []SecurityGroupID // outbound rules filter gateway → resource
	IPAddressType   string            // IPV4, IPV6 or DUALSTACK
	AddressesPerENI int               // ipv4AddressesPerEni
	DNSResolution   string            // PUBLIC or IN_VPC
}

// RowID is the gateway's id.
func (g ResourceGateway) RowID() string { return string(g.ID) }

// ENIsOfGateway are the managed ENIs of a resource gateway, in the order of their ids.
func (w *World) ENIsOfGateway(g ResourceGatewayID) []ENI {
	return collect(w.ENIs.In(string(g)))
}

// The types of resource configuration.
const (
	ConfigurationSingle = "SINGLE"
	ConfigurationGroup  = "GROUP"
	ConfigurationChild  = "CHILD"
	ConfigurationARN    = "ARN"
)

// ResourceConfiguration describes a resource behind a gateway.
type ResourceConfiguration struct {
	ID ResourceConfigurationID
	Meta
	Name               string
	Type               string                  // SINGLE, GROUP, CHILD or ARN
	Gateway            ResourceGatewayID       // empty for CHILD: the group's
	Group              ResourceConfigurationID // of a CHILD
	PortRanges         []PortRange
	Protocol           string     // TCP
	IP                 netip.Addr // ipResource
	DomainName         string     // dnsResource
	DomainAddressType  string     // dnsResource.ipAddressType
	ARN                string     // arnResource
	AllowShareable     bool       // allowAssociationToShareableServiceNetwork
	CustomDomainName   string
	GroupDomain        string
	DomainVerification string
}

// RowID is the configuration's id.
func (c ResourceConfiguration) RowID() string { return string(c.ID) }

// OwnARN is the ARN of the configuration itself.
func (c ResourceConfiguration) OwnARN() string {
	return ARN("vpc-lattice", c.Region, c.Account, "resourceconfiguration/"+string(c.ID))
}

// GatewayOf is the gateway that serves the configuration: its own, or that of its group.
func (w *World) GatewayOf(c ResourceConfiguration) (ResourceGateway, bool) {
	id := c.Gateway
	if c.Type == ConfigurationChild {
		g, _ := w.ResourceConfigurations.Get(c.Group)
		id = g.Gateway
	}
	return w.ResourceGateways.Get(id)
}

// ResourceAssociation puts a resource configuration into a service network, under an address and a name of its own.
// The association of a GROUP brings one managed association for each CHILD (Parent is then set).
type ResourceAssociation struct {
	ID ResourceAssociationID
	Meta
	Network       ServiceNetworkID
	Configuration ResourceConfigurationID
	CreatedBy     AccountID
	Addr          netip.Addr // in 129.224.0.0/17, unique among all associations
	PrivateDNS    bool
	Parent        ResourceAssociationID
}

// RowID is the association's id.
func (a ResourceAssociation) RowID() string { return string(a.ID) }

// Owner is the id of its service network.
func (a ResourceAssociation) Owner() string { return string(a.Network) }

// LatticeResources is the range Lattice gives resource associations addresses from. (VPC Lattice User Guide.)
var LatticeResources = netip.MustParsePrefix("129.224.0.0/17")

// LatticeServices is the range of the addresses of Lattice services. (VPC Lattice User Guide.)
var LatticeServices = netip.MustParsePrefix("169.254.171.0/24")

// AccessLogSubscription sends the access log of a service network or resource configuration to a destination.
type AccessLogSubscription struct {
	ID AccessLogSubscriptionID
	Meta
	Network       ServiceNetworkID        // one of Network
	Configuration ResourceConfigurationID // and Configuration is set
	Destination   string                  // ARN, for log groups ending in :*
	LogType       string                  // SERVICE or RESOURCE, of a network only
}

// RowID is the subscription's id.
func (s AccessLogSubscription) RowID() string { return string(s.ID) }

// ResourcePolicy is a policy document attached to a Lattice resource.
type ResourcePolicy struct {
	ARN string
	Meta
	Document string
}

// RowID is the ARN of the resource the policy is attached to.
func (p ResourcePolicy) RowID() string { return p.ARN }

// LogGroup is a CloudWatch Logs group. Its events are kept by package record.
type LogGroup struct {
	Meta
	Name               string
	RetentionDays      int // 0: for ever
	Class              string
	KMSKey             string
	DeletionProtection bool
}

// LogGroupKey is the key of a log group: account, region and name.
func LogGroupKey(a AccountID, region, name string) string {
	return string(a) + "/" + region + "/" + name
}

// RowID is account/region/name.
func (g LogGroup) RowID() string { return LogGroupKey(g.Account, g.Region, g.Name) }

// LogStream is a sequence of events within a log group.
type LogStream struct {
	Group   string // RowID of the group
	Name    string
	Created time.Time
}

// LogStreamKey is the key of a stream in the group with the given key.
func LogStreamKey(group, stream string) string { return group + "\x00" + stream }

// RowID is the group's key, a NUL and the stream's name.
func (s LogStream) RowID() string { return LogStreamKey(s.Group, s.Name) }

// Owner is the id of its group.
func (s LogStream) Owner() string { return string(s.Group) }
