package imds

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"kumiko/internal/world"
)

// Bounds of a token's life, in seconds. (Amazon EC2 User Guide, "Use IMDSv2".)
const (
	minTTL = 1
	maxTTL = 21600
)

// A token is its expiry (seconds since 1970), a nonce and the proof that this service gave it to one instance: 40
// bytes, 56 characters. Nothing is remembered of it.
const (
	expirySize = 4
	nonceSize  = 8
	proofSize  = 28
	tokenSize  = expirySize + nonceSize + proofSize
)

// newToken makes a token of the instance that expires then.
func newToken(key []byte, id world.InstanceID, expiry time.Time) string {
	b := make([]byte, expirySize+nonceSize, tokenSize)
	binary.BigEndian.PutUint32(b, uint32(expiry.Unix()))
	rand.Read(b[expirySize:]) // never fails
	return base64.URLEncoding.EncodeToString(append(b, proof(key, id, b)...))
}

// tokenExpiry is when the token expires; false when it was not given to the instance.
func tokenExpiry(key []byte, id world.InstanceID, token string) (time.Time, bool) {
	b, err := base64.URLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != tokenSize {
		return time.Time{}, false
	}
	signed, mac := b[:expirySize+nonceSize], b[expirySize+nonceSize:]
	if !hmac.Equal(mac, proof(key, id, signed)) {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint32(signed)), 0), true
}

func proof(key []byte, id world.InstanceID, signed []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("kumiko metadata token\x00" + string(id) + "\x00"))
	h.Write(signed)
	return h.Sum(nil)[:proofSize]
}
