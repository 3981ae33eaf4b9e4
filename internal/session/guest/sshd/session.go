package sshd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/kernel/sandbox"
	"kumiko/internal/session/guest/terminal"
)

// Files shown or run at login.
const (
	motd     = "/etc/motd"
	hushFile = ".hushlogin"
)

// session is a session channel. (RFC 4254, 6.)
type session struct {
	*server
	ch      ssh.Channel
	env     []string
	tty     bool
	term    string
	size    windowSize
	master  *os.File // once a program runs in a terminal
	process *os.Process
	mu      sync.Mutex // guards size, master and process
}

// windowSize is the size of a terminal in characters.
type windowSize struct{ Cols, Rows uint32 }

// session serves a session channel until its program has ended.
func (s *server) session(nc ssh.NewChannel) {
	ch, requests, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	x := &session{server: s, ch: ch}
	var running sync.WaitGroup
	started := false
	for r := range requests {
		ok := true
		switch r.Type {
		case "shell", "exec", "subsystem":
			argv, cmdErr := x.program(r)
			ok = cmdErr == nil && !started
			if ok {
				started = true
				running.Go(func() { x.run(argv, r.Type == "shell") })
			}
		default:
			ok = x.setting(r)
		}
		if r.WantReply {
			r.Reply(ok, nil)
		}
	}
	x.signal(syscall.SIGHUP) // the channel is closed: the client has gone
	running.Wait()
}

// setting handles requests that prepare or change a session.
func (x *session) setting(r *ssh.Request) bool {
	switch r.Type {
	case "env":
		var v struct{ Name, Value string }
		if ssh.Unmarshal(r.Payload, &v) != nil || v.Name != "LANG" && !strings.HasPrefix(v.Name, "LC_") {
			return false
		}
		x.env = append(x.env, v.Name+"="+v.Value)
		return true
	case "pty-req":
		var v struct {
			Term          string
			Cols, Rows    uint32
			Width, Height uint32
			Modes         string
		}
		if ssh.Unmarshal(r.Payload, &v) != nil || x.noPTY {
			return false
		}
		x.tty, x.term, x.size = true, v.Term, windowSize{v.Cols, v.Rows}
		return true
	case "window-change":
		var v struct{ Cols, Rows, Width, Height uint32 }
		if ssh.Unmarshal(r.Payload, &v) != nil {
			return false
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.size = windowSize{v.Cols, v.Rows}
		return x.master != nil && terminal.Resize(x.master, uint16(v.Rows), uint16(v.Cols)) == nil
	case "signal":
		var v struct{ Name string }
		sig, known := signals()[v.Name]
		if ssh.Unmarshal(r.Payload, &v) == nil {
			sig, known = signals()[v.Name]
		}
		if known {
			x.signal(sig)
		}
		return known
	default:
		return false
	}
}

// signals are the signals of RFC 4254, 6.10.
func signals() map[string]syscall.Signal {
	return map[string]syscall.Signal{
		"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP, "ILL": syscall.SIGILL,
		"INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV,
		"TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	}
}

// signal sends a signal to the program's process group, if it runs.
func (x *session) signal(sig syscall.Signal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.process != nil {
		syscall.Kill(-x.process.Pid, sig)
	}
}

// program is what a request asks to run: nothing means a login shell.
func (x *session) program(r *ssh.Request) ([]string, error) {
	if x.mustChange {
		return []string{"/bin/sh", "-c", "echo 'Your password has expired and must be changed now.'; exec passwd"}, nil
	}
	if x.command != "" {
		return []string{x.user.Shell, "-c", x.command}, nil
	}
	var v struct{ Text string }
	switch r.Type {
	case "exec":
		if err := ssh.Unmarshal(r.Payload, &v); err != nil {
			return nil, err
		}
		return []string{x.user.Shell, "-c", v.Text}, nil
	case "subsystem":
		if err := ssh.Unmarshal(r.Payload, &v); err != nil {
			return nil, err
		}
		if v.Text != "sftp" {
			return nil, errors.New("sshd: unknown subsystem")
		}
		return []string{sandbox.ProgramPath, remote.InitArgument, "sftp"}, nil
	}
	return nil, nil
}

// run runs the program and reports how it ended.
func (x *session) run(argv []string, login bool) {
	cmd := &exec.Cmd{Path: x.user.Shell, Args: []string{"-" + filepath.Base(x.user.Shell)}}
	if argv != nil {
		cmd = &exec.Cmd{Path: argv[0], Args: argv}
	}
	groups, err := x.users.GroupIDs(x.user)
	if err == nil {
		cmd.Env, cmd.Dir = x.environment(), x.user.Home
		if _, err := os.Stat(cmd.Dir); err != nil {
			cmd.Dir = "/"
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Setsid: true, Credential: &syscall.Credential{Uid: uint32(x.user.UID), Gid: uint32(x.user.GID), Groups: groups},
		}
		if x.tty {
			err = x.runTTY(cmd, login)
		} else {
			err = x.runPipes(cmd)
		}
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintf(x.ch.Stderr(), "%v\r\n", err)
		x.log.Warn("session", "user", x.user.Name, "err", err)
	}
	x.report(cmd.ProcessState)
	x.ch.Close()
}

func (x *session) environment() []string {
	peer, port := hostPort(x.peer)
	here, ourPort := hostPort(x.local)
	env := append([]string{
		"SSH_CLIENT=" + peer + " " + port + " " + ourPort, "SSH_CONNECTION=" + peer + " " + port + " " + here + " " + ourPort,
	}, x.env...)
	if x.tty {
		env = append(env, "TERM="+x.term)
	}
	return x.user.Environment(env)
}

func hostPort(a net.Addr) (host, port string) {
	host, port, _ = net.SplitHostPort(a.String())
	return strings.TrimPrefix(host, "::ffff:"), port
}

// report tells the client how the program ended. (RFC 4254, 6.10.)
func (x *session) report(state *os.ProcessState) {
	code := 255
	if state != nil {
		status := state.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			for name, sig := range signals() {
				if sig == status.Signal() {
					x.ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
						Name     string
						Core     bool
						Err, Lan string
					}{name, status.CoreDump(), "", ""}))
					return
				}
			}
			code = 128 + int(status.Signal())
		} else {
			code = status.ExitStatus()
		}
	}
	x.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(code)}))
}

