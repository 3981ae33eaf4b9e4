package guest

import (
	"os"
	"sync"
)

// Sizes of the console log in bytes: when it has grown to the first, the last
// part of the second size is kept. (GetConsoleOutput gives the last 64 KiB.)
const (
	consoleFull = 256 << 10
	consoleKeep = 64 << 10
)

// console writes the console log, which stays bounded.
type console struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

func newConsole(f *os.File) *console {
	c := &console{file: f}
	if info, err := f.Stat(); err == nil {
		c.size = info.Size()
	}
	return c
}

// Write appends to the log.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size+int64(len(b)) > consoleFull {
		c.shrink()
	}
	n, err := c.file.Write(b)
	c.size += int64(n)
	return n, err
}

// shrink keeps the end of the log. On any error the log starts anew.
func (c *console) shrink() {
	tail := make([]byte, consoleKeep)
	n, err := c.file.ReadAt(tail, max(0, c.size-consoleKeep))
	if err != nil {
		n = 0
	}
	if c.file.Truncate(0) != nil {
		return
	}
	m, _ := c.file.Write(tail[:n])
	c.size = int64(m)
}
