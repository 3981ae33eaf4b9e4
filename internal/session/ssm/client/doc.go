// Package client is the user's end of a Session Manager session: a shell in the terminal, a local port that leads to one
// of the instance or beyond it, or a stream between standard input and output. It does what AWS's session-manager-plugin
// does, and prints what that prints, so either may serve the aws command.
package client
