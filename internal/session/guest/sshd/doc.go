// Package sshd serves one SSH connection in a process of its own, for
// instances whose image has no OpenSSH server: login by key and password,
// shells with and without terminal, commands, file transfer and forwarding
// from the client to addresses the instance reaches.
//
// The process is started by init with the connection as standard input. It
// reads users, keys and the password setting from the instance's files when
// they are needed, so changes count from the next connection on. Whatever a
// client does, it does to this process only.
package sshd
