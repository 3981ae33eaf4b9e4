package api

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/sigv4"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/service/sts"
)

// signed signs a request as a client does, with the secret of the site.
func (s *site) signed(method, service, body string, header http.Header, change func(*signature)) *http.Request {
	r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	g := &signature{key: s.names["accessKey"], secret: secret, at: time.Now().UTC(), region: s.caller.region, service: service, body: body,
		scheme: "AWS4-HMAC-SHA256", signedHeaders: "host;x-amz-date"}
	g.date = g.at.Format("20060102")
	if change != nil {
		change(g)
	}
	g.sign(r)
	return r
}

// signature is what a signature is made of.
type signature struct {
	key, secret, date, region, service, body string
	scheme, signedHeaders, spoil             string
	at                                       time.Time
}

func (g *signature) sign(r *http.Request) {
	stamp := g.at.Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	sum := func(text string) string { d := sha256.Sum256([]byte(text)); return hex.EncodeToString(d[:]) }
	canonical := strings.Join([]string{r.Method, "/", r.URL.RawQuery, "host:" + r.Host + "\nx-amz-date:" + stamp + "\n", "host;x-amz-date", sum(g.body)}, "\n")
	scope := strings.Join([]string{g.date, g.region, g.service, "aws4_request"}, "/")
	mac := hmac.New(sha256.New, sigv4.SigningKey(g.secret, g.date, g.region, g.service))
	fmt.Fprint(mac, strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, sum(canonical)}, "\n"))
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%x%s", g.scheme, g.key, scope, g.signedHeaders, mac.Sum(nil), g.spoil))
}

const createVPC = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.7.0.0%2F16"

// TestSignatures: a request whose signature is not right in every part does nothing.
func TestSignatures(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	c.populate(t, bob, "bob")
	then := c.store.World()
	for _, tt := range []struct {
		name   string
		status int
		code   string
		change func(*signature)
	}{
		{"another secret", 401, "AuthFailure", func(g *signature) { g.secret = "x" }},
		{"another's key", 401, "AuthFailure", func(g *signature) { g.key, g.secret = "AKIABOBAAAAAAAAAAAAA", "y" }},
		{"an unknown key", 401, "AuthFailure", func(g *signature) { g.key = "AKIAAAAAAAAAAAAAAAAA" }},
		{"no key", 400, "IncompleteSignature", func(g *signature) { g.key = "" }},
		{"another body", 401, "AuthFailure", func(g *signature) { g.body += "x" }},
		{"another day", 401, "AuthFailure", func(g *signature) { g.date = "20200101" }},
		{"a day that is none", 401, "AuthFailure", func(g *signature) { g.date = "yesterday" }},
		{"too late", 400, "RequestExpired", func(g *signature) { g.at = g.at.Add(-20 * time.Minute); g.date = g.at.Format("20060102") }},
		{"too early", 400, "RequestExpired", func(g *signature) { g.at = g.at.Add(20 * time.Minute); g.date = g.at.Format("20060102") }},
		{"a long signature", 400, "IncompleteSignature", func(g *signature) { g.spoil = "00" }},
		{"another scheme", 400, "IncompleteSignature", func(g *signature) { g.scheme = "AWS4-HMAC-SHA1" }},
		{"no host", 401, "AuthFailure", func(g *signature) { g.signedHeaders = "x-amz-date" }},
		{"no date", 401, "AuthFailure", func(g *signature) { g.signedHeaders = "host" }},
		{"no region", 401, "AuthFailure", func(g *signature) { g.region = "" }},
		{"a region that is none", 401, "AuthFailure", func(g *signature) { g.region = "..-x-1" }},
		{"a service that is none", 501, "", func(g *signature) { g.service = "ec3" }},
		{"another service", 404, "", func(g *signature) { g.service = "vpc-lattice" }},
	} {
		r := s.signed(http.MethodPost, "ec2", createVPC, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, tt.change)
		a := c.do(r)
		if a.bad != nil || a.status != tt.status || tt.code != "" && a.code != tt.code {
			t.Errorf("%s: %v %v", tt.name, a, a.bad)
		}
	}
	if c.store.World().Rev != then.Rev {
		t.Error("the world changed")
	}
	if a := c.do(s.signed(http.MethodPost, "ec2", createVPC, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, nil)); !a.ok() {
		t.Errorf("rightly signed: %v", a)
	}
}

