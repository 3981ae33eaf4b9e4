package client

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kumiko/internal/api/sigv4"
)

// Client calls one endpoint as one account in one region. It may be used from several goroutines.
type Client struct {
	endpoint, host, region, id, secret string
	http                               http.Client
}

// New makes a client for up to a number of calls at once.
func New(endpoint, region, id, secret string, atOnce int) *Client {
	return &Client{
		endpoint: endpoint, host: strings.TrimPrefix(endpoint, "http://"), region: region, id: id, secret: secret,
		http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, DisableCompression: true}},
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call calls an operation of EC2 with parameters as name, value, name, value…, and gives the XML of the answer.
func (c *Client) Call(ctx context.Context, operation string, pairs ...string) ([]byte, error) {
	form := url.Values{"Action": {operation}, "Version": {"2016-11-15"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.send(ctx, request{"ec2", http.MethodPost, "/", "application/x-www-form-urlencoded; charset=utf-8", form.Encode(), operation})
}

// Rest calls an operation of a service that is called by methods and paths, and gives the JSON of the answer.
func (c *Client) Rest(ctx context.Context, service, method, path, body string) ([]byte, error) {
	return c.send(ctx, request{service, method, path, "application/json", body, method + " " + path})
}

// request is what is sent.
type request struct{ service, method, path, kind, body, operation string }

func (c *Client) send(ctx context.Context, r request) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.endpoint+r.path, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	c.sign(req, r)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("client: %s: %w", r.operation, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("client: %s: %s: %s", r.operation, res.Status, raw)
	}
	return raw, err
}

// sign signs a request. (AWS IAM User Guide, "Signature Version 4 signing process".)
func (c *Client) sign(req *http.Request, r request) {
	stamp := time.Now().UTC().Format("20060102T150405Z")
	canonical := fmt.Sprintf("%s\n%s\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n\ncontent-type;host;x-amz-date\n%s", r.method, r.path, r.kind, c.host, stamp, digest(r.body))
	scope := strings.Join([]string{stamp[:8], c.region, r.service, "aws4_request"}, "/")
	mac := hmac.New(sha256.New, sigv4.SigningKey(c.secret, stamp[:8], c.region, r.service))
	fmt.Fprintf(mac, "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, digest(canonical))
	req.Header.Set("Content-Type", r.kind)
	req.Header.Set("X-Amz-Date", stamp)
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=content-type;host;x-amz-date, Signature=%x", c.id, scope, mac.Sum(nil)))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// Element is the text of the first element of that name in an XML answer, or empty.
func Element(xml []byte, name string) string {
	_, rest, _ := bytes.Cut(xml, []byte("<"+name+">"))
	text, _, ok := bytes.Cut(rest, []byte("</"+name+">"))
	if !ok {
		return ""
	}
	return string(text)
}

// Elements are the texts of all elements of that name in an XML answer.
func Elements(xml []byte, name string) (out []string) {
	for _, part := range bytes.Split(xml, []byte("<"+name+">"))[1:] {
		text, _, _ := bytes.Cut(part, []byte("</"+name+">"))
		out = append(out, string(text))
	}
	return out
}

// Count is how many elements of that name there are.
func Count(xml []byte, name string) int { return bytes.Count(xml, []byte("<"+name+">")) }
