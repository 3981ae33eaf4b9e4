package guest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/session/guest/terminal"
)

// Exit statuses of commands that cannot be started, as POSIX shells have them.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// answerMachine serves the machine's socket; from then on init counts as ready.
func (g *guest) answerMachine() error {
	go g.accept(g.control, func(*remote.Conn) error { return nil })
	return nil
}

// accept serves connections until the instance ends. allow says who may ask.
func (g *guest) accept(l *net.UnixListener, allow func(*remote.Conn) error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // out of descriptors, or the client is gone
		}
		go func() {
			conn := remote.NewConn(c)
			defer conn.Close()
			if err := g.serve(conn, allow); err != nil {
				g.log.Warn("command", "err", err)
			}
		}()
	}
}

// serve answers one request.
func (g *guest) serve(c *remote.Conn, allow func(*remote.Conn) error) error {
	var req remote.Request
	files, err := c.Receive(&req)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	if err != nil {
		return err
	}
	if req.Ping {
		return c.Send(remote.Reply{Ready: true})
	}
	if err := allow(c); err != nil {
		return c.Send(remote.Reply{Exited: true, Code: 1, Error: err.Error()})
	}
	if req.Agent {
		g.startAgent()
		return c.Send(remote.Reply{Started: true})
	}
	var master *os.File
	if req.TTY {
		m, s, err := terminal.Open(req.Rows, req.Cols)
		if err != nil {
			return c.Send(remote.Reply{Exited: true, Code: codeNotExecutable, Error: err.Error()})
		}
		defer m.Close()
		master, files = m, append(files, s, s, s)
	}
	if len(files) < 3 {
		return c.Send(remote.Reply{Exited: true, Code: codeNotExecutable, Error: "guest: three descriptors are needed"})
	}
	pid, status, err := g.command(req, files[len(files)-3:])
	if err != nil {
		return c.Send(remote.Reply{Exited: true, Code: startCode(err), Error: err.Error()})
	}
	for _, f := range files {
		f.Close() // the command has them
	}
	started := []*os.File{master}
	if master == nil {
		started = nil
	}
	if err := c.Send(remote.Reply{Started: true}, started...); err != nil {
		g.log.Warn("command", "err", err)
	}
	if master != nil {
		master.Close()
	}
	go g.passSignals(c, pid) // ends when the connection is closed
	return c.Send(remote.Reply{Exited: true, Code: code(<-status)})
}

// passSignals sends the client's signals to the command, and a hang-up when the client is gone.
func (g *guest) passSignals(c *remote.Conn, pid int) {
	for {
		var s remote.Signal
		files, err := c.Receive(&s)
		for _, f := range files {
			f.Close()
		}
		if err != nil {
			g.procs.signal(pid, syscall.SIGHUP) // does nothing once the command has ended
			return
		}
		if s.Signal > 0 {
			g.procs.signal(pid, syscall.Signal(s.Signal))
		}
	}
}

// command starts the command of a request.
func (g *guest) command(req remote.Request, files []*os.File) (int, <-chan syscall.WaitStatus, error) {
	if len(req.Argv) == 0 {
		return 0, nil, errors.New("guest: no command")
	}
	name := req.User
	if name == "" {
		name = "root"
	}
	user, err := etc().Lookup(name)
	if err != nil {
		return 0, nil, fmt.Errorf("guest: user %s: %w", name, err)
	}
	groups, err := etc().GroupIDs(user)
	if err != nil {
		return 0, nil, err
	}
	if req.TTY {
		files[0].Chown(user.UID, terminal.Group)
	}
	dir := req.Dir
	if dir == "" {
		dir = user.Home
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = "/"
	}
	path, err := lookPath(req.Argv[0], dir)
	if err != nil {
		return 0, nil, err
	}
	attr := &syscall.ProcAttr{Dir: dir, Env: user.Environment(req.Env), Sys: &syscall.SysProcAttr{
		Setsid: true, Setctty: req.TTY,
		Credential: &syscall.Credential{Uid: uint32(user.UID), Gid: uint32(user.GID), Groups: groups},
	}}
	for _, f := range files {
		attr.Files = append(attr.Files, f.Fd())
	}
	pid, status, err := g.procs.start(path, req.Argv, attr)
	if errors.Is(err, unix.EACCES) && dir != "/" && user.UID != 0 { // perhaps a folder this user may not enter
		attr.Dir = "/"
		return g.procs.start(path, req.Argv, attr)
	}
	return pid, status, err
}

// lookPath finds a program as a shell would.
func lookPath(name, dir string) (string, error) {
	if strings.Contains(name, "/") {
		if !strings.HasPrefix(name, "/") {
			name = dir + "/" + name
		}
		return name, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("guest: %w", err)
	}
	return path, nil
}

// startCode is the exit status for a command that could not be started.
func startCode(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, unix.ENOENT) {
		return codeNotFound
	}
	return codeNotExecutable
}
