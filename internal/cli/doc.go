// Package cli is the kumiko command: it reads arguments, asks the daemon over its private socket (package admin) and
// prints answers for people or as JSON. It holds no logic of the network; what a command does in the kernel is
// handed to it as [Parts] by package main.
//
// Data goes to standard output, everything else to standard error. Exit statuses: 0 success, 1 failure (of explain:
// closed; of doctor: something needed is missing), 2 wrong usage (of explain: no answer). The command exec gives the
// status of what it ran; 125, 126 or 127 with an error when it could not be run.
package cli
