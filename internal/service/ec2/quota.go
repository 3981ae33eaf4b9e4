package ec2

// Quotas: what an account may have in a region. They are AWS's defaults (Amazon VPC User Guide, "Amazon VPC quotas";
// Amazon EC2 User Guide, "Tag restrictions"), but for those that would only be in the way on a machine of one's own.
const (
	maxVPCs               = 1000  // AWS: 5
	maxInstances          = 10000 // that are not terminated; AWS counts virtual processors
	maxCIDRs              = 5     // of a VPC
	maxSubnets            = 200   // of a VPC
	maxTables             = 200   // of a VPC
	maxACLs               = 200   // of a VPC
	maxACLEntries         = 20    // of an ACL, in one direction and for one IP version
	maxRoutes             = 500   // of a route table, without the local ones
	maxGroups             = 2500  // of a region
	maxRules              = 60    // of a security group, in one direction and for one IP version; a prefix list counts as its size
	maxAddresses          = 1000  // elastic ones; AWS: 5
	maxPeerings           = 125   // active ones of a VPC
	maxPeeringRequests    = 25    // of a VPC, that wait for an answer
	maxNATGateways        = 1000  // AWS: 5 in a zone
	maxNATAddresses       = 8     // of a NAT gateway, the primary one among them
	maxInterfaceEndpoints = 50    // of a VPC
	maxGatewayEndpoints   = 20    // of a region
	maxResourceEndpoints  = 200   // of a VPC
	maxNetworkEndpoints   = 50    // of a VPC
	maxEndpointPolicy     = 20480 // characters
	maxENIs               = 10000 // of a region; AWS: 5,000
	maxGroupsPerENI       = 5
	maxPrefixLists        = 100
	maxListEntries        = 1000 // of a prefix list
	maxListChanges        = 100  // of one ModifyManagedPrefixList
	maxListVersions       = 100  // earlier ones that are kept; AWS keeps all
	maxDHCPOptions        = 1000
	maxKeyPairs           = 5000
	maxTags               = 50
	maxUserData           = 16 << 10 // bytes, before base64
	maxDNSServers         = 4        // of a set of DHCP options
	maxInstancesPerRun    = 500
	maxInsightsPaths      = 100
	maxInsightsAnalyses   = 1000
)
