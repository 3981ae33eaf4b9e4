package traffic

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// Gate tells when a path begins or ceases to let connections through.
type Gate struct {
	path   Path
	server *server
}

// Watch starts the server that answers where the path is open.
func (p Path) Watch() (*Gate, error) {
	s, err := p.serve(1, func(int) {})
	if err != nil {
		return nil, err
	}
	return &Gate{path: p, server: s}, nil
}

// Close ends the server.
func (g *Gate) Close() { g.server.stop() }

// An answer takes some twenty microseconds; who gets none in glance has none, in certain beyond doubt on a busy
// machine. quiet is how many probes in a row must fail for a path to count as closed. pause
// lies between probes that succeed, so that they do not take the processors from what is measured.
const (
	glance  = 300 * time.Microsecond
	certain = 20 * time.Millisecond
	pause   = 100 * time.Microsecond
	quiet   = 2
)

// errTooLong is the error of a path that does not change.
var errTooLong = errors.New("traffic: the path does not change")

// Until sends connection requests, one after the other, until the path is open or closed, and tells how long that took
// from the call to the sending of the first request with that fate.
func (g *Gate) Until(open bool) (took time.Duration, err error) {
	begun := time.Now()
	err = kernel.In(g.path.From, func() error {
		wait, failed := glance, 0
		if !open {
			wait = certain
		}
		for {
			sent := time.Since(begun)
			if sent > patience*time.Second {
				return fmt.Errorf("%w: wanted open %v", errTooLong, open)
			}
			ok, err := g.probe(wait)
			switch {
			case err != nil:
				return err
			case ok && open:
				took = sent
				return nil
			case ok:
				failed = 0
				time.Sleep(pause)
			case !open:
				if failed == 0 {
					took = sent
				}
				if failed++; failed >= quiet {
					return nil
				}
			}
		}
	})
	return took, err
}

// probe sends one connection request and tells whether an answer came in time.
func (g *Gate) probe(wait time.Duration) (bool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false, err
	}
	defer reset(fd)
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: g.path.Dst.Addr().As4(), Port: int(g.path.Dst.Port())})
	if err == nil {
		return true, nil
	}
	if err != unix.EINPROGRESS {
		return false, fmt.Errorf("traffic: probe: %w", err)
	}
	for deadline := time.Now().Add(wait); ; {
		left := unix.NsecToTimespec(max(0, time.Until(deadline).Nanoseconds()))
		n, err := unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, &left, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return false, fmt.Errorf("traffic: probe: %w", err)
		case n == 0:
			return false, nil
		}
		e, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		return e == 0, err
	}
}
