// Package scenario plays customer stories end to end: the real program, the stock aws command, dig, ssh and Terraform
// in real instances, on real packets.
package scenario
