package remote

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
)

// Streams are what a command reads and writes on the caller's side.
type Streams struct {
	In, Out, Err *os.File
}

// ErrEnded says that the instance, or its init, ended before the command did.
var ErrEnded = errors.New("the instance ended")

// forwarded are the signals a caller passes on to the command.
func forwarded() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}
}

// Run runs the command of the request over the connection and returns its exit
// status. The caller's files are never given away: bytes are relayed, so the
// instance can neither reopen a file nor push characters into a terminal. The
// status of a command that cannot be started is 126 or 127, with an error.
func Run(ctx context.Context, c *Conn, req Request, s Streams) (int, error) {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if req.TTY {
		return runTTY(ctx, c, req, s)
	}
	return runPipes(ctx, c, req, s)
}

func runPipes(ctx context.Context, c *Conn, req Request, s Streams) (int, error) {
	var near, far [3]*os.File
	defer func() {
		closeAll(far[:])
		closeAll(near[:])
	}()
	for i := range near {
		r, w, err := os.Pipe()
		if err != nil {
			return 0, fmt.Errorf("remote: make pipe: %w", err)
		}
		near[i], far[i] = r, w
	}
	near[0], far[0] = far[0], near[0]
	if err := c.Send(req, far[:]...); err != nil {
		return 0, err
	}
	closeAll(far[:])
	stop := passSignals(c, forwarded())
	defer stop()
	in := startInput(near[0], s.In)
	defer in.stop()
	var out sync.WaitGroup
	out.Go(func() { io.Copy(s.Out, near[1]) })
	out.Go(func() { io.Copy(s.Err, near[2]) })
	code, err := wait(ctx, c, nil)
	if err != nil {
		closeAll(near[1:]) // a command that was not started wrote nothing
	}
	out.Wait()
	return code, err
}

// wait reads replies until the command has ended. started gets the terminal, if there is one.
func wait(ctx context.Context, c *Conn, started func([]*os.File)) (int, error) {
	for {
		var r Reply
		files, err := c.Receive(&r)
		if ctx.Err() != nil {
			closeAll(files)
			return 0, fmt.Errorf("remote: run: %w", ctx.Err())
		}
		if err != nil {
			return 0, ErrEnded
		}
		if r.Started && started != nil {
			started(files)
		} else {
			closeAll(files)
		}
		if r.Exited {
			if r.Error != "" {
				return r.Code, errors.New(r.Error)
			}
			return r.Code, nil
		}
	}
}

// passSignals sends the signals this process gets to the command until stop is called.
func passSignals(c *Conn, which []os.Signal) (stop func()) {
	ch := make(chan os.Signal, 8)
	signal.Notify(ch, which...)
	var wg sync.WaitGroup
	wg.Go(func() {
		for sig := range ch {
			if err := c.Send(Signal{int(sig.(syscall.Signal))}); err != nil {
				return // the command has ended
			}
		}
	})
	return func() {
		signal.Stop(ch)
		close(ch)
		wg.Wait()
	}
}

// input copies the caller's input to the command until stopped, at end of file, or when the command stops reading.
type input struct {
	wake *os.File
	done sync.WaitGroup
}

func startInput(to, from *os.File) *input {
	in := &input{}
	r, w, err := os.Pipe()
	if err != nil || from == nil {
		to.Close()
		return in
	}
	in.wake = w
	in.done.Go(func() {
		defer r.Close()
		defer to.Close()
		copyUntil(to, from, r)
	})
	return in
}

// copyUntil copies until the wake descriptor is readable or closed at its other end.
func copyUntil(to, from, wake *os.File) {
	buf := make([]byte, 32<<10)
	fds := []unix.PollFd{{Fd: int32(from.Fd()), Events: unix.POLLIN}, {Fd: int32(wake.Fd()), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil || fds[1].Revents != 0 {
			return
		}
		n, err := from.Read(buf)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (in *input) stop() {
	if in.wake != nil {
		in.wake.Close()
	}
	in.done.Wait()
}
