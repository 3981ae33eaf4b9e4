package kernel

import (
	"crypto/sha256"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
)

// HoleDevice is the interface of a router that everything unroutable is routed to, to be logged and dropped.
const HoleDevice = "hole0"

// FilterTable is the nftables table of each namespace, in which routers have meters of what some interface forwards for others: by the
// numbers of the interfaces in and out, source and destination, the protocol and, of TCP and UDP, the ports.
const (
	FilterTable            = "kumiko"
	MeterForwarded         = "forwarded"
	MeterForwardedPortless = "forwarded_portless"
)

// LogGroup is the NFLOG group that packets refused in routers and gateways are copied to, with the station that refused
// them as prefix.
const LogGroup = 18

// RouteProtocol is the route protocol number of routes and rules the drivers made. Values above 127 are free for
// users' own meanings. (linux/rtnetlink.h, rtm_protocol.)
const RouteProtocol = 186

// PublicNamespace is the name of the namespace that all VPCs' uplinks lead to.
const PublicNamespace = "public"

// UplinkDevice is a router's interface to the public side.
const UplinkDevice = "u0"

// The kernel's routing tables in a router (Services, Lattice, Hole, Ports, and Tables+Index of an AWS route table, Within+Index for its routes within the VPC), in a gateway
// (Egress+position of one of its ports, Consumers+Index of a consumer), in a NAT gateway (Egress) and on the public
// side (Public).
const (
	TablePublic    = 100
	TableServices  = 899
	TableLattice   = 900
	TableHole      = 901
	TablePorts     = 1000
	TableTables    = 1000
	TableWithin    = 100000
	TableEgress    = 200
	TableConsumers = 1000
)

// A port's mark is its route table's index shifted by MarkTableShift, with the port's index in the bits of
// MarkPortMask.
const (
	MarkTableShift = 20
	MarkPortMask   = 1<<MarkTableShift - 1
	MarkTableMask  = 0xffffffff &^ MarkPortMask
)

// MarkBeyond marks packets that came into a router by a peering or by the uplink. It is no port's mark: there is no
// route table 0.
const MarkBeyond uint32 = MarkPortMask

// A gateway's connection mark is the consumer's index in the bits of MarkConsumerMask and, shifted by MarkEgressShift,
// one more than the position of the gateway's port the connection leaves by, in the bits of MarkEgressMask.
const (
	MarkConsumerMask = 0xffff
	MarkEgressShift  = 16
	MarkEgressMask   = 0xff0000
)

// Addresses of the ends of the link between a consumer's router and a gateway. They mean something on the link only.
var (
	LinkGateway = netip.MustParseAddr("169.254.2.1")
	LinkRouter  = netip.MustParseAddr("169.254.2.2")
)

// Addresses of the next hops on the cables between routers: the other router of a peering, the public side as a router
// sees it, a router as the public side sees it, a gateway endpoint, and a router as that sees it. They mean something on the cable only.
var (
	PeeringHop = netip.MustParseAddr("169.254.3.1")
	UplinkHop  = netip.MustParseAddr("169.254.4.1")
	PublicHop  = netip.MustParseAddr("169.254.4.2")

	EndpointHop    = netip.MustParseAddr("169.254.5.1")
	EndpointRouter = netip.MustParseAddr("169.254.5.2")
)

// Probers are the addresses, in the namespace of a load balancer, from which its targets are asked whether they are well.
var Probers = netip.MustParsePrefix("169.254.6.0/24")

// ProbeAddr is the one of them for the port at a position: what is sent from it goes out by that port.
func ProbeAddr(n int) netip.Addr {
	a := Probers.Addr().As4()
	a[3] = byte(n + 1)
	return netip.AddrFrom4(a)
}

// Dir is the folder of namespace files in a runtime folder.
func Dir(run string) string { return filepath.Join(run, "netns") }

// Path is the file a namespace is bind-mounted on: RUN/netns/NAME. NAME is the id of a VPC (its router), of a
// resource gateway, of a NAT gateway, of a VPC endpoint, or of an instance, or PublicNamespace.
func Path[T ~string](run string, name T) string { return filepath.Join(Dir(run), string(name)) }

// PortDevice is the name of an ENI's cable in its VPC's router. Interface names have at most 15 characters.
// (linux/if.h, IFNAMSIZ.)
func PortDevice[T ~string](eni T) string { return "e" + tail(string(eni)) }

// LinkDevice is the name, in a VPC's router, of its link to a gateway.
func LinkDevice[T ~string](gateway T) string { return "l" + tail(string(gateway)) }

// ConsumerDevice is the name, in a gateway, of the link of the consumer with the given index.
func ConsumerDevice(index uint16) string { return "c" + strconv.Itoa(int(index)) }

// PeeringDevice is the name, in both VPCs' routers, of the cable of a peering.
func PeeringDevice[T ~string](peering T) string { return "p" + tail(string(peering)) }

// PublicDevice is the name, on the public side, of the uplink of a VPC.
func PublicDevice[T ~string](vpc T) string { return "v" + tail(string(vpc)) }

// EndpointDevice is the name, in a VPC's router, of its cable to a gateway endpoint.
func EndpointDevice[T ~string](endpoint T) string { return "g" + tail(string(endpoint)) }

// EndpointUplink is the name of that cable in the endpoint.
const EndpointUplink = "u0"

// tail is the last 14 characters of an id.
func tail(id string) string { return id[max(0, len(id)-14):] }

// PortMark is the mark packets from a port carry in its router.
func PortMark(table, index uint32) uint32 { return table<<MarkTableShift | index&MarkPortMask }

// RouterMAC is the hardware address of the router's side of an ENI's cable. It follows from the id, so a cable made
// again has the address its peer remembers. It is locally administered and differs from every ENI's, which begin 0a.
func RouterMAC[T ~string](eni T) net.HardwareAddr { return mac(0x06, string(eni)) }

// LinkMACs are the hardware addresses of both ends of the link of a gateway's consumer: the router's, the gateway's.
func LinkMACs[T ~string](gateway T, index uint16) (router, end net.HardwareAddr) {
	key := string(gateway) + "/" + strconv.Itoa(int(index))
	return mac(0x06, key+"/router"), mac(0x06, key+"/gateway")
}

// PeeringMAC is the hardware address of a VPC's end of the cable of a peering.
func PeeringMAC[P, V ~string](peering P, vpc V) net.HardwareAddr {
	return mac(0x06, string(peering)+"/"+string(vpc))
}

// UplinkMACs are the hardware addresses of both ends of a VPC's uplink: the router's, the public side's.
func UplinkMACs[T ~string](vpc T) (router, public net.HardwareAddr) {
	return mac(0x06, string(vpc)+"/router"), mac(0x06, string(vpc)+"/public")
}

// EndpointMACs are the hardware addresses of both ends of a gateway endpoint's cable: the router's, the endpoint's.
func EndpointMACs[T ~string](endpoint T) (router, end net.HardwareAddr) {
	return mac(0x06, string(endpoint)+"/router"), mac(0x06, string(endpoint)+"/endpoint")
}

func mac(first byte, key string) net.HardwareAddr {
	sum := sha256.Sum256([]byte(key))
	return net.HardwareAddr{first, sum[0], sum[1], sum[2], sum[3], sum[4]}
}
