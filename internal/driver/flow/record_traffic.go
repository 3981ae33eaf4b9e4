package flow

import (
	"net/netip"
	"time"

	"kumiko/internal/world"
)

// Traffic is what passed over one tracked connection of a router since it was last asked for.
type Traffic struct {
	VPC              world.VPCID
	Protocol         world.Protocol
	Sender, Receiver world.ENIID    // who began, and who answers; empty: somebody beyond the VPC
	Src, Dst         netip.AddrPort // as the sender sees them; ports of TCP and UDP alone
	Target           netip.AddrPort // the destination as the receiver sees it
	Sent, Answered   Passed
	Start, End       time.Time       // of what passed, as nearly as it is known
	Way              Way             // by which packets for who is beyond leave the router
	Peering          world.PeeringID // of WayPeering
	Forwarded        bool            // one of the parties forwards it, or is to forward it; nothing of it was refused
}

// Passed is what passed in one direction.
type Passed struct {
	Packets, Bytes uint64 // with IP headers
	Flags          uint8  // of TCP, all that were seen, as far as connection tracking tells; SYN-ACK as in RFC 9293, 3.1
}

// Way is where a router sends packets.
type Way string

// The ways out of a router.
const (
	WayInside   Way = ""         // to an ENI of the VPC
	WayInternet Way = "internet" // by the internet gateway
	WayPeering  Way = "peering"
	WayLattice  Way = "lattice"
	WayEndpoint Way = "endpoint" // by a gateway endpoint
	WayNowhere  Way = "nowhere"  // there is none any more
)

// TCP flags. (RFC 9293, 3.1.)
const (
	FIN = 1 << 0
	SYN = 1 << 1
	RST = 1 << 2
	ACK = 1 << 4
)
