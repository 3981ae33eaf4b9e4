package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/world"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeLayout = "20060102T150405Z"
	dateLayout = "20060102"
	terminator = "aws4_request"
)

// Claim is what a request says of its signature.
type Claim struct {
	Key     world.AccessKeyID
	Date    string // yyyymmdd, of the scope
	Region  string
	Service string
	Time    time.Time
	Expires time.Duration // how long a presigned URL holds; 0 for a signed request
	Token   string        // session token, empty if none was sent

	signedHeaders []string
	signature     string
	payload       string // hash of the payload as the request gives it, may be empty
}

// Presigned tells whether the signature is part of the URL.
func (c *Claim) Presigned() bool { return c.Expires > 0 }

// Reason says why a claim does not hold.
type Reason int

// The reasons.
const (
	Missing    Reason = iota + 1 // there is no signature
	Incomplete                   // it cannot be read
	Mismatch                     // it is not that of the request
	Skewed                       // the request was made too long ago, or will be
)

// Error is a signature that is not accepted. Text is for the client.
type Error struct {
	Reason Reason
	Text   string
}

// Error says it for people.
func (e *Error) Error() string { return "sigv4: " + e.Text }

func incomplete(format string, args ...any) *Error {
	return &Error{Incomplete, fmt.Sprintf(format, args...)}
}

// Parse reads the signature of a request.
func Parse(r *http.Request) (*Claim, *Error) {
	if header := r.Header.Get("Authorization"); header != "" {
		return parseHeader(r, header)
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && query.Get("X-Amz-Algorithm") != "" {
		return parseQuery(query)
	}
	return nil, &Error{Missing, "Request is missing Authentication Token"}
}

// parseHeader reads a signature in the header Authorization.
func parseHeader(r *http.Request, header string) (*Claim, *Error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if scheme != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '%.32s'.", scheme)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || parts[key] != "" {
			return nil, incomplete("Authorization header is not of the form Credential=…, SignedHeaders=…, Signature=….")
		}
		parts[key] = value
	}
	for _, key := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[key] == "" {
			return nil, incomplete("Authorization header requires '%s' parameter.", key)
		}
	}
	c := &Claim{
		signature:     parts["Signature"],
		signedHeaders: strings.Split(parts["SignedHeaders"], ";"),
		payload:       r.Header.Get("X-Amz-Content-Sha256"),
		Token:         r.Header.Get("X-Amz-Security-Token"),
	}
	var err error
	if date := r.Header.Get("X-Amz-Date"); date != "" {
		c.Time, err = time.Parse(timeLayout, date)
	} else {
		c.Time, err = http.ParseTime(r.Header.Get("Date"))
	}
	if err != nil {
		return nil, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header in a valid format.")
	}
	return c, c.finish(parts["Credential"])
}

// parseQuery reads the signature of a presigned URL.
func parseQuery(q url.Values) (*Claim, *Error) {
	if a := q.Get("X-Amz-Algorithm"); a != algorithm {
		return nil, incomplete("Unsupported AWS 'algorithm': '%.32s'.", a)
	}
	for _, key := range []string{"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(q[key]) != 1 || q.Get(key) == "" {
			return nil, incomplete("AWS query-string parameters must include '%s'.", key)
		}
	}
	at, err := time.Parse(timeLayout, q.Get("X-Amz-Date"))
	if err != nil {
		return nil, incomplete("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	const week = 7 * 24 * 60 * 60 // seconds; the longest a presigned URL may hold
	expires, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || expires < 1 || expires > week {
		return nil, incomplete("X-Amz-Expires must be between 1 and %d seconds", week)
	}
	c := &Claim{
		signature:     q.Get("X-Amz-Signature"),
		signedHeaders: strings.Split(q.Get("X-Amz-SignedHeaders"), ";"),
		payload:       q.Get("X-Amz-Content-Sha256"),
		Token:         q.Get("X-Amz-Security-Token"),
		Time:          at,
		Expires:       time.Duration(expires) * time.Second,
	}
	return c, c.finish(q.Get("X-Amz-Credential"))
}

// finish reads the credential scope and checks what both forms have in common.
func (c *Claim) finish(credential string) *Error {
	scope := strings.Split(credential, "/")
	if len(scope) != 5 || scope[0] == "" || scope[4] != terminator {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	c.Key, c.Date, c.Region, c.Service = world.AccessKeyID(scope[0]), scope[1], scope[2], scope[3]
	if !isRegion(c.Region) {
		return &Error{Mismatch, "Credential should be scoped to a valid region."}
	}
	if c.Date != c.Time.Format(dateLayout) {
		return &Error{Mismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"}
	}
	if !slices.Contains(c.signedHeaders, "host") {
		return &Error{Mismatch, "'Host' must be a 'SignedHeader' in the AWS Authorization."}
	}
	if len(c.signature) != 64 || strings.Trim(c.signature, "0123456789abcdef") != "" {
		return incomplete("The signature is not 64 lower-case hexadecimal digits.")
	}
	return nil
}

// isRegion tells whether name has the form of AWS's region names: us-east-1, us-gov-west-1.
func isRegion(name string) bool {
	parts := strings.Split(name, "-")
	last := len(parts) - 1
	if last < 2 || len(parts[0]) != 2 || parts[last] == "" || len(name) > 32 {
		return false
	}
	for _, p := range parts[:last] {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return strings.Trim(parts[last], "0123456789") == ""
}
