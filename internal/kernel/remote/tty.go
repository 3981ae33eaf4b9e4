package remote

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// IsTerminal tells whether the file is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// MakeRaw puts a terminal into the mode in which every key reaches the program
// and returns how to put it back. (termios(3), cfmakeraw.)
func MakeRaw(f *os.File) (restore func(), err error) {
	old, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("remote: read terminal mode: %w", err)
	}
	raw := *old
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag &^= unix.CSIZE | unix.PARENB
	raw.Cflag |= unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &raw); err != nil {
		return nil, fmt.Errorf("remote: set terminal mode: %w", err)
	}
	return func() { unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, old) }, nil
}

func runTTY(ctx context.Context, c *Conn, req Request, s Streams) (int, error) {
	if size, err := unix.IoctlGetWinsize(int(s.In.Fd()), unix.TIOCGWINSZ); err == nil {
		req.Rows, req.Cols = size.Row, size.Col
	}
	if err := c.Send(req); err != nil {
		return 0, err
	}
	stop := passSignals(c, []os.Signal{syscall.SIGTERM, syscall.SIGHUP})
	defer stop()
	var relay relay
	defer relay.end()
	return wait(ctx, c, func(files []*os.File) {
		if len(files) == 1 {
			relay.begin(files[0], s)
		}
	})
}

// relay joins the caller's terminal with the one in the instance.
type relay struct {
	master  *os.File
	restore func()
	resized chan os.Signal
	in      *input
	out     sync.WaitGroup
}

func (r *relay) begin(master *os.File, s Streams) {
	r.master = master
	if restore, err := MakeRaw(s.In); err == nil {
		r.restore = restore
	}
	r.resized = make(chan os.Signal, 1)
	signal.Notify(r.resized, syscall.SIGWINCH)
	r.out.Go(func() {
		for range r.resized {
			if size, err := unix.IoctlGetWinsize(int(s.In.Fd()), unix.TIOCGWINSZ); err == nil {
				unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, size)
			}
		}
	})
	// The input gets a descriptor of its own, since it closes it.
	if fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil {
		r.in = startInput(os.NewFile(uintptr(fd), "terminal"), s.In)
	}
	r.out.Go(func() { io.Copy(s.Out, master) }) // ends with EIO when nobody has the terminal open
}

func (r *relay) end() {
	if r.master == nil {
		return
	}
	signal.Stop(r.resized)
	close(r.resized)
	if r.in != nil {
		r.in.stop()
	}
	r.out.Wait()
	r.master.Close()
	if r.restore != nil {
		r.restore()
	}
}
