// Package plugin lets the aws command, or kumiko itself, join sessions of Session Manager: it is called as AWS's
// session-manager-plugin is, with the same arguments, and asks the API for what a session needs besides its channel – to
// begin it, to go on after a lost connection, to end it. It knows nothing of how a session works; package client does.
package plugin
