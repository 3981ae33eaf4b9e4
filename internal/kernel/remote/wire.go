package remote

import (
	"encoding/json"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Largest message and most descriptors in one.
const (
	maxMessage = 128 << 10 // bytes; the default send buffer of a socket is 208 KiB
	maxFiles   = 3
)

// Request asks init for something.
type Request struct {
	Ping  bool     `json:",omitempty"` // only asks whether init is ready
	Agent bool     `json:",omitempty"` // start the SSM agent, if it does not run
	Argv  []string `json:",omitempty"` // the command; a name without slash is looked up in PATH
	Env   []string `json:",omitempty"` // added to the environment of a root shell
	Dir   string   `json:",omitempty"` // working directory, empty for home
	User  string   `json:",omitempty"` // whom to run it as, empty for root
	TTY   bool     `json:",omitempty"` // make a terminal; else three descriptors come with the request
	Rows  uint16   `json:",omitempty"` // size of the terminal
	Cols  uint16   `json:",omitempty"`
}

// Signal asks init to send a signal to the command and its process group.
type Signal struct {
	Signal int
}

// Reply is what init answers.
type Reply struct {
	Ready   bool   `json:",omitempty"` // to a ping
	Started bool   `json:",omitempty"` // the command runs; with TTY, the terminal's far end comes along
	Error   string `json:",omitempty"` // the command could not be started; Code says how a shell would put it
	Exited  bool   `json:",omitempty"` // the command ended, or was not started
	Code    int    `json:",omitempty"` // exit status, 128 + signal when killed, 126 or 127 when not started
}

// Conn is one end of a connection.
type Conn struct {
	unix *net.UnixConn
}

// NewConn speaks over an accepted connection, which it then owns.
func NewConn(c *net.UnixConn) *Conn { return &Conn{c} }

// PeerUID is the user at the other end, as the kernel knows it.
func (c *Conn) PeerUID() (int, error) {
	raw, err := c.unix.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("remote: find peer: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, fmt.Errorf("remote: find peer: %w", err)
	}
	if credErr != nil {
		return 0, fmt.Errorf("remote: find peer: %w", credErr)
	}
	return int(cred.Uid), nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.unix.Close() }

// Send sends a message with descriptors, which stay the caller's.
func (c *Conn) Send(message any, files ...*os.File) error {
	b, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("remote: encode: %w", err)
	}
	if len(b) > maxMessage {
		return fmt.Errorf("remote: message of %d bytes is longer than %d", len(b), maxMessage)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.unix.WriteMsgUnix(b, rights, nil); err != nil {
		return fmt.Errorf("remote: send: %w", err)
	}
	return nil
}

// Receive reads a message into the value and returns the descriptors that came
// with it, which are the caller's.
func (c *Conn) Receive(message any) ([]*os.File, error) {
	b := make([]byte, maxMessage)
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, rn, _, _, err := c.unix.ReadMsgUnix(b, rights)
	if err != nil {
		return nil, fmt.Errorf("remote: receive: %w", err)
	}
	files, err := parseRights(rights[:rn])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		closeAll(files)
		return nil, net.ErrClosed
	}
	if err := json.Unmarshal(b[:n], message); err != nil {
		closeAll(files)
		return nil, fmt.Errorf("remote: decode: %w", err)
	}
	return files, nil
}

func parseRights(b []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		return nil, fmt.Errorf("remote: receive descriptors: %w", err)
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("remote: receive descriptors: %w", err)
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
