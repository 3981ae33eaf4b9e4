package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/session/ssm/client"
	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/session/ssm/gateway"
	"kumiko/internal/session/ssm/identity"
	"kumiko/internal/world"
)

// lab is a gateway with one agent, which is this process.
type lab struct {
	*testing.T
	gateway *gateway.Gateway
	url     string
	http    *http.Client

	mu      sync.Mutex
	open    map[string]gateway.Session
	ended   map[string]string
	answers chan frame.JobAnswer
	up      chan struct{}
}

func (l *lab) Open(id string) (gateway.Session, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.open[id]
	return s, ok
}

func (l *lab) Ended(id, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, id)
	l.ended[id] = why
}
func (l *lab) Attached(string, bool) {}
func (l *lab) Reachable(_ world.InstanceID, is bool) {
	if is {
		l.up <- struct{}{}
	}
}
func (l *lab) Answered(_ world.InstanceID, a frame.JobAnswer) { l.answers <- a }

func newLab(t *testing.T) *lab {
	l := &lab{T: t, open: map[string]gateway.Session{}, ended: map[string]string{}, answers: make(chan frame.JobAnswer, 8), up: make(chan struct{}, 8)}
	l.gateway = gateway.New(gateway.Config{Key: []byte("k"), Book: l, Identify: func(r *http.Request, body []byte, _ string) (world.InstanceID, error) {
		claim, bad := sigv4.Parse(r)
		if bad != nil {
			return "", bad
		}
		if bad := claim.Verify(r, body, sigv4.SigningKey("secret", claim.Date, claim.Region, claim.Service)); bad != nil {
			return "", bad
		}
		return "i-1", nil
	}})
	mux := http.NewServeMux()
	mux.Handle("/v1/", l.gateway)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") })
	server := httptest.NewTLSServer(mux)
	l.url, l.http = server.URL, server.Client()
	log, err := openLog(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	c, err := readConfig("/does/not/exist")
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(server.URL, "https://")
	c.Mgs.Endpoint, c.Ssm.Endpoint = host, host
	i := identity.Known("i-1", "us-east-1", sigv4.Credential{ID: "ASIA", Secret: "secret"}, time.Now().Add(time.Hour))
	a := &agent{caller: newCaller(i, c), log: log, sessions: map[string]*session{}, acks: map[string]chan struct{}{}, jobs: map[string]func(){}}
	a.http = l.http
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { a.run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		l.gateway.Close()
		server.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.file.Name())
			t.Logf("the agent's log:\n%s", b)
		}
	})
	<-l.up
	return l
}

// session begins a session of the document and gives what the client wrote when it is over. in is closed at the end.
func (l *lab) session(id, doc string, parameters map[string]any, in *os.File, out io.Writer) error {
	l.Helper()
	me, err := user.Current()
	if err != nil {
		l.Fatal(err)
	}
	s := gateway.Session{ID: id, Instance: "i-1", Task: frame.SessionTask{
		SessionID: id, DocumentName: "D", DocumentContent: json.RawMessage(doc), Parameters: parameters, RunAsUser: me.Username,
	}}
	l.mu.Lock()
	l.open[id] = s
	l.mu.Unlock()
	if err := l.gateway.Begin(s); err != nil {
		l.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(l.Context(), 60*time.Second)
	defer cancel()
	return client.Run(ctx, client.Options{
		ID: id, URL: strings.Replace(l.url, "https", "wss", 1) + "/v1/data-channel/" + id + "?role=publish_subscribe", Token: l.gateway.ClientToken(id), HTTP: l.http,
		Resume:    func(context.Context) (string, error) { return l.gateway.ClientToken(id), nil },
		Terminate: func(context.Context) error { l.gateway.End(id, ""); return nil },
		In:        in, Out: out, Err: out,
	})
}

// pipe is standard input that says text and is then left open until the test ends.
func (l *lab) pipe(text string) *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { r.Close(); w.Close() })
	if _, err := io.WriteString(w, text); err != nil {
		l.Fatal(err)
	}
	return r
}

