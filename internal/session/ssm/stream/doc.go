// Package stream is one end of a session's data channel: it numbers what it sends, sends it again until it is
// acknowledged, and puts what it receives in order, as the SSM agent and the Session Manager plugin do. It neither opens
// connections nor knows what the bytes mean; a connection may be replaced under it, and nothing is lost.
package stream
