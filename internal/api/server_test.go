package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// send lets a server answer a captured request, after change.
func send(t *testing.T, config func(*Config), c captured, change func(*http.Request)) (int, http.Header, string) {
	t.Helper()
	h, _ := serve(t, func(conf *Config) {
		conf.Now = func() time.Time { return c.time(t) }
		conf.Log = slog.New(slog.DiscardHandler)
		if config != nil {
			config(conf)
		}
	})
	r := c.request()
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.Config.Handler.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

// find is the nth captured request to an operation.
func find(t testing.TB, op string, n int) captured {
	for _, c := range requests(t) {
		if c.Op == op {
			if n == 0 {
				return c
			}
			n--
		}
	}
	t.Fatalf("no request to %s", op)
	return captured{}
}

func TestRefusals(t *testing.T) {
	unsign := func(r *http.Request) { r.Header.Del("Authorization") }
	stranger := func(r *http.Request) {
		r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), testKey, "AKIAXXXXXXXXXXXXXXXX"))
	}
	broken := func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }
	later := func(d time.Duration) func(*Config) {
		return func(c *Config) { now := c.Now(); c.Now = func() time.Time { return now.Add(d) } }
	}
	for _, tt := range []struct {
		name   string
		op     string
		nth    int
		config func(*Config)
		change func(*http.Request)
		status int
		code   string
	}{
		{"ec2 unsigned", "ImportKeyPair", 0, nil, unsign, 401, "<Code>AuthFailure</Code>"},
		{"ec2 unknown key", "ImportKeyPair", 0, nil, stranger, 401, "<Code>AuthFailure</Code>"},
		{"ec2 broken", "ImportKeyPair", 0, nil, broken, 400, "<Code>IncompleteSignature</Code>"},
		{"ec2 late", "ImportKeyPair", 0, later(6 * time.Minute), nil, 400, "<Code>RequestExpired</Code>"},
		{"sts unsigned", "GetAccessKeyInfo", 0, nil, unsign, 403, "<Code>MissingAuthenticationToken</Code>"},
		{"sts unknown key", "GetAccessKeyInfo", 0, nil, stranger, 403, "<Code>InvalidClientTokenId</Code>"},
		{"sts early", "GetAccessKeyInfo", 0, later(-6 * time.Minute), nil, 403, "Signature not yet current: "},
		{"sts presigned, in time", "GetCallerIdentity", 0, later(14 * time.Minute), nil, 200, "<Account>111122223333</Account>"},
		{"sts presigned, late", "GetCallerIdentity", 0, later(16 * time.Minute), nil, 403, "Signature expired: "},
		{"sts presigned, with token", "GetCallerIdentity", 1, nil, nil, 200, "<Account>111122223333</Account>"},
		{"logs unsigned", "TagResource", 0, nil, unsign, 400, `"__type":"MissingAuthenticationTokenException"`},
		{"logs late", "TagResource", 0, later(6 * time.Minute), nil, 400, `"__type":"InvalidSignatureException"`},
		{"logs, other operation", "TagResource", 0, nil, func(r *http.Request) { r.Header.Set("X-Amz-Target", "Logs_20140328.UntagResource") }, 400, `"__type":"InvalidSignatureException"`},
		{"logs without token", "DescribeLogGroups", 0, nil, func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }, 400, `"__type":"UnrecognizedClientException"`},
		{"lattice unsigned", "CreateResourceConfiguration", 0, nil, unsign, 403, `"message":"Missing Authentication Token"`},
		{"lattice, other host", "CreateResourceConfiguration", 0, nil, func(r *http.Request) { r.Host = "ec2.us-east-1.amazonaws.com" }, 401, "<Code>AuthFailure</Code>"},
		{"lattice, other region", "CreateResourceConfiguration", 0, nil, func(r *http.Request) { r.Host = "vpc-lattice.eu-west-1.amazonaws.com" }, 403, "not 'us-east-1'"},
		{"s3 unsigned", "ImportKeyPair", 0, nil, func(r *http.Request) { unsign(r); r.Host = "s3.us-east-1.amazonaws.com" }, 403, "<Error><Code>AccessDenied</Code>"},
		{"s3 is not built", "ImportKeyPair", 0, nil, func(r *http.Request) {
			r.Host = "s3.us-east-1.amazonaws.com"
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), "/ec2/", "/s3/"))
		}, 501, "<Error><Code>NotImplemented</Code>"},
		{"ec2 panic", "ImportKeyPair", 0, nil, nil, 500, "<Code>InternalError</Code>"},
		{"denied", "ImportKeyPair", 0, func(c *Config) {
			c.Authorize = func(_ context.Context, _ world.Caller, service, op string, _ any) error {
				return awserr.EC2Unauthorized(service + ":" + op)
			}
		}, nil, 403, "ec2:ImportKeyPair"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, header, body := send(t, tt.config, find(t, tt.op, tt.nth), tt.change)
			if status != tt.status || !strings.Contains(body, tt.code) {
				t.Errorf("answer %d %s", status, body)
			}
			if header.Get("X-Amzn-Requestid") == "" || header.Get("Date") == "" || header.Get("Content-Length") == "" {
				t.Errorf("headers %v", header)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	c := find(t, "GetAccessKeyInfo", 0)
	c.Body = "Action=GetCallerIdentity"
	account := func(r *http.Request) {
		r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), testKey, "444455556666"))
	}
	if status, _, body := send(t, func(c *Config) { c.Open = true }, c, account); status != 200 || !strings.Contains(body, "arn:aws:iam::444455556666:root") {
		t.Errorf("open: %d %s", status, body)
	}
	if status, _, body := send(t, nil, c, account); status != 403 {
		t.Errorf("closed: %d %s", status, body)
	}
}

// TestLargeBody sends a body beyond the limit of every service over a real connection.
func TestLargeBody(t *testing.T) {
	h, _ := serve(t, func(c *Config) { c.Open = true; c.Log = slog.New(slog.DiscardHandler) })
	for size, want := range map[int]int{maxBody + 1: 413, maxLogsBody + 1: 413, maxBody - 100: 501} {
		r, _ := http.NewRequest(http.MethodPost, h.URL, strings.NewReader("Action=CreateTransitGateway&Description="+strings.Repeat("x", size-40)))
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=444455556666/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%d bytes: %d %s", size, resp.StatusCode, body)
		}
	}
}

// FuzzSignature looks for claims that make the verification fail in unexpected ways, or hold without the secret.
func FuzzSignature(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("0", 64), "20260101T000000Z", "a=b&c=%2F", "/a//b/../%2F")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="+strings.Repeat("a", 64), "/")
	f.Add("AWS4-HMAC-SHA256 ,,=,", "x", "%zz", "")
	f.Fuzz(func(t *testing.T, header, date, query, path string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.Path, r.URL.RawQuery = path, query
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		r.Header.Set("X-Amz-Date", date)
		claim, e := sigv4.Parse(r)
		if e != nil {
			return
		}
		_ = claim.Fresh(time.Unix(0, 0))
		if e := claim.Verify(r, nil, sigv4.SigningKey(testSecret, claim.Date, claim.Region, claim.Service)); e == nil {
			t.Error("a made-up signature is accepted")
		}
	})
}

// BenchmarkServe answers a signed request without the network.
func BenchmarkServe(b *testing.B) {
	c := find(b, "GetCallerIdentity", 0)
	at := c.time(b)
	s, err := New(Config{Services: []wire.Service{stsapi.Service(fakeSTS{seen: &seen{}})}, Credentials: keys{}, Now: func() time.Time { return at }})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, c.request()); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
