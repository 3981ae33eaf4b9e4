package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"kumiko/internal/world"
)

// Credential is what a request is signed with. Token is empty for a key that does not expire.
type Credential struct {
	ID     world.AccessKeyID
	Secret string
	Token  string
}

// Scope is what a signature is for.
type Scope struct{ Region, Service string }

// Sign signs a request whose body is given. It covers the host, and the headers that are there and that AWS wants to be
// covered.
func (by Credential) Sign(r *http.Request, body []byte, to Scope, now time.Time) {
	now = now.UTC()
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	r.Header.Set("X-Amz-Date", now.Format(timeLayout))
	if by.Token != "" {
		r.Header.Set("X-Amz-Security-Token", by.Token)
	}
	c := &Claim{Key: by.ID, Date: now.Format(dateLayout), Region: to.Region, Service: to.Service, Time: now, signedHeaders: []string{"host"}}
	for name, header := range map[string]string{
		"content-type": "Content-Type", "x-amz-date": "X-Amz-Date", "x-amz-security-token": "X-Amz-Security-Token", "x-amz-target": "X-Amz-Target",
	} {
		if r.Header.Get(header) != "" {
			c.signedHeaders = append(c.signedHeaders, name)
		}
	}
	slices.Sort(c.signedHeaders)
	digest := sha256.Sum256(body)
	canonical, _ := c.canonical(r, hex.EncodeToString(digest[:])) // a query that cannot be read is refused by whoever is asked
	c.signature = c.sign(canonical, SigningKey(by.Secret, c.Date, to.Region, to.Service))
	r.Header.Set("Authorization", algorithm+" Credential="+string(by.ID)+"/"+c.scope()+", SignedHeaders="+strings.Join(c.signedHeaders, ";")+", Signature="+c.signature)
}
