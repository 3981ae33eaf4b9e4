// Package resolver does the operations of Route 53 Resolver: endpoints at which the names of a VPC can be asked for and
// from which its queries leave, rules that say which names are asked for elsewhere, and logs of queries.
//
// An endpoint's interfaces are managed ENIs, guarded by its security groups as any other. What is not built – DNS over
// HTTPS, delegation rules, IPv6, DNS Firewall, sharing – is refused.
package resolver
