package world

import (
	"encoding/hex"
	"io"
)

// Ids as AWS writes them: a prefix that names the noun, a hyphen and 17 lower-case hexadecimal digits.
type (
	AccountID               string // 12 decimal digits
	AccessKeyID             string // 20 characters, AKIA… or ASIA…
	KeyPairID               string // key-
	DHCPOptionsID           string // dopt-
	VPCID                   string // vpc-
	SubnetID                string // subnet-
	RouteTableID            string // rtb-
	NetworkACLID            string // acl-
	SecurityGroupID         string // sg-
	SecurityGroupRuleID     string // sgr-
	ENIID                   string // eni-
	ENIPermissionID         string // eni-perm-
	InstanceID              string // i-
	PrefixListID            string // pl-
	ServiceNetworkID        string // sn-
	VPCAssociationID        string // snva-
	ResourceAssociationID   string // snra-
	ResourceGatewayID       string // rgw-
	ResourceConfigurationID string // rcfg-
	AccessLogSubscriptionID string // als-
	LatticeServiceID        string // svc-
	LatticeListenerID       string // listener-
	LatticeRuleID           string // rule-
	LatticeTargetGroupID    string // tg-
	ServiceAssociationID    string // snsa-
	InternetGatewayID       string // igw-
	AllocationID            string // eipalloc-
	EgressOnlyGatewayID     string // eigw-
	NATGatewayID            string // nat-
	PeeringID               string // pcx-
	FlowLogID               string // fl-
	SubnetReservationID     string // scr-
	EndpointID              string // vpce-
	EndpointServiceID       string // vpce-svc-
	ResolverEndpointID      string // rslvr-in- or rslvr-out-
	ResolverRuleID          string // rslvr-rr-
	EndpointAssociationID   string // vpce-rsc-asc-
	HostedZoneID            string // Z and capital letters and digits
	DelegationSetID         string // N and capital letters and digits
	HealthCheckID           string // a UUID

	LoadBalancerID            string // nlb-, and 16 digits, which are in its ARN
	ListenerID                string // lsn-, and 16 digits, which are in its ARN
	TargetGroupID             string // tg-, and 16 digits, which are in its ARN
	ResolverRuleAssociationID string // rslvr-rrassoc-
	QueryLogConfigID          string // rqlc-
	QueryLogAssociationID     string // rqlca-

	ResourceShareID   string // a UUID
	ShareInvitationID string // a UUID

	NetworkInsightsPathID                string // nip-
	NetworkInsightsAnalysisID            string // nia-
	NetworkInsightsAccessScopeID         string // nis-
	NetworkInsightsAccessScopeAnalysisID string // nisa-
)

// NewID draws a fresh id: prefix, a hyphen and 17 hexadecimal digits.
func (tx *Tx) NewID(prefix string) string { return prefix + "-" + tx.Hex(17) }

// UUID draws a version 4 UUID. (RFC 9562.)
func (tx *Tx) UUID() string {
	x := tx.Hex(30)
	return x[:8] + "-" + x[8:12] + "-4" + x[12:15] + "-a" + x[15:18] + "-" + x[18:30]
}

// Hex draws n hexadecimal digits.
func (tx *Tx) Hex(n int) string {
	b := make([]byte, (n+1)/2)
	if _, err := io.ReadFull(tx.Rand, b); err != nil {
		panic("world: no randomness: " + err.Error())
	}
	return hex.EncodeToString(b)[:n]
}
