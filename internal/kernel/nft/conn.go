package nft

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"kumiko/internal/kernel"
)

// socketBuffer is the size in bytes that both directions of the socket may hold: a transaction goes to the kernel in
// one piece, and its errors come back in one.
const socketBuffer = 64 << 20

// Conn is a connection to the nftables of one network namespace. Its methods may be called concurrently.
type Conn struct {
	mu   sync.Mutex
	conn *netlink.Conn
	raw  syscall.RawConn
}

// Open connects to the namespace mounted at path. An open connection keeps the namespace alive.
func Open(namespace string) (*Conn, error) {
	f, err := kernel.Open(namespace)
	if err != nil {
		return nil, fmt.Errorf("nft: %w", err)
	}
	defer f.Close()
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: int(f.Fd())})
	if err != nil {
		return nil, fmt.Errorf("nft: connect to %s: %w", namespace, err)
	}
	raw, err := c.SyscallConn()
	if err == nil {
		err = errors.Join(c.SetReadBuffer(socketBuffer), c.SetWriteBuffer(socketBuffer))
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("nft: connect to %s: %w", namespace, err)
	}
	return &Conn{conn: c, raw: raw}, nil
}

// Close ends the connection; the namespace's tables stay.
func (c *Conn) Close() error { return c.conn.Close() }

// Apply turns the table old, which must be what the kernel has, into new, in one transaction. It does nothing when
// they are equal. After an error the kernel still has old.
func (c *Conn) Apply(old, new *Table) error { return c.commit(Diff(old, new)) }

// Replace puts the table in the place of whatever is there under its name, in one transaction.
func (c *Conn) Replace(t *Table) error { return c.commit(Create(t)) }

// Remove deletes the table of that name if there is one.
func (c *Conn) Remove(name string) error { return c.commit(Remove(name)) }

// StepError is the kernel's refusal of a step of a transaction. Nothing of the transaction happened.
type StepError struct {
	Step string
	Err  syscall.Errno
}

// Error names the step and the cause.
func (e *StepError) Error() string { return fmt.Sprintf("nft: %s: %v", e.Step, e.Err) }

// Unwrap is the kernel's error number.
func (e *StepError) Unwrap() error { return e.Err }

func (c *Conn) commit(steps []Step) error {
	if len(steps) == 0 {
		return nil
	}
	b := encode(steps)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.drain(); err != nil {
		return err
	}
	var sent error
	err := c.raw.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), b.buf, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		return !errors.Is(sent, unix.EAGAIN)
	})
	if err = errors.Join(err, sent); err != nil {
		return fmt.Errorf("nft: send a transaction of %d bytes: %w", len(b.buf), err)
	}
	return c.answer(b)
}

// answer reads what the kernel says of the transaction: the acknowledgement of its last message, preceded by an error
// for each message that failed; or one error of the whole, under the number of its first message.
func (c *Conn) answer(b *batch) error {
	last := binary.NativeEndian.Uint32(b.buf[b.last+8:])
	var first error
	for {
		seq, errno, err := c.receive()
		if err != nil {
			return errors.Join(first, err)
		}
		if errno != 0 && first == nil {
			what, ok := b.what[seq]
			if !ok {
				what = "commit"
			}
			first = &StepError{Step: what, Err: errno}
		}
		if seq == last || errno != 0 && b.what[seq] == "" {
			return first
		}
	}
}

// drain throws away what is left of the answers to a transaction that failed.
func (c *Conn) drain() error {
	return c.raw.Control(func(fd uintptr) {
		buf := make([]byte, unix.SizeofNlMsghdr)
		for {
			if _, _, err := unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT); err != nil {
				return
			}
		}
	})
}

// receive reads one answer: the number of the message it answers, and its error.
func (c *Conn) receive() (uint32, syscall.Errno, error) {
	buf := make([]byte, 16<<10)
	var n int
	var got error
	err := c.raw.Read(func(fd uintptr) bool {
		n, _, got = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
		return !errors.Is(got, unix.EAGAIN)
	})
	if err = errors.Join(err, got); err != nil {
		return 0, 0, fmt.Errorf("nft: receive: %w", err)
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
		return 0, 0, fmt.Errorf("nft: receive: unexpected answer of %d bytes", n)
	}
	seq := binary.NativeEndian.Uint32(buf[8:])
	errno := -int32(binary.NativeEndian.Uint32(buf[unix.SizeofNlMsghdr:]))
	return seq, syscall.Errno(errno), nil
}
