package nfnetlink

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// gather is how long a burst reader leaves the queue alone after each reading, so that it wakes once for many messages.
// Messages that come one by one are not held up: the time has passed when the next one comes.
const gather = 4 * time.Millisecond

// burstMost is how many datagrams are read at once at most.
const burstMost = 1024

// burst is a netlink socket whose messages are read many at a time. A socket in the runtime's poller would wake it for
// each message, wanted or not. So the poller watches a set of its own, which holds the socket and fires once until it
// is armed again. (epoll_ctl(2), EPOLLONESHOT.)
type burst struct {
	set    *os.File
	raw    syscall.RawConn
	closed chan struct{}
	lost   atomic.Uint64
	last   time.Time // of the last reading
	buffer []byte

	mu sync.Mutex // guards fd
	fd int        // -1: closed
}

// openBurst subscribes to a multicast group of nfnetlink in a namespace.
func openBurst(namespace string, group int) (*burst, error) {
	b := &burst{fd: -1, closed: make(chan struct{}), buffer: make([]byte, 32<<10)}
	err := kernel.In(namespace, func() (err error) {
		b.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("nfnetlink: connect to %s: %w", namespace, err)
	}
	if err := b.subscribe(group); err != nil {
		return nil, fmt.Errorf("nfnetlink: subscribe in %s: %w", namespace, errors.Join(err, unix.Close(b.fd)))
	}
	return b, nil
}

func (b *burst) subscribe(group int) error {
	if err := unix.SetsockoptInt(b.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, readBuffer); err != nil {
		return err
	}
	if err := unix.Bind(b.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(b.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
		return err
	}
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, b.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT}); err != nil {
		return errors.Join(err, unix.Close(set))
	}
	if err := unix.SetNonblock(set, true); err != nil {
		return errors.Join(err, unix.Close(set))
	}
	b.set = os.NewFile(uintptr(set), "epoll")
	b.raw, err = b.set.SyscallConn()
	return err
}

// Close ends the reader; a Read that waits returns ErrClosed.
func (b *burst) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fd < 0 {
		return nil
	}
	close(b.closed)
	err := errors.Join(b.set.Close(), unix.Close(b.fd))
	b.fd = -1
	return err
}

// Lost is how often the kernel had to throw away messages because they were not read fast enough.
func (b *burst) Lost() uint64 { return b.lost.Load() }

// read waits for messages and calls take with each of those there are. What take is given does not outlive the call.
func (b *burst) read(take func(syscall.NetlinkMessage) error) error {
	if rest := gather - time.Since(b.last); rest > 0 {
		select {
		case <-time.After(rest):
		case <-b.closed:
			return ErrClosed
		}
	}
	defer func() { b.last = time.Now() }()
	for {
		n, err := b.drain(take)
		if n > 0 || err != nil {
			return err
		}
		if err := b.wait(); err != nil {
			return err
		}
	}
}

// wait arms the set and waits until it fires.
func (b *burst) wait() error {
	if err := b.arm(); err != nil {
		return err
	}
	var failed error
	err := b.raw.Read(func(set uintptr) bool {
		var events [1]unix.EpollEvent
		n, err := unix.EpollWait(int(set), events[:], 0)
		if err != nil && err != unix.EINTR {
			failed = fmt.Errorf("nfnetlink: wait: %w", err)
		}
		return n > 0 || failed != nil
	})
	select {
	case <-b.closed:
		return ErrClosed
	default:
		return errors.Join(err, failed)
	}
}

func (b *burst) arm() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fd < 0 {
		return ErrClosed
	}
	var failed error
	err := b.raw.Control(func(set uintptr) {
		failed = unix.EpollCtl(int(set), unix.EPOLL_CTL_MOD, b.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT})
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("nfnetlink: wait: %w", err)
	}
	return nil
}

// drain reads what is queued, without waiting, and tells how many datagrams that were. Overruns are counted and passed
// over.
func (b *burst) drain(take func(syscall.NetlinkMessage) error) (read int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fd < 0 {
		return 0, ErrClosed
	}
	for read < burstMost {
		n, _, err := unix.Recvfrom(b.fd, b.buffer, 0)
		switch err {
		case nil:
		case unix.EAGAIN:
			return read, nil
		case unix.EINTR:
			continue
		case unix.ENOBUFS:
			b.lost.Add(1)
			continue
		default:
			return read, fmt.Errorf("nfnetlink: receive: %w", err)
		}
		read++
		messages, err := syscall.ParseNetlinkMessage(b.buffer[:n])
		if err != nil {
			return read, fmt.Errorf("nfnetlink: receive: %w", err)
		}
		for _, m := range messages {
			if err := take(m); err != nil {
				return read, err
			}
		}
	}
	return read, nil
}