// rawBodies are bodies that are no requests, by service.
func rawBodies() map[string][]string {
	deep := strings.Repeat(`{"a":`, 20000)
	return map[string][]string{
		"ec2": {
			"", "Action", "Action=", "Action=CreateVpc&Action=DeleteVpc", "Action=Nothing&Version=2016-11-15", "Action=CreateVpc&Version=2000-01-01",
			"Action=CreateVpc&CidrBlock=%zz", "Action=CreateVpc&CidrBlock=10.0.0.0/16&CidrBlock=10.1.0.0/16", "Action=CreateVpc;CidrBlock=10.0.0.0/16",
			"Action=CreateVpc&CidrBlock.x=1", "Action=CreateVpc&CidrBlock=%ff%fe", "Action=CreateVpc&.=1", "Action=CreateVpc&...=1",
			"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.0.ResourceType=vpc", "Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.-1.ResourceType=vpc",
			"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.99999999999999999999.ResourceType=vpc",
			"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.1000000000.ResourceType=vpc",
			"Action=CreateVpc&CidrBlock=10.0.0.0/16&" + strings.Repeat("a.", 1000) + "=1", `{"Action":"CreateVpc"}`, "<CreateVpc/>",
			"Action=CreateVpc&CidrBlock=10.0.0.0/16&X-Amz-Algorithm=AWS4-HMAC-SHA256&Nonsense=1",
			"Action=CreateVpc&CidrBlock=" + strings.Repeat("a", 2<<20),
		},
		"logs": {
			"", "{", "[]", "null", "1", `"x"`, `{"logGroupName":`, `{"logGroupName":"x"}{"logGroupName":"y"}`, `{"logGroupName":"x"} trailing`,
			"{\"logGroupName\":\"\xff\"}", `{"logGroupName":{"logGroupName":"x"}}`, deep, deep + strings.Repeat("}", 20000), `{"logGroupName":1e999}`,
			"<x/>", "logGroupName=x", `{"logGroupName":"a","logGroupName":1}`, "\xef\xbb\xbf{}", strings.Repeat(" ", 9<<20),
		},
	}
}

// TestRawBodies: bytes that are no request are refused in the service's form and do nothing.
func TestRawBodies(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	then := c.store.World()
	headers := map[string]http.Header{
		"ec2":  {"Content-Type": {"application/x-www-form-urlencoded"}},
		"logs": {"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328.CreateLogGroup"}},
	}
	for service, bodies := range rawBodies() {
		for _, body := range bodies {
			a := c.do(s.signed(http.MethodPost, service, body, headers[service].Clone(), nil))
			if a.bad != nil || a.status/100 != 4 {
				t.Errorf("%s %q: %v %v", service, cut(body), a, a.bad)
			}
		}
	}
	for _, h := range []http.Header{
		{"X-Amz-Target": {""}}, {"X-Amz-Target": {"CreateLogGroup"}}, {"X-Amz-Target": {"Logs_20140328."}}, {"X-Amz-Target": {"Logs_20140328.Nothing"}},
		{"X-Amz-Target": {"AmazonSSM.CreateLogGroup"}}, {"X-Amz-Target": {strings.Repeat("a", 10000)}},
	} {
		if a := c.do(s.signed(http.MethodPost, "logs", `{"logGroupName":"/x"}`, h, nil)); a.bad != nil || a.status/100 != 4 {
			t.Errorf("%v: %v %v", h, a, a.bad)
		}
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"} {
		for _, path := range []string{"/", "/servicenetworks/", "//servicenetworks", "/servicenetworks/%2e%2e", "/servicenetworks/%zz/", "/../../etc/passwd", "/tags/arn", "/nothing"} {
			r := s.signed(method, "vpc-lattice", "", nil, nil)
			r.URL.Path, r.URL.RawPath = path, ""
			sign(r, ann, "vpc-lattice")
			if a := c.do(r); a.status == 0 || a.status >= 500 || a.bad != nil {
				t.Errorf("%s %s: %v %v", method, path, a, a.bad)
			}
		}
	}
	if c.store.World().Rev != then.Rev {
		t.Error("the world changed")
	}
}

