package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far the clocks of client and server may be apart. (AWS IAM User Guide, "Troubleshoot Signature Version 4".)
const tolerance = 5 * time.Minute

const unsigned = "UNSIGNED-PAYLOAD"

// Fresh checks that the request was made now, and that a presigned URL still holds.
func (c *Claim) Fresh(now time.Time) *Error {
	oldest := now.Add(-tolerance)
	if c.Presigned() {
		oldest = now.Add(-c.Expires)
	}
	if c.Time.Before(oldest) {
		return &Error{Skewed, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s)",
			c.Time.Format(timeLayout), oldest.UTC().Format(timeLayout), now.UTC().Format(timeLayout), minutes(now.Sub(oldest)))}
	}
	if latest := now.Add(tolerance); c.Time.After(latest) {
		return &Error{Skewed, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s)",
			c.Time.Format(timeLayout), latest.UTC().Format(timeLayout), now.UTC().Format(timeLayout), minutes(tolerance))}
	}
	return nil
}

func minutes(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min."
	}
	return strconv.Itoa(int(d/time.Second)) + " s."
}

// SigningKey is the key that signs requests of one day, region and service.
func SigningKey(secret, date, region, service string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{date, region, service, terminator} {
		key = sum(key, part)
	}
	return key
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// Verify checks the signature of r, whose body is given, with the key made by SigningKey for the claim's scope.
func (c *Claim) Verify(r *http.Request, body, key []byte) *Error {
	for _, name := range []string{"X-Amz-Target", "X-Amz-Security-Token", "X-Amz-Date"} {
		if r.Header.Get(name) != "" && !slices.Contains(c.signedHeaders, strings.ToLower(name)) {
			return &Error{Mismatch, "Header '" + name + "' must be a 'SignedHeader' in the AWS Authorization."}
		}
	}
	payload, e := c.payloadHash(body)
	if e != nil {
		return e
	}
	canonical, ok := c.canonical(r, payload)
	if !ok {
		return incomplete("The query string is malformed.")
	}
	if !hmac.Equal([]byte(c.sign(canonical, key)), []byte(c.signature)) {
		return &Error{Mismatch, ""}
	}
	return nil
}

// scope is what the claim's key is for.
func (c *Claim) scope() string {
	return strings.Join([]string{c.Date, c.Region, c.Service, terminator}, "/")
}

// sign is the signature of a canonical request.
func (c *Claim) sign(canonical string, key []byte) string {
	digest := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{algorithm, c.Time.UTC().Format(timeLayout), c.scope(), hex.EncodeToString(digest[:])}, "\n")
	return hex.EncodeToString(sum(key, toSign))
}

// payloadHash is the last line of the canonical request. A hash the request gives must be the body's.
func (c *Claim) payloadHash(body []byte) (string, *Error) {
	digest := sha256.Sum256(body)
	actual := hex.EncodeToString(digest[:])
	switch c.payload {
	case "", actual:
		return actual, nil
	case unsigned:
		return unsigned, nil
	}
	if strings.HasPrefix(c.payload, "STREAMING-") {
		return "", incomplete("Streaming payloads are not supported by this service.")
	}
	return "", &Error{Mismatch, "The provided 'x-amz-content-sha256' header does not match what was computed."}
}

// canonical is the canonical request; it has none if the query string cannot be read.
func (c *Claim) canonical(r *http.Request, payload string) (string, bool) {
	query, ok := canonicalQuery(r.URL.RawQuery, c.Presigned())
	if !ok {
		return "", false
	}
	var headers strings.Builder
	for _, name := range c.signedHeaders {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{
		r.Method, canonicalPath(r.URL.EscapedPath()), query, headers.String(), strings.Join(c.signedHeaders, ";"), payload,
	}, "\n"), true
}

// canonicalPath cleans the path as it was sent and encodes it once more.
func canonicalPath(sent string) string {
	if sent == "" {
		return "/"
	}
	clean := path.Clean("/" + sent)
	if strings.HasSuffix(sent, "/") && clean != "/" {
		clean += "/"
	}
	return encode(clean, true)
}

// canonicalQuery sorts the parameters and encodes them in the one right way.
func canonicalQuery(raw string, presigned bool) (string, bool) {
	var parts [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		key, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil {
			return "", false
		}
		if presigned && key == "X-Amz-Signature" {
			continue
		}
		parts = append(parts, [2]string{encode(key, false), encode(value, false)})
	}
	slices.SortFunc(parts, func(a, b [2]string) int {
		if d := strings.Compare(a[0], b[0]); d != 0 {
			return d
		}
		return strings.Compare(a[1], b[1])
	})
	joined := make([]string, len(parts))
	for i, p := range parts {
		joined[i] = p[0] + "=" + p[1]
	}
	return strings.Join(joined, "&"), true
}

// headerValue is the value of a signed header. Go keeps Host and Content-Length elsewhere than the other headers.
func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(max(r.ContentLength, 0), 10)
	}
	var values []string
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

// encode is percent-encoding as RFC 3986 has it, with everything but the unreserved characters encoded.
func encode(s string, slashes bool) string {
	const hexadecimal = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0, c == '/' && slashes:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexadecimal[c>>4])
			b.WriteByte(hexadecimal[c&15])
		}
	}
	return b.String()
}
