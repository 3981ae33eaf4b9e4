// Package gateway is the message gateway of Session Manager, the service ssmmessages: agents keep a control channel to it,
// and for each session an agent and a client meet on a data channel, whose messages it passes on byte for byte.
//
// It owns websocket connections and nothing that outlives the process. Tokens hold their own proof and sessions are rows
// of the World, so agents and clients find their sessions again when the process was started anew. What is malformed
// ends the channel it came by, and nothing else.
package gateway
