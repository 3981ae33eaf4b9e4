// Package admin is the private way between the kumiko command and the daemon of a state folder: a few JSON
// requests over HTTP on a unix socket in that folder, which only root can open.
//
// It carries what AWS has no operation for: the daemon's status, accounts and their keys, explanations, views of
// the inner layers, and the end of everything. The daemon mounts [Handler] over a [Backend]; commands use [Client].
// The package knows nothing of the network itself.
package admin
