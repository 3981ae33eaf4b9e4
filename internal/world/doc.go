// Package world holds what was asked for: the AWS nouns, their typed ids and the invariants between them.
//
// A [World] is an immutable, versioned picture of every noun of every account. Nothing here does I/O, reads a
// clock or draws a random number: a transaction ([Tx]) brings its time and its randomness along. What the
// network must be is derived from a World by package fabric; what AWS says of it by the services.
//
// Rows are plain values: no pointers into other rows, no functions, no channels. A row that was read is never
// changed in place; copy it (slices included, see slices.Clone), change the copy and Put it.
package world
