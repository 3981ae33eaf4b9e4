package agent

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// LogFile is where the agent writes.
const LogFile = "/var/log/amazon/ssm/amazon-ssm-agent.log"

// maxLog is how many bytes the log may have before it begins anew; the one before is kept.
const maxLog = 8 << 20

// logger writes lines as the agent's do.
type logger struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

func openLog(path string) (*logger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("agent: make log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("agent: open log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("agent: open log: %w", err)
	}
	return &logger{file: f, size: info.Size()}, nil
}

func (l *logger) info(part, format string, args ...any)  { l.line("INFO", part, format, args...) }
func (l *logger) warn(part, format string, args ...any)  { l.line("WARN", part, format, args...) }
func (l *logger) error(part, format string, args ...any) { l.line("ERROR", part, format, args...) }

func (l *logger) line(level, part, format string, args ...any) {
	text := fmt.Sprintf("%s %s [ssm-agent-worker] [%s] %s\n", time.Now().UTC().Format("2006-01-02 15:04:05.0000"), level, part, fmt.Sprintf(format, args...))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > maxLog {
		l.rotate()
	}
	n, _ := io.WriteString(l.file, text) // a full disk must not stop the agent
	l.size += int64(n)
}

func (l *logger) rotate() {
	path := l.file.Name()
	if os.Rename(path, path+".1") != nil {
		return
	}
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		l.file.Close()
		l.file, l.size = f, 0
	}
}
