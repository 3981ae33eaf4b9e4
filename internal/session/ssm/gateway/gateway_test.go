package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/ssm/frame"
	"kumiko/internal/world"
)

// book is a book on paper. Its changes are told by the channel events.
type book struct {
	mu     sync.Mutex
	open   map[string]Session
	events chan string
}

func (b *book) Open(id string) (Session, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.open[id]
	return s, ok
}

func (b *book) Ended(id, why string) {
	b.mu.Lock()
	delete(b.open, id)
	b.mu.Unlock()
	b.events <- "ended " + id + " " + why
}

func (b *book) Attached(id string, both bool) {
	if both {
		b.events <- "joined " + id
	}
}
func (b *book) Reachable(i world.InstanceID, is bool) {
	b.events <- map[bool]string{true: "up ", false: "down "}[is] + string(i)
}
func (b *book) Answered(_ world.InstanceID, a frame.JobAnswer) { b.events <- "answered " + a.JobID }

// lab is a gateway that is served.
type lab struct {
	*testing.T
	*Gateway
	book *book
	url  string
}

func newLab(t *testing.T) *lab {
	l := &lab{T: t, book: &book{open: map[string]Session{}, events: make(chan string, 100)}}
	l.Gateway = New(Config{Key: []byte("k"), Book: l.book, Identify: func(r *http.Request, _ []byte, _ string) (world.InstanceID, error) {
		if r.Header.Get("Authorization") == "" {
			return "", errors.New("who?")
		}
		return world.InstanceID(r.Header.Get("Authorization")), nil
	}})
	server := httptest.NewServer(l.Gateway)
	l.url = server.URL
	t.Cleanup(func() { l.Close(); server.Close() })
	return l
}

func (l *lab) begin(id string) {
	s := Session{ID: id, Instance: "i-1", Task: frame.SessionTask{SessionID: id}}
	l.book.mu.Lock()
	l.book.open[id] = s
	l.book.mu.Unlock()
	if err := l.Begin(s); err != nil {
		l.Fatal(err)
	}
}

// wait waits until the book is told.
func (l *lab) wait(want string) {
	l.Helper()
	for {
		select {
		case got := <-l.book.events:
			if strings.HasPrefix(got, want) {
				return
			}
		case <-time.After(10 * time.Second):
			l.Fatalf("nobody said %q", want)
		}
	}
}

var tokenValue = regexp.MustCompile(`<TokenValue>(.*)</TokenValue>`)

// token asks for a token as the instance.
func (l *lab) token(path, as string) (string, int) {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), http.MethodPost, l.url+path, strings.NewReader(`{"MessageSchemaVersion":"1.0"}`))
	if err != nil {
		l.Fatal(err)
	}
	r.Header.Set("Authorization", as)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		l.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		l.Fatal(err)
	}
	if m := tokenValue.FindSubmatch(b); m != nil {
		return string(m[1]), resp.StatusCode
	}
	return string(b), resp.StatusCode
}

// dial opens a channel; as is the instance, or empty for a client.
func (l *lab) dial(path, as, token string) *websocket.Conn {
	l.Helper()
	h := http.Header{}
	if as != "" {
		h.Set("Authorization", as)
	}
	c, _, err := websocket.Dial(l.Context(), l.url+path, &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { c.CloseNow() })
	b, _ := json.Marshal(frame.OpenChannel{MessageSchemaVersion: "1.0", TokenValue: token})
	if err := c.Write(l.Context(), websocket.MessageText, b); err != nil {
		l.Fatal(err)
	}
	return c
}

func (l *lab) agent() *websocket.Conn {
	l.Helper()
	token, status := l.token("/v1/control-channel/i-1", "i-1")
	if status != http.StatusCreated {
		l.Fatalf("%d: %s", status, token)
	}
	c := l.dial("/v1/control-channel/i-1?role=subscribe&stream=input", "i-1", token)
	l.wait("up i-1")
	return c
}

func (l *lab) ends(id string) (agent, client *websocket.Conn) {
	l.Helper()
	token, _ := l.token("/v1/data-channel/"+id, "i-1")
	agent = l.dial("/v1/data-channel/"+id+"?role=publish_subscribe", "i-1", token)
	client = l.dial("/v1/data-channel/"+id+"?role=publish_subscribe", "", l.ClientToken(id))
	l.wait("joined " + id)
	return agent, client
}

func (l *lab) read(c *websocket.Conn) (frame.Message, []byte) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 10*time.Second)
	defer cancel()
	_, b, err := c.Read(ctx)
	if err != nil {
		l.Fatal(err)
	}
	m, err := frame.Parse(b)
	if err != nil {
		l.Fatal(err)
	}
	return m, b
}

func (l *lab) write(c *websocket.Conn, b []byte) {
	l.Helper()
	if err := c.Write(l.Context(), websocket.MessageBinary, b); err != nil {
		l.Fatal(err)
	}
}

func data(t frame.Type, text string) []byte {
	return frame.New(t, frame.Bytes, []byte(text), time.UnixMilli(1700000000000), frame.NewID()).Append(nil)
}

