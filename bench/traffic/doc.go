// Package traffic makes load between network namespaces and measures what got through: bytes of long streams, short
// connections a second, and the time of a round trip.
//
// Each client and each server is a thread of its own with blocking sockets, so that the path weighs more than the
// generator.
package traffic
