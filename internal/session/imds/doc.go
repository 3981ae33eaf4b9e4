// Package imds is the instance metadata service: what an instance can learn of itself at 169.254.169.254.
//
// Each VPC has one server, in its router's namespace. Who asks is known by the packet mark the router puts on what
// comes in by a port; the mark leads to the port, the ENI and the instance. A source address says nothing here, so
// that an instance cannot ask in another's name, and VPCs with equal ranges do not mix.
//
// What an instance is told is made of the World at the moment it asks: a changed option, tag or profile shows in
// the next answer. The rules of HTTP, versions and tokens are those of the Amazon EC2 User Guide, "Instance metadata
// and user data" and "Use IMDSv2".
//
// The package owns listening sockets and connections, and nothing that outlives the process. Tokens hold their
// own proof (see token), so they survive it as long as the key does. When the process dies, instances' requests are
// refused until it is back; nothing else of theirs is affected.
package imds
