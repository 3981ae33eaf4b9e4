package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// tokenLife is how long a token may be used to open a channel. (A guess: AWS does not say.)
const tokenLife = 24 * time.Hour

// The ends a token is for.
const (
	forControl = "control"
	forAgent   = "agent"
	forClient  = "client"
)

// seal makes a token that lets its holder open the channel id as the given end.
func (g *Gateway) seal(end, id string, now time.Time) string {
	until := binary.BigEndian.AppendUint64(nil, uint64(now.Add(tokenLife).Unix()))
	return base64.RawURLEncoding.EncodeToString(append(until, g.proof(end, id, until)...))
}

// opens tells whether the token is one for the end of the channel, and has not expired.
func (g *Gateway) opens(token, end, id string, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 8+sha256.Size {
		return false
	}
	return hmac.Equal(b[8:], g.proof(end, id, b[:8])) && now.Unix() < int64(binary.BigEndian.Uint64(b))
}

func (g *Gateway) proof(end, id string, until []byte) []byte {
	h := hmac.New(sha256.New, g.c.Key)
	h.Write(until)
	h.Write([]byte(end + "\x00" + id))
	return h.Sum(nil)
}

// ClientToken is what a client opens its end of a session with.
func (g *Gateway) ClientToken(session string) string { return g.seal(forClient, session, g.c.Now()) }
