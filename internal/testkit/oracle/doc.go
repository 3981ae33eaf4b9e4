// Package oracle says, for a world and a packet, whether a conversation can begin, and which thing of AWS refuses it
// when it cannot. It is a second opinion: written from what AWS documents alone, in the plainest way there is – it
// walks rows, keeps nothing, and knows none of the packages whose answers tests compare with its own.
//
// It knows EC2's network: interfaces, groups, ACLs, routes beyond and within VPCs and to prefix lists, peerings,
// internet and NAT gateways, interface and gateway endpoints. Of VPC Lattice, and of AWS's services on the public side, it
// knows only where those begin, and says [Beyond].
package oracle
