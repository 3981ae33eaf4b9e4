// Package elbapi has the types of the Elastic Load Balancing API and the interface its implementation meets, both generated from AWS's model.
//
// Scalars are pointers and structures are pointers: nil is "absent". Lists and maps hold values: nil is "absent", an empty one is
// present and empty. Timestamps are UTC.
package elbapi
