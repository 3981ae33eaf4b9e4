// Package sts is the part of the AWS Security Token Service that tells who a caller is and gives out temporary credentials.
//
// Credentials are not kept: a session token is sealed and says by itself whose it is and how long it holds. Whether a role
// may be assumed is decided before the operation, by package guard.
package sts
