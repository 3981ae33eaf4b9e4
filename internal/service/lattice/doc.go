// Package lattice is the resource side of Amazon VPC Lattice: service networks, their associations with VPCs and with
// resource configurations, resource gateways, access log subscriptions, tags and resource policies.
//
// Every operation checks, allocates and writes nouns into the World in one transaction; what it answers is a function
// of the World and of what was seen of the kernel. Deletions of what has packets behind it only mark the row: it is
// DELETE_IN_PROGRESS until the kernel no longer has it, and then [Finish] takes it away.
//
// Rules, texts and limits are those of the VPC Lattice API Reference and User Guide; texts that clients compare are
// quoted from answers AWS gave. Services, listeners, target groups and auth policies are not part of it.
package lattice
