// Package policy reads AWS policy documents and decides by them.
//
// Parse checks a document of one kind – attached to an identity, to a resource, to a role as its trust, to a VPC endpoint –
// and says what is wrong in IAM's words. Decide combines all documents that apply to a request in the order that the IAM
// User Guide, "Policy evaluation logic", gives: an explicit deny first, then every gate that must let the request through,
// then who grants it. The answer says which of them was the cause.
//
// The package is pure: it knows no principals, no resources and no time but those in the Request.
package policy
