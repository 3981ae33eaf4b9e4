// Package link keeps one end of a channel connected: it opens the websocket connection, reads what comes, notices when
// nobody is at the other end any more, and opens it again. What was on its way when a connection broke is not its
// concern; see package stream.
package link
