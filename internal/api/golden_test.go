package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/route53api"
	"kumiko/internal/api/sigv4"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
)

var update = flag.Bool("update", false, "write the golden files")

// captured is a request that botocore 1.43.11 made.
type captured struct {
	Service string `json:"svc"`
	Op      string
	Method  string
	URL     string
	Headers map[string]string
	Body    string
}

func (c captured) request() *http.Request {
	r := httptest.NewRequest(c.Method, c.URL, strings.NewReader(c.Body))
	for k, v := range c.Headers {
		r.Header.Set(k, v)
	}
	return r
}

// time is when the request was signed.
func (c captured) time(t testing.TB) time.Time {
	date := c.Headers["X-Amz-Date"]
	if date == "" {
		date = c.request().URL.Query().Get("X-Amz-Date")
	}
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func requests(t testing.TB) []captured {
	data, err := os.ReadFile("testdata/requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []captured
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// pruned is JSON without what is null.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = pruned(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

func TestCapturedRequests(t *testing.T) {
	codecs := map[string]wire.Codec{}
	for _, s := range []wire.Service{
		ec2api.Service(fakeEC2{}), latticeapi.Service(fakeLattice{}), logsapi.Service(fakeLogs{}), stsapi.Service(fakeSTS{}),
		route53api.Service(struct{ route53api.Handlers }{}),
	} {
		c, err := wire.New(s)
		if err != nil {
			t.Fatal(err)
		}
		codecs[s.Name] = c
	}
	var got bytes.Buffer
	for _, c := range requests(t) {
		r := c.request()
		codec := codecs[c.Service]
		req := &wire.Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header, Body: []byte(c.Body)}
		op, e := codec.Route(req)
		if e != nil {
			t.Fatalf("%s: %v", c.Op, e)
		}
		if op.Name != c.Op {
			t.Errorf("%s went to %s", c.Op, op.Name)
		}
		in, e := codec.Decode(req, op)
		if e != nil {
			t.Fatalf("%s: %v", c.Op, e)
		}
		var v any
		data, _ := json.Marshal(in)
		_ = json.Unmarshal(data, &v)
		data, _ = json.Marshal(pruned(v))
		got.WriteString(c.Op + " " + string(data) + "\n")
	}
	if *update {
		if err := os.WriteFile("testdata/inputs.golden", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/inputs.golden")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

func TestCapturedSignatures(t *testing.T) {
	for _, c := range requests(t) {
		r := c.request()
		claim, e := sigv4.Parse(r)
		if e != nil {
			t.Fatalf("%s: %v", c.Op, e)
		}
		key := sigv4.SigningKey(testSecret, claim.Date, claim.Region, claim.Service)
		if e := claim.Verify(r, []byte(c.Body), key); e != nil {
			t.Errorf("%s: %v", c.Op, e)
		}
		if e := claim.Fresh(c.time(t)); e != nil {
			t.Errorf("%s: %v", c.Op, e)
		}
		if e := claim.Verify(r, []byte(c.Body+" "), key); e == nil {
			t.Errorf("%s: another body is accepted", c.Op)
		}
		r.Method = http.MethodPut
		if e := claim.Verify(r, []byte(c.Body), key); e == nil {
			t.Errorf("%s: another method is accepted", c.Op)
		}
	}
}
