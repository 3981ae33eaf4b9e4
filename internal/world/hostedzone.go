package world

import (
	"io"
	"slices"
	"strings"
)

// HostedZone is a DNS zone of Route 53. A private one is seen by the VPCs it is associated with.
type HostedZone struct {
	ID HostedZoneID
	Meta
	Name          string // as ParseDNSName writes it
	Reference     string // CallerReference, unique in the account
	Comment       string
	Private       bool
	VPCs          []ZoneVPC       // of a private zone, sorted by VPC; one of a VPC that is gone stays
	DelegationSet DelegationSetID // reusable one it was made with, if any
	NameServers   []string
}

// ZoneVPC is a VPC with the region it was named with.
type ZoneVPC struct {
	VPC    VPCID
	Region string
}

// RowID is the zone's id.
func (z HostedZone) RowID() string { return string(z.ID) }

// In tells whether the zone is associated with the VPC.
func (z HostedZone) In(v VPCID) bool {
	return slices.ContainsFunc(z.VPCs, func(a ZoneVPC) bool { return a.VPC == v })
}

// HostedZoneIn is the private zone of exactly that name that is associated with the VPC.
func (w *World) HostedZoneIn(v VPCID, name string) (HostedZone, bool) {
	for z := range w.HostedZones.In(string(v)) {
		if z.Name == name && z.Private {
			return z, true
		}
	}
	return HostedZone{}, false
}

// HiddenZone is a private zone that AWS keeps in a VPC for the private DNS of an endpoint.
type HiddenZone struct {
	ID   HostedZoneID
	Name string
}

// HiddenZones are the zones that the private DNS of endpoints makes in a VPC.
func (w *World) HiddenZones(v VPCID) (out []HiddenZone) {
	for e := range w.Endpoints.In(string(v)) {
		s, region, ok := FindAWSService(e.Service)
		if !ok || !e.Works() || !e.PrivateDNS {
			continue
		}
		for _, n := range s.PrivateNames(region) {
			if !strings.HasPrefix(n, "*.") {
				out = append(out, HiddenZone{HostedZoneID(hostedZone(string(e.ID) + "/" + n)), n})
			}
		}
	}
	return out
}

// ZoneAuthorization lets another account associate a VPC of its own with a private zone.
type ZoneAuthorization struct {
	Zone HostedZoneID
	ZoneVPC
}

// RowID is the zone's id and the VPC's.
func (a ZoneAuthorization) RowID() string { return ZoneAuthorizationID(a.Zone, a.VPC) }

// Owner is the id of its zone.
func (a ZoneAuthorization) Owner() string { return string(a.Zone) }

// ZoneAuthorizationID is the id of the authorization of a VPC for a zone.
func ZoneAuthorizationID(z HostedZoneID, v VPCID) string { return string(z) + "/" + string(v) }

// DelegationSet is a set of four name servers that public zones can share.
type DelegationSet struct {
	ID DelegationSetID
	Meta
	Reference   string
	NameServers []string
}

// RowID is the set's id.
func (d DelegationSet) RowID() string { return string(d.ID) }

// PrivateNameServers are the names that the NS records of every private zone have. (As exports of private hosted zones
// show.)
func PrivateNameServers() []string {
	return []string{"ns-1536.awsdns-00.co.uk", "ns-0.awsdns-00.com", "ns-1024.awsdns-00.org", "ns-512.awsdns-00.net"}
}

// zoneIDAlphabet is what Route 53 makes ids of zones of.
const zoneIDAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// NewZoneID draws an id such as Route 53 gives to zones (first letter Z) and delegation sets (N).
func (tx *Tx) NewZoneID(first string) string {
	b := make([]byte, 20)
	if _, err := io.ReadFull(tx.Rand, b); err != nil {
		panic("world: no randomness: " + err.Error())
	}
	for i := range b {
		b[i] = zoneIDAlphabet[int(b[i])%len(zoneIDAlphabet)]
	}
	return first + "0" + string(b[1:])
}
