package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// socketName is the socket's name in the runtime folder of a state folder.
const socketName = "kumiko.sock"

// SocketPath is where the daemon of a state folder listens.
func SocketPath(state string) string { return filepath.Join(state, "run", socketName) }

// Listen makes the socket of a state folder, readable by its owner only, in place of one that a killed daemon left.
// The caller must hold the state folder's lock (the store's), since a living daemon's socket would be taken away.
func Listen(state string) (net.Listener, error) {
	dir := filepath.Dir(SocketPath(state))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	if err := os.Remove(SocketPath(state)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("admin: remove the old socket: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	l, err := net.Listen("unix", short(d))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("admin: listen on %s: %w", SocketPath(state), err), d.Close())
	}
	if err := os.Chmod(SocketPath(state), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("admin: %w", err), l.Close(), d.Close())
	}
	return &listener{Listener: l, dir: d}, nil
}

// listener keeps its folder open, because the socket's address goes through it.
type listener struct {
	net.Listener
	dir *os.File
}

// Close removes the socket.
func (l *listener) Close() error { return errors.Join(l.Listener.Close(), l.dir.Close()) }

func dial(ctx context.Context, state string) (net.Conn, error) {
	d, err := os.Open(filepath.Dir(SocketPath(state)))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return new(net.Dialer).DialContext(ctx, "unix", short(d))
}

// short is a path to the socket that fits into a socket address (108 bytes, unix(7)) however deep the folder lies.
func short(dir *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName)
}
