// Package ec2 does the operations of Amazon EC2 on VPCs and what lives in them: it checks a request, changes the World
// in one transaction, and describes rows in AWS's words. It knows no kernel: whether something is ready is read from
// [store.Seen]. Codes and texts of errors are those of package awserr; clients compare them literally.
//
// One file has one noun. What handlers share: service.go (Service, transactions, lookups by id), list.go (the Describe
// operations' way from rows to a page), tagspec.go (tags in requests), quota.go (every limit).
package ec2