// runPipes runs the program without terminal.
func (x *session) runPipes(cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = x.ch, x.ch.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := x.start(cmd, nil); err != nil {
		return err
	}
	go func() { // ends when the client closes its side or the channel is closed after the program's end
		io.Copy(in, x.ch)
		in.Close()
	}()
	return x.wait(cmd)
}

// runTTY runs the program in a terminal.
func (x *session) runTTY(cmd *exec.Cmd, login bool) error {
	master, slave, err := terminal.Open(uint16(x.size.Rows), uint16(x.size.Cols))
	if err != nil {
		return err
	}
	defer master.Close()
	slave.Chown(x.user.UID, terminal.Group)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr.Setctty = true
	cmd.Env = append(cmd.Env, "SSH_TTY=/dev/"+terminal.Name(master))
	if login {
		x.greet(terminal.Name(master))
	}
	err = x.start(cmd, master)
	slave.Close()
	if err != nil {
		return err
	}
	go io.Copy(master, x.ch) // ends when the channel is closed
	io.Copy(x.ch, master)    // ends with an error when the program, which leads the terminal's session, has ended
	err = x.wait(cmd)
	x.mu.Lock()
	x.master = nil
	x.mu.Unlock()
	return err
}

func (x *session) start(cmd *exec.Cmd, master *os.File) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	x.process, x.master = cmd.Process, master
	return nil
}

func (x *session) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	x.mu.Lock()
	x.process = nil
	x.mu.Unlock()
	return err
}

// greet shows the message of the day and the last login.
func (x *session) greet(line string) {
	host, _ := hostPort(x.peer)
	last, err := terminal.RecordLogin(x.user.UID, terminal.Login{Time: time.Now(), Line: line, Host: host})
	if err != nil {
		x.log.Warn("login record", "err", err)
	}
	if _, err := os.Stat(filepath.Join(x.user.Home, hushFile)); err == nil {
		return
	}
	if b, err := os.ReadFile(motd); err == nil {
		io.WriteString(x.ch, strings.ReplaceAll(string(b), "\n", "\r\n"))
	}
	if !last.Time.IsZero() {
		fmt.Fprintf(x.ch, "Last login: %s from %s\r\n", last.Time.Format(time.ANSIC), last.Host)
	}
}
