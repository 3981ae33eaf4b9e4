// Package ssm does the operations of AWS Systems Manager that have to do with instances: managed nodes, the sessions of
// Session Manager, documents, commands and parameters.
//
// It knows agents by what they report and by the channels they keep; the channels themselves are somebody else's, whom
// it tells what to begin and to end and who tells it what became of that. A node is lost when it has not reported for
// three of its periods. What agents report again and again is kept in memory; only what differs is written down.
package ssm
