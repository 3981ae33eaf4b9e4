// Package testkit runs the real program for tests: it builds kumiko, starts daemons in temporary folders, calls the
// stock clients (aws, dig, ssh) against them, and compares what the machine has in its kernel before and after.
//
// Tests that use it need root and those programs. Where they lack, a test is skipped aloud; where the environment
// variable CI is set, it fails instead.
package testkit
