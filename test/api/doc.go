// Package api proves that the APIs hold: every operation, called wrongly in every way that is known, by the wrong
// account, twice, many times at once, or with bytes that are no request at all, refuses as AWS does and changes nothing.
//
// The server runs in the test's process over a store in memory; nothing is put into the kernel, and no root is needed.
// testdata/populate.txt says what an account has before a test, testdata/calls.txt one right call of each operation,
// which the tests spoil.
package api
