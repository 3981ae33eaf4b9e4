// Package sigv4 verifies Signature Version 4, in headers and in presigned URLs.
//
// It follows the description in the AWS IAM User Guide, "Signature Version 4 signing process". Parse reads what a request claims,
// Verify says whether the claim holds; looking up the secret lies between the two and is the caller's.
package sigv4
