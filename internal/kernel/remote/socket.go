package remote

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Listen makes a listening socket at the path and returns it as a file that
// can be given to another process. A socket left over there is replaced.
func Listen(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("remote: listen: %w", err)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("remote: listen: %w", err)
	}
	f := os.NewFile(uintptr(fd), path)
	err = short(path, func(p string) error { return unix.Bind(fd, &unix.SockaddrUnix{Name: p}) })
	if err == nil {
		err = unix.Listen(fd, 64)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("remote: listen at %s: %w", path, err)
	}
	return f, nil
}

// Dial connects to the socket at the path.
func Dial(ctx context.Context, path string) (*Conn, error) {
	var c net.Conn
	err := short(path, func(p string) (err error) {
		c, err = new(net.Dialer).DialContext(ctx, "unixpacket", p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("remote: connect: %w", err)
	}
	return NewConn(c.(*net.UnixConn)), nil
}

// short calls f with a name of the path that fits a socket address (108 bytes, see unix(7)).
func short(path string, f func(string) error) error {
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	defer unix.Close(dir)
	return f(fmt.Sprintf("/proc/self/fd/%d/%s", dir, filepath.Base(path)))
}

// Ping returns once the init at the path is ready, or with an error if it ends before.
func Ping(ctx context.Context, path string) error {
	c, err := Dial(ctx, path)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := c.Send(Request{Ping: true}); err != nil {
		return err
	}
	var r Reply
	if _, err := c.Receive(&r); err != nil {
		return err
	}
	return nil
}
