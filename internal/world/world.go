package world

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// World is everything that was asked for, at one revision. Values are cheap to copy; committed Worlds are immutable.
type World struct {
	Rev uint64 // revision: grows by one with each commit

	Accounts               Table[AccountID, Account]
	AccessKeys             Table[AccessKeyID, AccessKey]
	IdempotencyTokens      Table[string, IdempotencyToken]
	KeyPairs               Table[KeyPairID, KeyPair]
	DHCPOptions            Table[DHCPOptionsID, DHCPOptions]
	VPCs                   Table[VPCID, VPC]
	Subnets                Table[SubnetID, Subnet]
	RouteTables            Table[RouteTableID, RouteTable]
	NetworkACLs            Table[NetworkACLID, NetworkACL]
	SecurityGroups         Table[SecurityGroupID, SecurityGroup]
	SecurityGroupRules     Table[SecurityGroupRuleID, SecurityGroupRule]
	GroupAssociations      Table[string, GroupAssociation]
	ENIs                   Table[ENIID, ENI]
	ENIPermissions         Table[ENIPermissionID, ENIPermission]
	Instances              Table[InstanceID, Instance]
	MetadataDefaults       Table[string, MetadataDefaults]
	ManagedPrefixLists     Table[PrefixListID, ManagedPrefixList]
	ServiceNetworks        Table[ServiceNetworkID, ServiceNetwork]
	VPCAssociations        Table[VPCAssociationID, VPCAssociation]
	ResourceAssociations   Table[ResourceAssociationID, ResourceAssociation]
	ResourceGateways       Table[ResourceGatewayID, ResourceGateway]
	ResourceConfigurations Table[ResourceConfigurationID, ResourceConfiguration]
	AccessLogSubscriptions Table[AccessLogSubscriptionID, AccessLogSubscription]
	ResourcePolicies       Table[string, ResourcePolicy]
	LatticeServices        Table[LatticeServiceID, LatticeService]
	LatticeListeners       Table[LatticeListenerID, LatticeListener]
	LatticeRules           Table[LatticeRuleID, LatticeRule]
	LatticeTargetGroups    Table[LatticeTargetGroupID, LatticeTargetGroup]
	ServiceAssociations    Table[ServiceAssociationID, ServiceAssociation]
	LogGroups              Table[string, LogGroup]
	LogStreams             Table[string, LogStream]
	InternetGateways       Table[InternetGatewayID, InternetGateway]
	EgressOnlyGateways     Table[EgressOnlyGatewayID, EgressOnlyGateway]
	Addresses              Table[AllocationID, Address]
	NATGateways            Table[NATGatewayID, NATGateway]
	Peerings               Table[PeeringID, Peering]
	FlowLogs               Table[FlowLogID, FlowLog]
	SubnetReservations     Table[SubnetReservationID, SubnetReservation]
	Endpoints              Table[EndpointID, Endpoint]
	EndpointAssociations   Table[EndpointAssociationID, EndpointAssociation]

	EndpointServices   Table[EndpointServiceID, EndpointService]
	LoadBalancers      Table[LoadBalancerID, LoadBalancer]
	Listeners          Table[ListenerID, Listener]
	TargetGroups       Table[TargetGroupID, TargetGroup]
	TargetObservations Table[string, TargetObservation]

	HostedZones        Table[HostedZoneID, HostedZone]
	ZoneAuthorizations Table[string, ZoneAuthorization]
	RecordSets         Table[string, RecordSet]
	DelegationSets     Table[DelegationSetID, DelegationSet]
	HealthChecks       Table[HealthCheckID, HealthCheck]
	HealthObservations Table[HealthCheckID, HealthObservation]

	Users            Table[string, User]
	Groups           Table[string, Group]
	Roles            Table[string, Role]
	ManagedPolicies  Table[string, ManagedPolicy]
	InstanceProfiles Table[string, InstanceProfile]

	ResolverEndpoints        Table[ResolverEndpointID, ResolverEndpoint]
	ResolverRules            Table[ResolverRuleID, ResolverRule]
	ResolverRuleAssociations Table[ResolverRuleAssociationID, ResolverRuleAssociation]
	QueryLogConfigs          Table[QueryLogConfigID, QueryLogConfig]
	QueryLogAssociations     Table[QueryLogAssociationID, QueryLogAssociation]

	ManagedNodes Table[InstanceID, ManagedNode]
	NodeSessions Table[string, NodeSession]
	Documents    Table[string, Document]
	Parameters   Table[string, Parameter]
	Commands     Table[string, Command]

	ResourceShares    Table[ResourceShareID, ResourceShare]
	ShareAssociations Table[string, ShareAssociation]
	ShareInvitations  Table[ShareInvitationID, ShareInvitation]

	NetworkInsightsPaths         Table[NetworkInsightsPathID, NetworkInsightsPath]
	NetworkInsightsAnalyses      Table[NetworkInsightsAnalysisID, NetworkInsightsAnalysis]
	NetworkInsightsScopes        Table[NetworkInsightsAccessScopeID, NetworkInsightsAccessScope]
	NetworkInsightsScopeAnalyses Table[NetworkInsightsAccessScopeAnalysisID, NetworkInsightsAccessScopeAnalysis]
}

