// Package account reads and edits the user database of an instance: passwd,
// group and shadow in the formats of passwd(5), group(5) and shadow(5), and
// the password hashes of crypt(5) that instances use (SHA-512).
//
// Everything is read when asked for, because programs of the instance edit the
// same files. A change replaces a file as a whole, so readers never see half of it.
package account
