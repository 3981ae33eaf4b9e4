// Package querylog writes what instances asked their VPC's resolver to the log groups of the query logging
// configurations their VPCs are associated with, as Route 53 Resolver does: a line of JSON for each query, in a stream
// for each VPC.
//
// Records are written in the order they come, a little later than the answers; the resolver does not wait for them. When
// more come than can be written the rest is lost, and how many is logged.
package querylog
