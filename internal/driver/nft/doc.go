// Package nft makes the packet filter and the address translation of routers and gateways what the fabric says.
//
// What it owns: the table "inet kumiko" in the namespace of each VPC's router, resource gateway and NAT gateway, nothing
// else. A fresh process need not recognise its own: it replaces the table, in one transaction, by the one it has rendered;
// from then on it sends differences. Order does not matter: rules name interfaces by name, so the table is loaded
// before the first cable exists and packets never meet a router without it. If the process dies, the last table goes
// on: packets are judged by what was meant then. [RenderVPC] and [RenderGateway] are pure and give a printable table,
// which tests read without root. A router's table is printed in steps; the driver remembers what each was printed of, and does
// again only those that are about something else now ([fabric.Same]). A test compares the two on random changes.
//
// # A router's stations
//
// A packet from a port is marked with the port's route table and index, its source is checked (chain raw), and, unless
// it belongs to a known connection, it must pass the out chain of the sender's groups, have a route, pass the in chain
// of the receiver's groups, and be addressed to the receiver (chain forward). Chains of groups return when a rule
// allows: no station is skipped because an earlier one said yes. What a station refuses is copied to NFLOG group
// [kernel.LogGroup] with the station's name as prefix, and dropped.
//
// Each group has up to three sets in each direction, of disjoint boxes: protocols (address, protocol), ports (address,
// TCP or UDP, port), and ICMP (address, type, code). Members of a group that is somebody's peer are a set of their own.
//
// Packets of known connections go by the chain known, which refuses what is for an address that is gone. Network ACLs know no
// connections: where a subnet's ACL does not let everything pass, that chain asks it, too; and where there is a way out of the VPC by a
// peering or an uplink, it sees to it that answers go back the way their connection came. What comes by such a way carries [kernel.MarkBeyond].
// Ranges of peers are checked as sources. At the uplink addresses are translated one to one. A VPC that has none of this
// has none of these rules.
//
// # A gateway's way
//
// A new connection from a consumer's link must be to a listener; it is then marked with its consumer and with the
// port it will leave by, its destination becomes the target, its source one of the port's addresses. The zone of the
// link keeps equal connections of different consumers apart; listeners for endpoints are known by the link as well, for
// their addresses are those of a VPC. An endpoint to Lattice tracks nothing: it passes on what is for its resources, and
// what comes from them. A NAT gateway does the same for one VPC, without listeners:
// what goes through it leaves from its primary address.
package nft
