// Package flow reads what the routers refuse and what the gateways connect.
//
// What does it own? Netlink sockets only: one for each router, gateway, endpoint and NAT gateway and for the public side
// that reads refusals (NFLOG), and one for each gateway that reads new connections (conntrack events). Of routers whose
// traffic is accounted for it also lists the tracked connections and reads their ends, for which it lets the kernel note times and tell of ends. It
// changes nothing else in the kernel, so a fresh process has nothing to clean up, and if the process dies packets go on
// as before, unrecorded.
// In what order? Readers are to be opened before the first cable of a namespace exists, so no packet is missed.
//
// A refused packet becomes a [Refusal] with the same [fabric.Origin] the explanation of the flow gives: the station is
// the log prefix, the noun follows from the interface the packet came by or was to leave by. A connection through a
// gateway becomes a [Connection] once it has seen traffic both ways.
//
// How is it tested without root? Parsing of packets and naming of origins are functions of bytes; the readers need root.
package flow
