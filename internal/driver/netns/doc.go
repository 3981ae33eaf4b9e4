// Package netns makes the namespaces of a Fabric and the cables between them: a namespace for each VPC (its router),
// resource gateway, NAT gateway, VPC endpoint and instance, and one for the public side while some VPC has an uplink; a veth pair for
// each attached ENI, for each consumer of a gateway, for each peering and for each uplink.
//
// What does it own? The network namespaces mounted below RUN/netns and every interface and neighbour entry in routers
// and gateways. In an instance it owns the interfaces of its ENIs only when they are made or the ENI changes: root in
// the instance may do as it likes with its side.
//
// How does a fresh process recognise its own? Namespaces by the folder and their names; in a router every interface
// but lo is ours. Each cable carries, as the alias of its router side, a digest of what it was made from, written when
// it was complete; a cable without the right digest is mended or made again, one whose other end is in another
// namespace than it should be (an instance's old one, say) is made again.
//
// In what order does it create and delete? Namespaces with their kernel parameters (a namespace is mounted under its
// name when it is ready), then cables: old ones first go, new ones are made with both ends in their namespaces in one
// message, then the far end gets addresses, then the near end goes up. Deleting an end deletes the cable. Namespaces
// that nothing wants go last.
//
// What happens to packets if we die right here? A cable that is not complete is down at the router's side and carries
// nothing; complete ones go on as they are. The next process finishes.
//
// How is it tested without root? What a cable must be is a pure function of the Fabric (see render.go); the rest is
// tested with real namespaces, which needs root.
package netns
