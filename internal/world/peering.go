package world

import "time"

// Peering joins two VPCs once its accepter has agreed. Meta is the requester's.
type Peering struct {
	ID PeeringID
	Meta
	Requester PeeringSide
	Accepter  PeeringSide
	Status    string // pending-acceptance, active, failed, expired, rejected or deleted
	Message   string
	Expires   time.Time // of a request
	Ended     time.Time // when it became failed, expired, rejected or deleted
	EndedBy   AccountID

	AccepterTags []Tag `json:",omitempty"` // of an accepter with another account or region; sorted by key
}

// PeeringSide is one of the two VPCs.
type PeeringSide struct {
	VPC        VPCID
	Account    AccountID
	Region     string
	ResolveDNS bool // AllowDnsResolutionFromRemoteVpc
}

// PeeringActive is the status of a peering that carries packets.
const PeeringActive = "active"

// RowID is the peering's id.
func (p Peering) RowID() string { return string(p.ID) }

// Other is the side of p that is not the given VPC.
func (p Peering) Other(v VPCID) PeeringSide {
	if p.Requester.VPC == v {
		return p.Accepter
	}
	return p.Requester
}

// Joins tells whether the VPC is a side of p.
func (p Peering) Joins(v VPCID) bool { return p.Requester.VPC == v || p.Accepter.VPC == v }

// Active tells whether p joins the two VPCs.
func (p Peering) Active() bool { return p.Status == PeeringActive }

// PeeringBetween is the active peering that joins two VPCs.
func (w *World) PeeringBetween(a, b VPCID) (Peering, bool) {
	for p := range w.Peerings.In(string(a)) {
		if p.Active() && p.Other(a).VPC == b {
			return p, true
		}
	}
	return Peering{}, false
}
