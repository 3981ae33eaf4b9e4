// Package route53 is Amazon Route 53: hosted zones, private and public, with their record sets and routing policies,
// associations of private zones with VPCs of the same and of other accounts, reusable delegation sets, and health
// checks.
//
// Every operation checks and writes nouns into the World in one transaction. A change is INSYNC once the resolvers have
// it, which is known by the revision in its id. Rules, texts and limits are those of the Route 53 API Reference and
// Developer Guide; texts that clients compare are as AWS answers them. Traffic policies, DNSSEC signing, query logs,
// routing by CIDR blocks and by geographic proximity are not part of it.
package route53
