package nft

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// DestinationNATTo sends the connection to an address and a port. IPv4 only.
func DestinationNATTo(to netip.AddrPort) Clause {
	return clause("dnat ip to "+to.String(), func(c *code) {
		addr, port := register(0), register(4)
		c.constant(addr, FieldAddr(to.Addr()))
		c.constant(port, FieldPort(to.Port()))
		c.expr("nat", func(a *attrs) {
			a.u32(unix.NFTA_NAT_TYPE, unix.NFT_NAT_DNAT)
			a.u32(unix.NFTA_NAT_FAMILY, unix.NFPROTO_IPV4)
			a.u32(unix.NFTA_NAT_REG_ADDR_MIN, addr)
			a.u32(unix.NFTA_NAT_REG_PROTO_MIN, port)
		})
	})
}
