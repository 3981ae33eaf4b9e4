// Package dns runs the resolver of every VPC: it listens inside the VPC's router namespace and says what
// [fabric.Answer] says. It holds no names and decides nothing; what it adds is the protocol (RFC 1035, 2308, 6891,
// 7766): headers, aliases, negative answers, truncation. How much an interface may ask is counted before, in the router.
//
// What it owns: UDP and TCP sockets on port 53 of the resolver's addresses in each router namespace, and nothing
// in the kernel that outlives the process.
//
// How a fresh process recognises its own: it need not. Sockets die with the process that made them.
//
// In what order it creates and deletes: for a VPC that is new, sockets are opened with its records already in
// place; for one that is known, the records are swapped in one step, and a query is answered wholly from the
// old ones or from the new ones; for one that is gone, the sockets are closed and every query under way is
// waited for. The namespace and its addresses exist before Apply, and may go after it.
//
// What happens to packets if the process dies: names are not resolved until it is back; the kernel tells the
// instance that the port is closed. Connections between instances are not touched.
//
// How it is tested without root: over real sockets on loopback addresses, through [Sockets].
package dns
