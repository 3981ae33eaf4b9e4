package world

import "strings"

// RecordSet is a resource record set of a hosted zone: the records of one name and type, or, of those that share name
// and type under a routing policy, one part.
type RecordSet struct {
	Zone   HostedZoneID
	Name   string // as ParseDNSName writes it
	Type   string
	SetID  string       `json:",omitempty"` // SetIdentifier; empty with simple routing
	TTL    uint32       `json:",omitempty"` // seconds; an alias has none
	Values []string     `json:",omitempty"`
	Alias  *AliasTarget `json:",omitempty"`
	Policy RoutingPolicy
	Check  HealthCheckID `json:",omitempty"`
	Rev    uint64        // revision that last changed it
}

// AliasTarget is what an alias answers like.
type AliasTarget struct {
	Zone           HostedZoneID // of the zone itself, or of one that AWS keeps
	Name           string       // as ParseDNSName writes it
	EvaluateHealth bool
}

// RoutingPolicy says when a record set answers, if others have its name and type. At most one kind is set; the zero
// value is simple routing.
type RoutingPolicy struct {
	Weight     *int64       `json:",omitempty"`
	Region     string       `json:",omitempty"` // latency
	Failover   string       `json:",omitempty"` // PRIMARY or SECONDARY
	Geo        *GeoLocation `json:",omitempty"`
	MultiValue bool         `json:",omitempty"`
}

// GeoLocation is where a query must come from.
type GeoLocation struct {
	Continent   string `json:",omitempty"` // two letters
	Country     string `json:",omitempty"` // two letters, or * for what no other set is for
	Subdivision string `json:",omitempty"`
}

// Kind names the policy; simple routing has none.
func (p RoutingPolicy) Kind() string {
	switch {
	case p.Weight != nil:
		return "weighted"
	case p.Region != "":
		return "latency"
	case p.Failover != "":
		return "failover"
	case p.Geo != nil:
		return "geolocation"
	case p.MultiValue:
		return "multivalue"
	}
	return ""
}

// RowID sorts as ListResourceRecordSets does: by zone, by name with its labels turned round, by type, by identifier.
func (r RecordSet) RowID() string { return RecordSetKey(r.Zone, r.Name, r.Type) + " " + r.SetID }

// RecordSetKey begins the ids of the record sets of a zone with a name and a type; without a type, of those with a name.
func RecordSetKey(z HostedZoneID, name, kind string) string {
	key := string(z) + " " + ReversedName(name) + " "
	if kind != "" {
		key += kind
	}
	return key
}

// RecordSetZone is the zone in the id of a record set.
func RecordSetZone(id string) HostedZoneID {
	zone, _, _ := strings.Cut(id, " ")
	return HostedZoneID(zone)
}

// RecordSetsOf walks the record sets of a zone in the order of ListResourceRecordSets.
func (w *World) RecordSetsOf(z HostedZoneID) func(func(RecordSet) bool) {
	return w.RecordSets.Prefix(string(z) + " ")
}

// HasNamesBelow tells whether the zone has a record set whose name is below the given one.
func (w *World) HasNamesBelow(z HostedZoneID, name string) bool {
	up := strings.TrimSuffix(RecordSetKey(z, name, ""), " ")
	return some(w.RecordSets.From(up, up+"!")) // what the name itself has comes before that: it goes on with a space
}
