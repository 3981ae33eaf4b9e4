// Package remote runs commands in an instance by asking its init to.
//
// Init listens on a unix socket; a client connects, says what to run and
// passes the descriptors the command shall have, or asks for a terminal and
// gets the far end of one. So nothing ever enters an instance's namespaces
// from outside: the command is a child of init and has its powers only. The
// same protocol serves the machine ("kumiko exec") and the instance itself
// (its sudo, where the image has none); which of the two is on the line is
// known by the socket it came through.
//
// Messages are JSON, one to a packet (SOCK_SEQPACKET), descriptors travel
// beside them (SCM_RIGHTS). A client sends one [Request] and then any number of
// [Signal]s; init answers with [Reply]s, the last one of which has Exited set.
package remote
