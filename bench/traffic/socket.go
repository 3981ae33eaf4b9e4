package traffic

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// Path is where load goes: from a namespace to an address, behind which the namespace To listens.
type Path struct {
	From, To string         // files of namespaces
	Dst      netip.AddrPort // what the clients connect to
	Port     uint16         // what the server listens on; 0: that of Dst
}

// patience bounds every send and receive: what takes longer is an error, in seconds.
const patience = 5

// backlog is how many connections may wait to be accepted.
const backlog = 1024

// open makes a TCP socket in the calling thread's namespace.
func open() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("traffic: socket: %w", err)
	}
	return fd, bound(fd)
}

// bound bounds how long a call on the socket may take, and sends small writes at once.
func bound(fd int) error {
	limit := unix.Timeval{Sec: patience}
	for _, o := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, o, &limit); err != nil {
			return fmt.Errorf("traffic: time limit: %w", err)
		}
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}

// dial connects from the calling thread's namespace.
func dial(to netip.AddrPort) (int, error) {
	fd, err := open()
	if err != nil {
		return -1, err
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	if err == unix.EINTR {
		err = connected(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("traffic: connect to %s: %w", to, err)
	}
	return fd, nil
}

// connected waits for the end of a connect that a signal of the runtime interrupted.
func connected(fd int) error {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, patience*1000)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return unix.ETIMEDOUT
		}
		e, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && e != 0 {
			err = unix.Errno(e)
		}
		return err
	}
}

// send writes a message, which is small enough to be taken whole.
func send(fd int, b []byte) error {
	for {
		if _, err := unix.Write(fd, b); err != unix.EINTR {
			return err
		}
	}
}

// reset closes the connection with RST, so that nothing of it stays.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) // a FIN does as well
	unix.Close(fd)
}

// listen opens a listener in the path's server namespace.
func (p Path) listen() (int, error) {
	port := p.Port
	if port == 0 {
		port = p.Dst.Port()
	}
	fd := -1
	err := kernel.In(p.To, func() error {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(port)}); err != nil {
			return err
		}
		return unix.Listen(fd, backlog)
	})
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("traffic: listen on %d: %w", port, err)
	}
	return fd, nil
}

// full reads until b is full.
func full(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return unix.EPIPE
		}
		b = b[n:]
	}
	return nil
}

// Listening waits until somebody listens on the address in the namespace.
func Listening(ns string, addr netip.AddrPort) error {
	return kernel.In(ns, func() error {
		for deadline := time.Now().Add(patience * time.Second); ; time.Sleep(time.Millisecond) {
			fd, err := dial(addr)
			if err == nil {
				reset(fd)
				return nil
			}
			if time.Now().After(deadline) {
				return err
			}
		}
	})
}
