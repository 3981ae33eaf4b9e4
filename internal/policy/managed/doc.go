// Package managed has the policies that AWS keeps for everyone, as far as tools commonly attach them: those of instances, of
// networking services and of the usual jobs.
//
// The documents are AWS's own, as the AWS Managed Policy Reference publishes them. They name actions of services that are
// not built here as well, which harms nothing.
package managed
