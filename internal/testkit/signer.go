package testkit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// signer calls EC2 without the start of a program for each call, where a test measures the cloud and not the client.
type signer struct {
	endpoint, host, region string
	id, secret             string
	http                   http.Client
}

func newSigner(endpoint, region string, environ []string) *signer {
	s := &signer{endpoint: endpoint, host: strings.TrimPrefix(endpoint, "http://"), region: region}
	for _, v := range environ {
		switch name, value, _ := strings.Cut(v, "="); name {
		case "AWS_ACCESS_KEY_ID":
			s.id = value
		case "AWS_SECRET_ACCESS_KEY":
			s.secret = value
		}
	}
	return s
}

// EC2 calls an EC2 operation with parameters as name, value, name, value…, and gives the XML of the answer. It may be
// called from several goroutines.
func (c *Cloud) EC2(operation string, pairs ...string) (string, error) {
	form := url.Values{"Action": {operation}, "Version": {"2016-11-15"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.fast.post("ec2", form.Encode())
}

// Elements are the texts of all elements of that name in an XML answer.
func Elements(xml, name string) []string {
	var out []string
	for _, m := range regexp.MustCompile("<"+name+">([^<]*)</"+name+">").FindAllStringSubmatch(xml, -1) {
		out = append(out, m[1])
	}
	return out
}

// post sends a form, signed. (AWS General Reference, "Signature Version 4 signing process".)
func (s *signer) post(service, body string) (string, error) {
	req, err := http.NewRequest(http.MethodPost, s.endpoint+"/", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	const kind = "application/x-www-form-urlencoded; charset=utf-8"
	stamp := time.Now().UTC().Format("20060102T150405Z")
	scope := strings.Join([]string{stamp[:8], s.region, service, "aws4_request"}, "/")
	canonical := fmt.Sprintf("POST\n/\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n\ncontent-type;host;x-amz-date\n%s", kind, s.host, stamp, digest(body))
	key := []byte("AWS4" + s.secret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+digest(canonical)))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-Amz-Date", stamp)
	req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=content-type;host;x-amz-date, Signature=%s", s.id, scope, signature))
	res, err := s.http.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", res.Status, raw)
	}
	return string(raw), nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}
