// Package worlds makes random worlds for tests that compare two opinions of them: a few VPCs of which some use the same
// address range, subnets, groups and prefix lists that rules name, ACLs, instances with one interface or several,
// peerings, internet and NAT gateways, routes to them, and a service network that joins some of the VPCs. The same seed
// makes the same world, down to its ids.
package worlds
