// Package terminal makes pseudo terminals in an instance and writes the
// record of last logins, both without a C library.
package terminal
