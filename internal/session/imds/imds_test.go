package imds

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

var testKey = bytes.Repeat([]byte{7}, KeySize)

// testWorld has two VPCs with one range: i-one and i-two are at ports 1 and 2 of vpc-1, i-three is at port 1 of vpc-2.
func testWorld(t testing.TB, change func(*world.Instance)) world.World {
	t.Helper()
	tx := world.Begin(world.World{}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), rand.Reader)
	for n, ids := range [][]world.InstanceID{{"i-one", "i-two"}, {"i-three"}} {
		putVPC(tx, byte(n+1), ids, change)
	}
	w, _, err := tx.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// putVPC makes the VPC number n and instances with the given ids in it.
func putVPC(tx *world.Tx, n byte, ids []world.InstanceID, change func(*world.Instance)) {
	me := world.Caller{Account: world.DefaultAccount, Region: "us-east-1"}
	vpc := world.VPCID(fmt.Sprintf("vpc-%d", n))
	cidr := netip.MustParsePrefix("10.0.0.0/16")
	tx.VPCs.Put(world.VPC{ID: vpc, Meta: tx.NewMeta(me, nil), CIDRs: []world.CIDRAssociation{{ID: "a", CIDR: cidr}}, DNSSupport: true})
	subnet := world.Subnet{
		ID: world.SubnetID(fmt.Sprintf("subnet-%d", n)), Meta: tx.NewMeta(me, nil), VPC: vpc,
		CIDR: netip.MustParsePrefix("10.0.1.0/24"), Zone: "us-east-1b",
	}
	tx.Subnets.Put(subnet)
	table := world.RouteTableID(fmt.Sprintf("rtb-%d", n))
	tx.RouteTables.Put(world.RouteTable{ID: table, Meta: tx.NewMeta(me, nil), VPC: vpc, Index: 1, Main: true})
	group := world.SecurityGroupID(fmt.Sprintf("sg-%d", n))
	tx.SecurityGroups.Put(world.SecurityGroup{ID: group, Meta: tx.NewMeta(me, nil), VPC: vpc, Name: "web"})
	for k, id := range ids {
		i := world.Instance{
			ID: id, Meta: tx.NewMeta(me, []world.Tag{{Key: "Name", Value: string(id) + "'s tag"}}), Reservation: "r-1", VPC: vpc,
			Subnet: subnet.ID, Image: "ami-1", Type: "t3.micro", KeyName: "mine", PublicKey: "ssh-ed25519 AAAA",
			UserData: []byte("#!/bin/sh\x00\xff"), Launched: tx.Now, Power: world.Running, Boot: 1,
			Metadata: world.MetadataOptions{Endpoint: true, HopLimit: 1},
		}
		change(&i)
		tx.Instances.Put(i)
		e := tx.NewENI(me, subnet, []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 1, byte(10 + k)})}, []world.SecurityGroupID{group})
		e.MAC = fmt.Sprintf("0a:00:00:00:%02x:%02x", n-1, k+1)
		e.ID = world.ENIID(fmt.Sprintf("eni-%d%d", n, k+1))
		e.Attachment = world.Attachment{ID: "eni-attach-1", Instance: id}
		tx.ENIs.Put(e)
	}
}

// clientPort says which port a test's client is plugged into: the last byte of its loopback address.
func clientPort(c syscall.Conn) (uint32, error) {
	b := c.(net.Conn).RemoteAddr().(*net.TCPAddr).AddrPort().Addr().As4()
	return 3<<20 | uint32(b[3]), nil
}

// start serves w on loopback, where 127.0.0.N is plugged into port N; set changes what is served.
func start(t *testing.T, w world.World, now func() time.Time) (url string, set func(world.World)) {
	t.Helper()
	var at string
	s, err := New(Config{Key: testKey, Now: now, Mark: clientPort, Listen: func(string, netip.AddrPort) (net.Listener, error) {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err == nil && at == "" { // the first VPC's
			at = l.Addr().String()
		}
		return l, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	set = func(w world.World) {
		t.Helper()
		if err := s.Apply(context.Background(), fabric.Compile(w), w); err != nil {
			t.Fatal(err)
		}
	}
	set(w)
	return "http://" + at, set
}

// client is an instance at a port.
func client(t *testing.T, port byte) *http.Client {
	tr := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, port)}}).DialContext}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// call makes a request, with headers in pairs, and gives the status, the body and the headers.