// tables lists every table with the noun its rows are stored under. The noun is part of the format on disk:
// never rename one without a migration.
func (w *World) tables() []namedTable {
	return []namedTable{
		{"account", &w.Accounts},
		{"access-key", &w.AccessKeys},
		{"idempotency-token", &w.IdempotencyTokens},
		{"key-pair", &w.KeyPairs},
		{"dhcp-options", &w.DHCPOptions},
		{"vpc", &w.VPCs},
		{"subnet", &w.Subnets},
		{"route-table", &w.RouteTables},
		{"network-acl", &w.NetworkACLs},
		{"security-group", &w.SecurityGroups},
		{"security-group-rule", &w.SecurityGroupRules},
		{"security-group-association", &w.GroupAssociations},
		{"network-interface", &w.ENIs},
		{"network-interface-permission", &w.ENIPermissions},
		{"instance", &w.Instances},
		{"instance-metadata-defaults", &w.MetadataDefaults},
		{"prefix-list", &w.ManagedPrefixLists},
		{"service-network", &w.ServiceNetworks},
		{"service-network-vpc-association", &w.VPCAssociations},
		{"service-network-resource-association", &w.ResourceAssociations},
		{"resource-gateway", &w.ResourceGateways},
		{"resource-configuration", &w.ResourceConfigurations},
		{"access-log-subscription", &w.AccessLogSubscriptions},
		{"resource-policy", &w.ResourcePolicies},
		{"lattice-service", &w.LatticeServices},
		{"lattice-listener", &w.LatticeListeners},
		{"lattice-rule", &w.LatticeRules},
		{"lattice-target-group", &w.LatticeTargetGroups},
		{"service-network-service-association", &w.ServiceAssociations},
		{"log-group", &w.LogGroups},
		{"log-stream", &w.LogStreams},
		{"internet-gateway", &w.InternetGateways},
		{"egress-only-internet-gateway", &w.EgressOnlyGateways},
		{"address", &w.Addresses},
		{"nat-gateway", &w.NATGateways},
		{"vpc-peering-connection", &w.Peerings},
		{"flow-log", &w.FlowLogs},
		{"subnet-cidr-reservation", &w.SubnetReservations},
		{"vpc-endpoint", &w.Endpoints},
		{"vpc-endpoint-association", &w.EndpointAssociations},
		{"vpc-endpoint-service", &w.EndpointServices},
		{"load-balancer", &w.LoadBalancers},
		{"listener", &w.Listeners},
		{"target-group", &w.TargetGroups},
		{"target-observation", &w.TargetObservations},
		{"hosted-zone", &w.HostedZones},
		{"zone-authorization", &w.ZoneAuthorizations},
		{"record-set", &w.RecordSets},
		{"delegation-set", &w.DelegationSets},
		{"health-check", &w.HealthChecks},
		{"health-observation", &w.HealthObservations},
		{"iam-user", &w.Users},
		{"iam-group", &w.Groups},
		{"iam-role", &w.Roles},
		{"iam-policy", &w.ManagedPolicies},
		{"instance-profile", &w.InstanceProfiles},
		{"resolver-endpoint", &w.ResolverEndpoints},
		{"resolver-rule", &w.ResolverRules},
		{"resolver-rule-association", &w.ResolverRuleAssociations},
		{"query-log-config", &w.QueryLogConfigs},
		{"query-log-association", &w.QueryLogAssociations},
		{"managed-node", &w.ManagedNodes},
		{"node-session", &w.NodeSessions},
		{"ssm-document", &w.Documents},
		{"ssm-parameter", &w.Parameters},
		{"ssm-command", &w.Commands},
		{"resource-share", &w.ResourceShares},
		{"resource-share-association", &w.ShareAssociations},
		{"resource-share-invitation", &w.ShareInvitations},
		{"network-insights-path", &w.NetworkInsightsPaths},
		{"network-insights-analysis", &w.NetworkInsightsAnalyses},
		{"network-insights-access-scope", &w.NetworkInsightsScopes},
		{"network-insights-access-scope-analysis", &w.NetworkInsightsScopeAnalyses},
	}
}

