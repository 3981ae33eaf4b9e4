// Package doctor looks at the machine and says what kumiko needs and does not find, and how to get it.
//
// What can be tried is tried instead of guessed: the kernel's features are used in a fresh network and mount namespace that
// belongs to one discarded thread, so nothing of the machine is touched and nothing stays behind.
package doctor
