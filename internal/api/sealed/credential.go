package sealed

import (
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"kumiko/internal/world"
)

// tokenPurpose is that of session tokens; tokenStart begins each, so that people know one when they see it.
const (
	tokenPurpose = "session token"
	tokenStart   = "IQoJkumiko"
)

// Temporary are temporary credentials.
type Temporary struct {
	Key     world.AccessKeyID // ASIA…
	Secret  string
	Token   string
	Expires time.Time
}

// ticket is what a session token says.
type ticket struct {
	Key     world.AccessKeyID
	Secret  string
	Account world.AccountID
	ARN     string
	UserID  string
	Session *world.Session
}

// NewKey draws an access key id, whose four letters say its kind, and its secret: 20 and 40 characters, as AWS's have.
func NewKey(random io.Reader, kind string) (world.AccessKeyID, string, error) {
	raw := make([]byte, 40)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", "", fmt.Errorf("sealed: %w", err)
	}
	return world.AccessKeyID(kind + base32.StdEncoding.EncodeToString(raw[:10])), base64.StdEncoding.EncodeToString(raw[10:]), nil
}

// Issue makes credentials for a caller with a session. Nothing of them is kept.
func (b *Box) Issue(random io.Reader, c world.Caller) (Temporary, error) {
	key, secret, err := NewKey(random, "ASIA")
	if err != nil {
		return Temporary{}, err
	}
	t := ticket{
		Key: key, Secret: secret, Account: c.Account, ARN: c.ARN, UserID: c.UserID, Session: c.Session,
	}
	token, err := b.Seal(random, tokenPurpose, t)
	if err != nil {
		return Temporary{}, err
	}
	return Temporary{Key: t.Key, Secret: t.Secret, Token: tokenStart + token, Expires: c.Session.Expires}, nil
}

// Redeem gives the caller that a session token was issued to, with the secret, if the token and the access key are one another's.
func (b *Box) Redeem(key world.AccessKeyID, token string) (c world.Caller, secret string, ok bool) {
	text, ok := strings.CutPrefix(token, tokenStart)
	var t ticket
	if !ok || !b.Open(tokenPurpose, text, &t) || t.Key != key || t.Session == nil {
		return world.Caller{}, "", false
	}
	return world.Caller{Account: t.Account, ARN: t.ARN, UserID: t.UserID, Session: t.Session}, t.Secret, true
}
