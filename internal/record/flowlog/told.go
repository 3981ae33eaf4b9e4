package flowlog

import (
	"net/netip"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Traffic is what passed over one connection through the router of a VPC.
type Traffic struct {
	VPC              world.VPCID
	Protocol         world.Protocol
	Sender, Receiver world.ENIID    // who began, and who answers; empty: somebody beyond the VPC
	Src, Dst         netip.AddrPort // as the sender sees them; without ports but of TCP and UDP
	Target           netip.AddrPort // the destination as the receiver sees it
	Sent, Answered   Passed
	Start, End       time.Time
	Way              Way             // by which packets for who is beyond leave
	Peering          world.PeeringID // of Way Peering
	Forwarded        bool            // one of the parties forwards it for others; it was counted where nothing is refused any more
}

// Passed is what passed in one direction.
type Passed struct {
	Packets, Bytes uint64
	Flags          uint8 // of TCP
}

// Way is how traffic leaves a VPC.
type Way string

// The ways traffic takes.
const (
	Inside     Way = "inside" // it does not leave
	Internet   Way = "internet"
	Peering    Way = "peering"
	FarPeering Way = "far-peering" // to another region; the collector finds it out
	Endpoint   Way = "endpoint"    // by a gateway endpoint
	Elsewhere  Way = "elsewhere"
)

// Refusal is a packet that the router of a VPC refused.
type Refusal struct {
	Time             time.Time
	VPC              world.VPCID
	Station          fabric.Station
	Sender, Receiver world.ENIID // the interface it came by and was to leave by; empty: none of the VPC's
	Protocol         world.Protocol
	Src, Dst         netip.AddrPort
	Bytes            int
	Flags            uint8 // of TCP
	Third            bool  // one of the interfaces is neither who it is from nor who it is for
}

// entering tells whether the packet was refused where it was to enter an interface; else it was where it left one.
func (r Refusal) entering() bool {
	switch r.Station {
	case fabric.ACLIn, fabric.SGIn, fabric.DestCheck:
		return true
	}
	return false
}

// doubtful tells whether the packet may have been one of a connection, and so is counted as passed too: groups judge new
// packets alone, but for those that are forwarded, and the source is checked before anything is counted.
func (r Refusal) doubtful() bool {
	switch r.Station {
	case fabric.SGOut, fabric.SGIn, fabric.DestCheck:
		return r.Third
	case fabric.ACLOut, fabric.ACLIn, fabric.NoRoute, fabric.Internet:
		return true
	}
	return false
}

func (r Refusal) sum() sum {
	return sum{packets: 1, bytes: uint64(r.Bytes), start: r.Time, end: r.Time, flags: r.Flags}
}

// Source is what counts.
type Source interface {
	// Account sets the VPCs whose traffic is counted, and whose refusals are told. It may be called again with the same.
	Account(vpcs []world.VPCID) error
	// Traffic is what passed in a VPC since the last call, and how often something was lost since ever.
	Traffic(v world.VPCID) (passed []Traffic, lost uint64, err error)
}
