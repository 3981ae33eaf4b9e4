package flow

import (
	"net/netip"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Refusal is a packet that was refused and dropped.
type Refusal struct {
	Time   time.Time
	Scope  string      // id of the VPC or gateway in whose namespace it was refused
	Sender world.ENIID // the port it came by; empty in a gateway
	Flow   fabric.Flow
	Origin fabric.Origin

	Receiver world.ENIID // the port it was to leave by; empty where it was to leave by none, or that was not decided yet
	Length   int         // bytes, with the IP header
	Flags    uint8       // of TCP
	Third    bool        // Sender or Receiver is neither who it is from nor who it is for
}

// Connection is a connection through a gateway that has come about.
type Connection struct {
	Time     time.Time
	Gateway  world.ResourceGatewayID
	Protocol world.Protocol
	Consumer uint16 // index of the consumer's link, see fabric.Consumer

	Client, Dest netip.AddrPort // as the client sees it
	From, Target netip.AddrPort // as the target sees it: from an address of the gateway
}

// Sink takes records. Its methods are called from several goroutines, and hold up the reader while they run.
type Sink interface {
	Refused(Refusal)
	Connected(Connection)
}
