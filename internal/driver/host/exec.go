package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/world"
)

// ErrNotRunning says that an instance has no process to run a command in.
var ErrNotRunning = errors.New("the instance is not running")

// Command is a command to be run in an instance.
type Command struct {
	Run                   string // runtime folder of the daemon
	Instance              world.InstanceID
	Argv                  []string
	Stdin, Stdout, Stderr *os.File
	TTY                   bool // give it a terminal, joined with the caller's, which is Stdin
}

// Exec runs a command in an instance as root and returns its exit status: 128
// plus the signal when it was killed, 126 or 127 and a word on Stderr when it could
// not be started. It needs no daemon. Signals the calling process gets meanwhile
// are passed on to the command.
func Exec(ctx context.Context, c Command) (int, error) {
	conn, err := remote.Dial(ctx, filepath.Join(c.Run, "hosts", string(c.Instance), socketFile))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return 0, fmt.Errorf("host: %s: %w", c.Instance, ErrNotRunning)
	}
	if err != nil {
		return 0, fmt.Errorf("host: %s: %w", c.Instance, err)
	}
	defer conn.Close()
	req := remote.Request{Argv: c.Argv, TTY: c.TTY}
	if t := os.Getenv("TERM"); c.TTY && t != "" {
		req.Env = []string{"TERM=" + t}
	}
	code, err := remote.Run(ctx, conn, req, remote.Streams{In: c.Stdin, Out: c.Stdout, Err: c.Stderr})
	if err != nil && code != 0 { // as a shell would tell it
		fmt.Fprintln(c.Stderr, err)
		err = nil
	}
	return code, err
}
