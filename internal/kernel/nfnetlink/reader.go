package nfnetlink

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// readBuffer is the size in bytes of the queue between the kernel and a reader: some ten thousand messages. What does
// not fit is lost, and counted.
const readBuffer = 8 << 20

// reader is a netlink socket in a namespace that messages come from.
type reader struct {
	conn   *netlink.Conn
	closed atomic.Bool
	lost   atomic.Uint64
}

func open(namespace string) (*reader, error) {
	f, err := kernel.Open(namespace)
	if err != nil {
		return nil, fmt.Errorf("nfnetlink: %w", err)
	}
	defer f.Close()
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: int(f.Fd())})
	if err != nil {
		return nil, fmt.Errorf("nfnetlink: connect to %s: %w", namespace, err)
	}
	if err := c.SetReadBuffer(readBuffer); err != nil {
		c.Close()
		return nil, fmt.Errorf("nfnetlink: connect to %s: %w", namespace, err)
	}
	return &reader{conn: c}, nil
}

// Close ends the reader; a Read that waits returns ErrClosed.
func (r *reader) Close() error {
	r.closed.Store(true)
	return r.conn.Close()
}

// Lost is how often the kernel had to throw away messages because they were not read fast enough.
func (r *reader) Lost() uint64 { return r.lost.Load() }

// ErrClosed is the error of reading from a closed reader.
var ErrClosed = errors.New("nfnetlink: reader is closed")

// receive waits for messages. Overruns are counted and passed over.
func (r *reader) receive() ([]netlink.Message, error) {
	for {
		messages, err := r.conn.Receive()
		switch {
		case err == nil:
			return messages, nil
		case r.closed.Load():
			return nil, ErrClosed
		case errors.Is(err, syscall.ENOBUFS):
			r.lost.Add(1)
		default:
			return nil, fmt.Errorf("nfnetlink: receive: %w", err)
		}
	}
}

// header is nfgenmsg. (linux/netfilter/nfnetlink.h)
func header(family byte, resource uint16) []byte {
	return []byte{family, unix.NFNETLINK_V0, byte(resource >> 8), byte(resource)}
}

// headerLen is the length of nfgenmsg.
const headerLen = 4