const shellDocument = `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{}}`

func TestAShellIsATerminal(t *testing.T) {
	l := newLab(t)
	var out bytes.Buffer
	if err := l.session("s1", shellDocument, nil, l.pipe("stty size; tty >/dev/null && echo it is; exit 3\n"), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Starting session with SessionId: s1", "100 300", "it is", "Exiting session with sessionId: s1."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestTenMegabytesOfOutputAreUnharmed(t *testing.T) {
	l := newLab(t)
	var out bytes.Buffer
	if err := l.session("s1", shellDocument, nil, l.pipe("stty -opost -echo; PS1=; echo BEGIN; head -c 10485760 /dev/zero | tr '\\0' x; echo END; exit\n"), &out); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(out.String(), "BEGIN\n")
	if n := strings.Index(rest, "END"); n != 10<<20 || strings.Trim(rest[:n], "x") != "" {
		t.Errorf("%d bytes arrived", n)
	}
}

func TestACommandTellsItsStatus(t *testing.T) {
	l := newLab(t)
	var out bytes.Buffer
	doc := `{"sessionType":"NonInteractiveCommands","parameters":{"command":{"type":"String"}},"properties":{"separateOutputStream":"True","linux":{"commands":"{{ command }}"}}}`
	if err := l.session("s1", doc, map[string]any{"command": "read x; echo got $x; echo oops >&2; exit 7"}, l.pipe("line\n"), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"got line", "oops", "EXIT_CODE: 7"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestAPortIsForwarded(t *testing.T) {
	l := newLab(t)
	echo, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	_, port, _ := net.SplitHostPort(echo.Addr().String())
	reader, writer := io.Pipe()
	doc := `{"sessionType":"Port","parameters":{},"properties":{"portNumber":"{{ portNumber }}","type":"LocalPortForwarding","localPortNumber":"0"}}`
	done := make(chan error)
	go func() { done <- l.session("s1", doc, map[string]any{"portNumber": port}, l.pipe(""), writer) }()
	said := make([]byte, 4096)
	n, local := 0, ""
	for local == "" {
		m, err := reader.Read(said[n:])
		if err != nil {
			t.Fatal(err)
		}
		if n += m; regexp.MustCompile(`Port (\d+) opened`).Match(said[:n]) {
			local = string(regexp.MustCompile(`Port (\d+) opened`).FindSubmatch(said[:n])[1])
		}
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	for range 3 {
		c, err := net.Dial("tcp", "localhost:"+local)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 4<<20)
		_, _ = rand.Read(want)
		go func() { _, _ = c.Write(want) }()
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || sha256.Sum256(got) != sha256.Sum256(want) {
			t.Errorf("%v, or other bytes", err)
		}
		c.Close()
	}
	l.gateway.End("s1", "")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAPortThatIsClosedSaysSo(t *testing.T) {
	l := newLab(t)
	var out bytes.Buffer
	if err := l.session("s1", `{"sessionType":"Port","properties":{"portNumber":"1"}}`, nil, l.pipe(""), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Unable to connect to specified port") {
		t.Error(out.String())
	}
}

func TestAScriptIsRun(t *testing.T) {
	l := newLab(t)
	content := `{"CommandId":"c","Parameters":{"commands":["echo hello","exit 4"]},"DocumentContent":{"mainSteps":[{"action":"aws:runShellScript","name":"run","inputs":{"runCommand":"{{ commands }}"}}]}}`
	if err := l.gateway.Job("i-1", frame.JobRequest{Content: content, JobID: "aws.ssm.c.i-1", SchemaVersion: 1}); err != nil {
		t.Fatal(err)
	}
	for {
		a := <-l.answers
		if a.Content == "" {
			continue
		}
		var r jobReply
		if err := json.Unmarshal([]byte(a.Content), &r); err != nil {
			t.Fatal(err)
		}
		if s := r.RuntimeStatus["run"]; r.DocumentStatus != "Failed" || s.Code != 4 || s.StandardOutput != "hello\n" {
			t.Errorf("%+v", r)
		}
		return
	}
}
