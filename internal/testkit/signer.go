package testkit

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/world"
)

// signer calls EC2 without the start of a program for each call, where a test measures the cloud and not the client.
type signer struct {
	endpoint, region string
	id, secret       string
	http             http.Client
}

func newSigner(endpoint, region string, environ []string) *signer {
	s := &signer{endpoint: endpoint, region: region}
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

// post sends a form, signed.
func (s *signer) post(service, body string) (string, error) {
	req, err := http.NewRequest(http.MethodPost, s.endpoint+"/", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	by := sigv4.Credential{ID: world.AccessKeyID(s.id), Secret: s.secret}
	by.Sign(req, []byte(body), sigv4.Scope{Region: s.region, Service: service}, time.Now())
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
