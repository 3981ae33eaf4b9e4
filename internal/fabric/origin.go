package fabric

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"kumiko/internal/world"
)

// Station is a place on a packet's way that can refuse it.
type Station string

// The stations, in the order a packet meets them.
const (
	Spoof     Station = "source-check"     // the source is no address of the sending ENI
	SGOut     Station = "sg-out"           // no egress rule of the sender's groups
	Router    Station = "router"           // an address of the router itself, which answers names and metadata only
	NoRoute   Station = "route"            // no route, a blackhole, or no ENI with that address
	LinkIn    Station = "sg-association"   // no ingress rule of the VPC association's groups
	Listen    Station = "listener"         // no resource, or not one of its ports
	SGIn      Station = "sg-in"            // no ingress rule of the receiver's groups
	ACLOut    Station = "acl-out"          // the network ACL of the subnet a packet leaves
	ACLIn     Station = "acl-in"           // the network ACL of the subnet a packet enters
	Internet  Station = "internet-gateway" // the sender has no public address, or one of the ends is not for the Internet
	DestCheck Station = "dest-check"       // the destination is no address of the receiving ENI
)

// Origin names what refused a packet: the station and the noun it belongs to. It is what the kernel's refusal record
// and the explanation must agree on, so it is comparable.
type Origin struct {
	Station Station
	VPC     world.VPCID
	ENI     world.ENIID             // of Spoof, SGOut, SGIn, DestCheck
	Gateway world.ResourceGatewayID // of LinkIn, Listen
	Subnet  world.SubnetID          // of ACLOut, ACLIn

	Endpoint world.EndpointID // of Listen, in a VPC endpoint
}

// String is station:noun.
func (o Origin) String() string {
	var at []string
	for _, s := range []string{string(o.VPC), string(o.ENI), string(o.Gateway), string(o.Subnet), string(o.Endpoint)} {
		if s != "" {
			at = append(at, s)
		}
	}
	return string(o.Station) + ":" + strings.Join(at, "/")
}

// Flow is the first packet of a conversation, as its sender made it.
type Flow struct {
	Protocol world.Protocol
	Src, Dst netip.Addr
	SrcPort  uint16
	DstPort  uint16
	ICMP     world.ICMPMatch
}

// String is "tcp 10.0.0.5:40000 → 10.0.1.9:443".
func (f Flow) String() string {
	return fmt.Sprintf("%s %s → %s", protocolName(f.Protocol), netip.AddrPortFrom(f.Src, f.SrcPort), netip.AddrPortFrom(f.Dst, f.DstPort))
}

// protocolName is the protocol's usual name, or its number.
func protocolName(p world.Protocol) string {
	switch p {
	case world.TCP:
		return "tcp"
	case world.UDP:
		return "udp"
	case world.ICMP:
		return "icmp"
	}
	return strconv.Itoa(int(p))
}