type namedTable struct {
	noun string
	t    table
}

// Tx is a transaction: a World that can be changed, with the time and the randomness it may use.
// Tx.Rev is the revision the transaction will have if it commits.
type Tx struct {
	World
	Now  time.Time
	Rand io.Reader

	log *changeLog
}

// Begin opens a transaction on w. w itself stays as it is.
func Begin(w World, now time.Time, rand io.Reader) *Tx {
	tx := &Tx{World: w, Now: now, Rand: rand, log: &changeLog{touched: map[rowKey]struct{}{}}}
	tx.Rev++
	for _, nt := range tx.tables() {
		nt.t.edit(nt.noun, tx.log)
	}
	return tx
}

// Seal ends the transaction: it returns the World as changed and the rows that differ, sorted.
// The Tx must not be used afterwards.
func (tx *Tx) Seal() (World, []Change, error) {
	var changes []Change
	for _, nt := range tx.tables() {
		for k := range tx.log.touched {
			if k.noun != nt.noun {
				continue
			}
			raw, ok, err := nt.t.encode(k.id)
			if err != nil {
				return World{}, nil, fmt.Errorf("world: encode %s %s: %w", k.noun, k.id, err)
			}
			c := Change{Noun: k.noun, ID: k.id}
			if ok {
				c.Row = raw
			}
			changes = append(changes, c)
		}
		nt.t.seal()
	}
	sortChanges(changes)
	return tx.World, changes, nil
}

// Load makes a World of stored rows. A row of an unknown noun is an error: the store was written by another version.
func Load(rev uint64, rows func(yield func(noun, id string, raw json.RawMessage) error) error) (World, error) {
	tx := Begin(World{}, time.Time{}, nil)
	byNoun := map[string]table{}
	for _, nt := range tx.tables() {
		byNoun[nt.noun] = nt.t
	}
	err := rows(func(noun, id string, raw json.RawMessage) error {
		t, ok := byNoun[noun]
		if !ok {
			return fmt.Errorf("world: unknown noun %q", noun)
		}
		return t.load(id, raw)
	})
	if err != nil {
		return World{}, err
	}
	for _, nt := range tx.tables() {
		nt.t.seal()
	}
	tx.World.Rev = rev
	return tx.World, nil
}

// Counts is how many rows there are of each noun that has any.
func (w World) Counts() map[string]int {
	out := map[string]int{}
	for _, nt := range w.tables() {
		if n := len(nt.t.ids()); n > 0 {
			out[nt.noun] = n
		}
	}
	return out
}

// Dump is every row, by noun and id, as it is stored.
func (w World) Dump() (map[string]map[string]json.RawMessage, error) {
	out := map[string]map[string]json.RawMessage{}
	for _, nt := range w.tables() {
		rows := map[string]json.RawMessage{}
		for _, id := range nt.t.ids() {
			raw, _, err := nt.t.encode(id)
			if err != nil {
				return nil, err
			}
			rows[id] = raw
		}
		if len(rows) > 0 {
			out[nt.noun] = rows
		}
	}
	return out, nil
}
