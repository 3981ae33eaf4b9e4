// Package fabric says what the network must be.
//
// [Compile] turns a World of AWS nouns into a [Fabric]: routing domains with ports, groups of rules, routes, names,
// gateways and hosts. It is pure and total: no I/O, no clock, no error. The drivers make the kernel equal to a
// Fabric, package reach walks the same Fabric to explain it, and the resolver calls [Answer]; so a rule's meaning
// is written here and nowhere else.
//
// An address means something only within a Domain (a VPC): VPC ranges may overlap.
package fabric
