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

// LogGroup is the NFLOG group that packets refused in routers and gateways are copied to, with the station that refused
// them as prefix.
const LogGroup = 18

// RouteProtocol is the route protocol number of routes and rules the drivers made. Values above 127 are free for
// users' own meanings. (linux/rtnetlink.h, rtm_protocol.)
const RouteProtocol = 186

// The kernel's routing tables in a router (Lattice, Ports, and Tables+Index of an AWS route table) and in a gateway
// (Egress+position of one of its ports, Consumers+Index of a consumer).
const (
	TableLattice   = 900
	TablePorts     = 1000
	TableTables    = 1000
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

// Dir is the folder of namespace files in a runtime folder.
func Dir(run string) string { return filepath.Join(run, "netns") }

// Path is the file a namespace is bind-mounted on: RUN/netns/NAME. NAME is the id of a VPC (its router), of a
// resource gateway, or of an instance.
func Path[T ~string](run string, name T) string { return filepath.Join(Dir(run), string(name)) }

// PortDevice is the name of an ENI's cable in its VPC's router. Interface names have at most 15 characters.
// (linux/if.h, IFNAMSIZ.)
func PortDevice[T ~string](eni T) string { return "e" + tail(string(eni)) }

// LinkDevice is the name, in a VPC's router, of its link to a gateway.
func LinkDevice[T ~string](gateway T) string { return "l" + tail(string(gateway)) }

// ConsumerDevice is the name, in a gateway, of the link of the consumer with the given index.
func ConsumerDevice(index uint16) string { return "c" + strconv.Itoa(int(index)) }

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

func mac(first byte, key string) net.HardwareAddr {
	sum := sha256.Sum256([]byte(key))
	return net.HardwareAddr{first, sum[0], sum[1], sum[2], sum[3], sum[4]}
}
