package launch

import (
	"io"
	"strings"
	"sync"
)

// tailSize is how much of a daemon's log is kept for an error, in bytes.
const tailSize = 8 << 10

// tail passes writes on and keeps the last of them.
type tail struct {
	to  io.Writer
	mu  sync.Mutex
	buf []byte
}

// Write keeps p and passes it on.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = t.buf[over:]
	}
	t.mu.Unlock()
	if t.to == nil {
		return len(p), nil
	}
	return t.to.Write(p)
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}

// announcement waits for the line that says ready and sends the address in it, once.
type announcement struct {
	ready chan<- string // with room for one
	line  []byte
	sent  bool
}

// Write takes lines apart; what follows the announcement is passed over.
func (a *announcement) Write(p []byte) (int, error) {
	for _, b := range p {
		if b != '\n' {
			a.line = append(a.line, b)
			continue
		}
		if url := address(string(a.line)); url != "" && !a.sent {
			a.sent = true
			a.ready <- url
		}
		a.line = a.line[:0]
	}
	return len(p), nil
}

// address is the URL in a line that says ready, or nothing.
func address(line string) string {
	if !strings.Contains(line, "ready") {
		return ""
	}
	for _, w := range strings.Fields(line) {
		if strings.HasPrefix(w, "http") {
			return strings.TrimRight(w, ",.;")
		}
	}
	return ""
}
