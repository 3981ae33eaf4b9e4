// Package sts is the part of the AWS Security Token Service that tells who a caller is.
package sts