// TestWire: requests that HTTP itself does not allow, or that end early, do nothing, and the server goes on.
func TestWire(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	h := httptest.NewServer(c.front)
	defer h.Close()
	then := c.store.World()
	r := s.signed(http.MethodPost, "ec2", createVPC, nil, func(g *signature) {})
	auth, stamp := r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date")
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: " + auth + "\r\nX-Amz-Date: " + stamp + "\r\nConnection: close\r\n"
	for name, raw := range map[string]string{
		"truncated":            head + "Content-Length: 500\r\n\r\n" + createVPC,
		"truncated chunks":     head + "Transfer-Encoding: chunked\r\n\r\n10\r\nAction=Crea",
		"bad chunks":           head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + createVPC + "\r\n0\r\n\r\n",
		"two lengths":          head + "Content-Length: 1\r\nContent-Length: 58\r\n\r\n" + createVPC,
		"length and chunks":    head + "Content-Length: 3\r\nTransfer-Encoding: gzip\r\n\r\n" + createVPC,
		"negative length":      head + "Content-Length: -1\r\n\r\n" + createVPC,
		"no length":            head + "\r\n" + createVPC,
		"two dates":            head + "X-Amz-Date: 20200101T000000Z\r\nContent-Length: 0\r\n\r\n",
		"two signatures":       head + "Authorization: AWS4-HMAC-SHA256 x\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"a NUL":                strings.Replace(head, "localhost", "local\x00host", 1) + "Content-Length: 58\r\n\r\n" + createVPC,
		"another host":         strings.Replace(head, "localhost", "evil", 1) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(createVPC)) + createVPC,
		"a smuggled request":   head + "Content-Length: 0\r\n\r\n" + head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(createVPC)) + createVPC,
		"compressed":           head + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
		"a header of 2 MiB":    head + "X: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"a path of 2 MiB":      "GET /" + strings.Repeat("a", 2<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"an absolute location": strings.Replace(head, "POST / ", "POST http://evil/ ", 1) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(createVPC)) + createVPC,
	} {
		status, err := exchange(h.Listener.Addr().String(), raw, true)
		if err != nil || status != 0 && status/100 != 4 && status != 501 {
			t.Errorf("%s: status %d, %v", name, status, err)
		}
	}
	if c.store.World().Rev != then.Rev {
		t.Error("the world changed")
	}
	chunked := head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(createVPC), createVPC)
	if status, err := exchange(h.Listener.Addr().String(), chunked, false); status != http.StatusOK || err != nil {
		t.Errorf("rightly chunked: status %d, %v", status, err)
	}
}

// exchange sends bytes, says with end that there will be no more, and returns the status of the answer, 0 when the
// server just hangs up.
func exchange(addr, raw string, end bool) (int, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, err
	}
	// The server may answer, and hang up, before it has read all.
	_, _ = io.Copy(conn, strings.NewReader(raw))
	if end {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return 0, err
		}
		return 0, nil
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, nil
}

// TestIdentity: who calls is whose key signed, and only an open server takes account numbers for keys.
func TestIdentity(t *testing.T) {
	const who = "Action=GetCallerIdentity&Version=2011-06-15"
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	if a := c.do(s.signed(http.MethodPost, "sts", who, form.Clone(), nil)); !strings.Contains(a.body, "<Account>"+ann.account+"</Account>") {
		t.Errorf("%v", a)
	}
	closed, err := api.New(api.Config{Services: []wire.Service{stsapi.Service(sts.New(sts.Config{Store: c.store}))}, Credentials: keys{c.store}})
	if err != nil {
		t.Fatal(err)
	}
	c.front = closed
	for _, key := range []string{ann.account, bob.account, "", "000000000000"} {
		r := s.signed(http.MethodPost, "sts", who, form.Clone(), func(g *signature) { g.key = key })
		if a := c.do(r); a.status != 403 && a.status != 400 {
			t.Errorf("key %q: %v", key, a)
		}
	}
}
