package frame

import (
	"crypto/rand"
	"fmt"
)

// ID is a UUID. (RFC 9562.)
type ID [16]byte

// NewID draws a random id, version 4.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// String is the canonical text of the id.
func (id ID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