func call(t *testing.T, c *http.Client, method, url string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func asGiven(*world.Instance) {}

func TestPaths(t *testing.T) {
	w := testWorld(t, func(i *world.Instance) { i.Metadata.Tags = true })
	url, _ := start(t, w, nil)
	c := client(t, 1)
	mac := "/latest/meta-data/network/interfaces/macs/0a:00:00:00:00:01/"
	for path, want := range map[string]string{
		"/latest/meta-data/instance-id":                    "i-one",
		"/latest/meta-data/instance-id/":                   "i-one",
		"//latest//meta-data///instance-id":                "i-one",
		"/2021-03-23/meta-data/instance-id":                "i-one",
		"/latest":                                          "dynamic\nmeta-data\nuser-data",
		"/latest/":                                         "dynamic\nmeta-data\nuser-data",
		"/latest/user-data":                                "#!/bin/sh\x00\xff",
		"/latest/meta-data/hostname":                       "ip-10-0-1-10.ec2.internal",
		"/latest/meta-data/local-ipv4":                     "10.0.1.10",
		"/latest/meta-data/mac":                            "0a:00:00:00:00:01",
		"/latest/meta-data/security-groups":                "web",
		"/latest/meta-data/system":                         "nitro",
		"/latest/meta-data/placement/":                     "availability-zone\navailability-zone-id\nregion",
		"/latest/meta-data/placement/availability-zone-id": "use1-az2",
		"/latest/meta-data/services/partition":             "aws",
		"/latest/meta-data/public-keys/":                   "0=mine",
		"/latest/meta-data/public-keys/0/":                 "openssh-key",
		"/latest/meta-data/public-keys/0/openssh-key":      "ssh-ed25519 AAAA mine",
		"/latest/meta-data/tags/instance":                  "Name",
		"/latest/meta-data/tags/instance/Name":             "i-one's tag",
		"/latest/meta-data/network/interfaces/macs":        "0a:00:00:00:00:01/",
		mac + "interface-id":                               "eni-11",
		mac + "/vpc-ipv4-cidr-block":                       "10.0.0.0/16",
		mac + "subnet-ipv4-cidr-block":                     "10.0.1.0/24",
		mac + "security-group-ids":                         "sg-1",
		mac + "owner-id":                                   "000000000000",
		"/latest/dynamic/instance-identity/":               "document",
		"/latest/dynamic/fws/instance-monitoring":          "disabled",
		"/latest/meta-data/events/maintenance/scheduled":   "[]",
		"/latest/meta-data/block-device-mapping/root":      "/dev/xvda",
	} {
		status, body, h := call(t, c, "GET", url+path)
		if status != 200 || body != want || h.Get("Server") != "EC2ws" || h.Get("ETag") == "" || h.Get("Last-Modified") == "" {
			t.Errorf("%s: %d %q %v, want %q", path, status, body, h, want)
		}
	}
	for _, path := range []string{
		"/latest/meta-data/iam/info", "/latest/meta-data/iam/", "/latest/meta-data/public-ipv4", "/latest/meta-data/spot/instance-action",
		"/latest/meta-data/instance-id/x", "/2026-01-01/meta-data/", "/latest/../latest/meta-data", "/latest/meta-data/INSTANCE-ID",
		"/latest/dynamic/instance-identity/pkcs7",
	} {
		if status, body, _ := call(t, c, "GET", url+path); status != 404 || !strings.Contains(body, "<title>404 - Not Found</title>") {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	_, doc, _ := call(t, c, "GET", url+"/latest/dynamic/instance-identity/document")
	for _, want := range []string{`"accountId" : "`, `"pendingTime" : "2026-01-02T03:04:05Z"`, `"billingProducts" : null`} {
		if !strings.Contains(doc, strings.Replace(want, " : ", ": ", 1)) {
			t.Errorf("document lacks %s: %s", want, doc)
		}
	}
}

func TestTokens(t *testing.T) {
	w := testWorld(t, func(i *world.Instance) { i.Metadata.Tokens = true })
	now := time.Unix(1_800_000_000, 0)
	url, _ := start(t, w, func() time.Time { return now })
	one, two := client(t, 1), client(t, 2)
	id := url + "/latest/meta-data/instance-id"
	put := func(c *http.Client, path string, headers ...string) (int, string) {
		status, body, _ := call(t, c, "PUT", url+path, headers...)
		return status, body
	}
	for _, c := range []struct {
		path    string
		headers []string
		want    int
	}{
		{"/latest/api/token", nil, 400},
		{"/latest/api/token", []string{ttlHeader, "0"}, 400},
		{"/latest/api/token", []string{ttlHeader, "21601"}, 400},
		{"/latest/api/token", []string{ttlHeader, "-1"}, 400},
		{"/latest/api/token", []string{ttlHeader, "1e2"}, 400},
		{"/latest/api/token", []string{ttlHeader, "99999999999999999999"}, 400},
		{"/latest/api/token", []string{ttlHeader, "60", ttlHeader, "60"}, 400},
		{"/latest/api/token", []string{ttlHeader, "60", "X-Forwarded-For", "10.0.0.1"}, 403},
		{"/latest/api/token", []string{ttlHeader, "60", "X-Forwarded-For", ""}, 403},
		{"/2021-03-23/api/token", []string{ttlHeader, "60"}, 403},
		{"/latest/meta-data/instance-id", []string{ttlHeader, "60"}, 405},
		{"/latest/api/token", []string{ttlHeader, "21600"}, 200},
	} {
		if got, _ := put(one, c.path, c.headers...); got != c.want {
			t.Errorf("PUT %s %v: %d, want %d", c.path, c.headers, got, c.want)
		}
	}
	_, token := put(one, "/latest/api/token", ttlHeader, "60")
	if len(token) != 56 || !strings.HasSuffix(token, "==") {
		t.Errorf("token %q", token)
	}
	now = now.Add(10 * time.Second)
	if status, body, h := call(t, one, "GET", id, tokenHeader, token); status != 200 || body != "i-one" || h.Get(ttlHeader) != "50" {
		t.Errorf("with the token: %d %s %v", status, body, h)
	}
	for name, c := range map[string]struct {
		client *http.Client
		method string
		token  []string
		want   int
	}{
		"no token":       {one, "GET", nil, 401},
		"head":           {one, "HEAD", []string{tokenHeader, token}, 200},
		"neighbour's":    {two, "GET", []string{tokenHeader, token}, 401},
		"garbage":        {one, "GET", []string{tokenHeader, "x"}, 401},
		"empty":          {one, "GET", []string{tokenHeader, ""}, 401},
		"changed expiry": {one, "GET", []string{tokenHeader, "_" + token[1:]}, 401},
		"post":           {one, "POST", []string{tokenHeader, token}, 405},
	} {
		if got, _, _ := call(t, c.client, c.method, id, c.token...); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got, _, _ := call(t, one, "GET", url+"/latest/api/token"); got != 405 {
		t.Errorf("GET of the token: %d", got)
	}
	again, _ := start(t, w, func() time.Time { return now }) // as after a restart, with the same key
	if got, _, _ := call(t, one, "GET", again+"/latest/meta-data/instance-id", tokenHeader, token); got != 200 {
		t.Errorf("after a restart: %d", got)
	}
	now = now.Add(50 * time.Second)
	if got, _, _ := call(t, one, "GET", id, tokenHeader, token); got != 401 {
		t.Errorf("when expired: %d", got)
	}
}

func TestCallerIsItsPort(t *testing.T) {
	url, set := start(t, testWorld(t, asGiven), nil)
	get := func(port byte) (int, string) {
		status, body, _ := call(t, client(t, port), "GET", url+"/latest/meta-data/instance-id")
		return status, body
	}
	for port, want := range map[byte]string{1: "i-one", 2: "i-two"} {
		if _, got := get(port); got != want {
			t.Errorf("port %d: %s", port, got)
		}
	}
	for _, port := range []byte{3, 200} {
		if status, got := get(port); status != 0 {
			t.Errorf("port %d, where nobody is: %d %s", port, status, got)
		}
	}
	kept := client(t, 1)
	call(t, kept, "GET", url+"/latest/meta-data/instance-id")
	set(testWorld(t, func(i *world.Instance) { i.Metadata.Tokens = true }))
	if got, _, _ := call(t, kept, "GET", url+"/latest/meta-data/instance-id"); got != 401 {
		t.Errorf("tokens required from now on: %d", got)
	}
	set(testWorld(t, func(i *world.Instance) { i.Metadata.Endpoint = false }))
	for _, c := range []struct{ method, path string }{{"GET", "/latest/meta-data/"}, {"PUT", "/latest/api/token"}} {
		if got, _, _ := call(t, kept, c.method, url+c.path, ttlHeader, "60"); got != 403 {
			t.Errorf("%s with the endpoint off: %d", c.method, got)
		}
	}
	w := testWorld(t, func(i *world.Instance) {
		if i.ID == "i-one" {
			i.Power = world.Stopped
		}
	})
	set(w)
	if status, got, _ := call(t, kept, "GET", url+"/latest/meta-data/instance-id"); status != 0 {
		t.Errorf("a connection of a stopped instance: %d %s", status, got)
	}
	set(world.World{})
	if status, _ := get(2); status != 0 {
		t.Errorf("after the VPC went: %d", status)
	}
}

func TestRoles(t *testing.T) {
	w := testWorld(t, asGiven)
	v := view{vpc: fabric.Compile(w).VPCs[0], world: &w}
	s := &server{cfg: Config{Role: func(world.Instance) (Role, bool) {
		return Role{Name: "app", Info: []byte(`{"Code":"Success"}`), Credentials: func(version string) ([]byte, error) { return []byte(`{"AccessKeyId":"ASIA` + version + `"}`), nil }}, true
	}}}
	i, _ := w.Instances.Get("i-one")
	for path, want := range map[string]string{
		"iam/security-credentials":     "app",
		"iam/security-credentials/app": `{"AccessKeyId":"ASIA2.0"}`,
		"iam/info":                     `{"Code":"Success"}`,
	} {
		got, _ := s.tree(&v, i, http.Header{tokenHeader: {"t"}}).find(split("latest/meta-data/" + path)).content()
		if string(got) != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestHostileClients(t *testing.T) {
	url, _ := start(t, testWorld(t, asGiven), nil)
	at := strings.TrimPrefix(url, "http://")
	dial := func(port byte) net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, port)}}).Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	for name, c := range map[string]struct{ in, want string }{
		"long header": {"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", " 431 "},
		"no http":     {"\x16\x03\x01\x00\x00\r\n\r\n", " 400 "},
		"body":        {"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", "Connection: close"},
	} {
		conn := dial(1)
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		go io.WriteString(conn, c.in) // the server may not read all of it
		got, _ := io.ReadAll(conn)    // ends in a reset where it did not
		if !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	for range maxConnsOfPort + 10 {
		dial(1)
	}
	if _, body, _ := call(t, client(t, 2), "GET", url+"/latest/meta-data/instance-id"); body != "i-two" {
		t.Errorf("with a neighbour that holds all its connections: %s", body)
	}
}

// FuzzRequest sends any request without a token of its own: it learns nothing but its own token.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n",
		"GET //%2e%2e/latest/dynamic/ HTTP/1.0\r\nX-aws-ec2-metadata-token: " + strings.Repeat("A", 56) + "\r\nRange: bytes=0-1\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
	} {
		f.Add([]byte(seed))
	}
	w := testWorld(f, func(i *world.Instance) { i.Metadata.Tokens = true })
	s := &server{cfg: Config{Key: testKey, Now: time.Now, Role: func(world.Instance) (Role, bool) { return Role{}, false }}}
	s.view.Store(&view{vpc: fabric.Compile(w).VPCs[0], world: &w})
	sock, err := net.ListenPacket("udp4", "127.0.0.1:0") // something to set a hop limit on
	if err != nil {
		f.Fatal(err)
	}
	defer sock.Close()
	ctx := context.WithValue(context.Background(), connKey{}, &conn{Conn: sock.(*net.UDPConn), port: 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		rec := httptest.NewRecorder()
		s.handle(rec, r.WithContext(ctx))
		if rec.Code >= 300 {
			if len(rec.Body.Bytes()) > 1000 {
				t.Fatalf("a refusal of %d bytes", rec.Body.Len())
			}
			return
		}
		if _, ok := tokenExpiry(testKey, "i-one", rec.Body.String()); !ok || r.Method != http.MethodPut {
			t.Fatalf("%s %s without a token: %d %s", r.Method, r.URL, rec.Code, rec.Body)
		}
	})
}
