// Package frame is the binary message of Session Manager's channels and what is carried in it.
//
// An agent, a client and the service between them exchange one message per websocket frame. Its layout is that of the
// public sources of the SSM agent and of the Session Manager plugin; all integers are big-endian. The package reads and
// writes bytes and knows no connection.
package frame