func TestASessionFromBeginningToEnd(t *testing.T) {
	l := newLab(t)
	control := l.agent()
	l.begin("s1")
	if m, _ := l.read(control); m.Type != frame.Shell || !bytes.Contains(m.Payload, []byte(`"TaskId":"s1"`)) {
		t.Fatalf("the agent is told %s %s", m.Type, m.Payload)
	}
	agent, client := l.ends("s1")
	for _, c := range []struct {
		from, to *websocket.Conn
		bytes    []byte
	}{
		{agent, client, data(frame.Output, "$ ")},
		{client, agent, data(frame.Input, "ls\r")},
		{client, agent, frame.AckOf(frame.Message{Type: frame.Output}, time.UnixMilli(1)).Append(nil)},
	} {
		l.write(c.from, c.bytes)
		if _, got := l.read(c.to); !bytes.Equal(got, c.bytes) {
			t.Errorf("what arrives is not what was sent:\n%q\n%q", got, c.bytes)
		}
	}
	l.write(agent, frame.New(frame.State, frame.NoPayload, []byte(`{"SessionState":"Terminating"}`), time.UnixMilli(1), frame.NewID()).Append(nil))
	done := frame.New(frame.TaskComplete, frame.NoPayload, frame.Encode(frame.TaskResult{TaskID: "s1", Output: "bye"}), time.UnixMilli(1), frame.NewID())
	l.write(control, done.Append(nil))
	if m, _ := l.read(control); m.Type != frame.TaskAcknowledge || !bytes.Contains(m.Payload, []byte(done.ID.String())) {
		t.Errorf("the result is answered by %s %s", m.Type, m.Payload)
	}
	if m, _ := l.read(client); m.Type != frame.Closed || !bytes.Contains(m.Payload, []byte(`"Output":"bye"`)) {
		t.Errorf("the client reads %s %s", m.Type, m.Payload)
	}
	l.wait("ended s1 bye")
	if text, status := l.token("/v1/data-channel/s1", "i-1"); status == http.StatusCreated || !strings.Contains(text, "already terminated") {
		t.Errorf("an ended session gives a token: %d %s", status, text)
	}
}

func TestWhatIsMalformedEndsItsSessionOnly(t *testing.T) {
	l := newLab(t)
	l.agent()
	l.begin("s1")
	l.begin("s2")
	_, hostile := l.ends("s1")
	agent, client := l.ends("s2")
	l.write(hostile, []byte("\x00\x00\x00\x74 but no message"))
	l.wait("ended s1 A message was malformed.")
	l.write(client, data(frame.Input, "still here"))
	if m, _ := l.read(agent); string(m.Payload) != "still here" {
		t.Errorf("the other session got %q", m.Payload)
	}
	if !l.Connected("i-1") {
		t.Error("the agent's control channel is gone")
	}
}

func TestAClientThatComesBackMissesNothing(t *testing.T) {
	l := newLab(t)
	l.agent()
	l.begin("s1")
	agent, client := l.ends("s1")
	client.CloseNow()
	client = l.dial("/v1/data-channel/s1", "", l.ClientToken("s1"))
	l.write(agent, data(frame.Output, "again"))
	if m, _ := l.read(client); string(m.Payload) != "again" {
		t.Errorf("got %q", m.Payload)
	}
}

func TestOthersTokensOpenNothing(t *testing.T) {
	l := newLab(t)
	l.agent()
	l.begin("s1")
	l.begin("s2")
	if text, status := l.token("/v1/control-channel/i-1", "i-2"); status != http.StatusForbidden || !strings.Contains(text, "<AccessDeniedException>") {
		t.Errorf("another instance's control channel: %d %s", status, text)
	}
	if _, status := l.token("/v1/data-channel/s1", "i-2"); status != http.StatusForbidden {
		t.Errorf("another instance's session: %d", status)
	}
	for name, token := range map[string]string{"none": "", "another session's": l.ClientToken("s2"), "an old one": l.seal(forClient, "s1", time.Now().Add(-25*time.Hour))} {
		c := l.dial("/v1/data-channel/s1", "", token)
		if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEndTellsBothEnds(t *testing.T) {
	l := newLab(t)
	l.agent()
	l.begin("s1")
	agent, client := l.ends("s1")
	l.End("s1", "")
	for _, c := range []*websocket.Conn{agent, client} {
		if m, _ := l.read(c); m.Type != frame.Closed {
			t.Errorf("read %s", m.Type)
		}
	}
	l.wait("ended s1")
}

func TestAQuietSessionEnds(t *testing.T) {
	l := newLab(t)
	l.agent()
	s := Session{ID: "s1", Instance: "i-1", Idle: time.Millisecond}
	l.book.open["s1"] = s
	if err := l.Begin(s); err != nil {
		t.Fatal(err)
	}
	l.wait("ended s1 The session timed out")
}

func TestWithoutAnAgentNothingBegins(t *testing.T) {
	if err := newLab(t).Begin(Session{ID: "s1", Instance: "i-9"}); !errors.Is(err, ErrNotConnected) {
		t.Error(err)
	}
}
