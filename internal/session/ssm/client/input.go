package client

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readUntil gives what comes from the file to f, until the file ends, f fails or stop can be read. A file that nobody
// writes to cannot be left otherwise.
func readUntil(from, stop *os.File, f func([]byte) error) error {
	buf := make([]byte, 32<<10)
	fds := []unix.PollFd{{Fd: int32(from.Fd()), Events: unix.POLLIN}, {Fd: int32(stop.Fd()), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return err
		}
		if fds[1].Revents != 0 {
			return nil
		}
		n, err := from.Read(buf)
		if n > 0 {
			if err := f(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil || n == 0 {
			return io.EOF
		}
	}
}
