package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/session/ssm/frame"
)

// The size a terminal is taken to have where there is none. (session-manager-plugin, shellsession.)
const (
	defaultCols = 300
	defaultRows = 100
)

// shell joins the terminal, or standard input and output, with a program in the instance.
type shell struct{ *client }

func (s *shell) take(m frame.Message) error {
	var err error
	switch m.Kind {
	case frame.Bytes:
		_, err = s.Out.Write(m.Payload)
	case frame.StdErr:
		_, err = s.Err.Write(m.Payload)
	case frame.ExitCode:
		_, err = fmt.Fprintf(s.Err, "%s\n", m.Payload)
	}
	return err
}

func (s *shell) run(ctx context.Context) error {
	terminal := remote.IsTerminal(s.In)
	if terminal {
		restore, err := remote.MakeRaw(s.In)
		if err != nil {
			return err
		}
		defer restore()
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	stopped, stop, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stopped.Close()
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop.Close()
	failed := make(chan error, 1)
	reading.Go(func() { failed <- readUntil(s.In, stopped, s.key) })
	for last, err := (frame.Terminal{}), error(nil); ; {
		if size := s.size(); size != last {
			last = size
			if err := s.stream.Write(frame.Size, frame.Encode(size)); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-resized:
		case sig := <-s.Signals:
			if err := s.stream.Write(frame.Bytes, control(sig)); err != nil {
				return err
			}
		case err = <-failed:
			if terminal && err != nil {
				return errLeft // it hung up
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			failed = nil // nothing more is typed; what runs may go on
		}
	}
}

// key sends what was typed. A line feed alone is a carriage return to a terminal.
func (s *shell) key(b []byte) error {
	if len(b) == 1 && b[0] == '\n' {
		b = []byte{'\r'}
	}
	return s.stream.Write(frame.Bytes, b)
}

func (s *shell) size() frame.Terminal {
	if f, ok := s.Out.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			return frame.Terminal{Cols: size.Col, Rows: size.Row}
		}
	}
	return frame.Terminal{Cols: defaultCols, Rows: defaultRows}
}

// control is the key that does in the instance what a signal does here.
func control(sig os.Signal) []byte {
	switch sig {
	case syscall.SIGQUIT:
		return []byte{0x1c}
	case syscall.SIGTSTP:
		return []byte{0x1a}
	}
	return []byte{0x03}
}
