package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"kumiko/internal/session/guest/account"
	"kumiko/internal/session/guest/terminal"
	"kumiko/internal/session/ssm/frame"
)

// shell is a program in a terminal: a shell, or a command that a user works with.
type shell struct {
	*session
	user    account.User
	command string

	mu     sync.Mutex
	size   frame.Terminal
	master *os.File
	early  [][]byte // keys that came before the program
}

func newShell(s *session, command string, elevated bool) (*shell, error) {
	preferred := ""
	if s.doc.Inputs.RunAsEnabled {
		preferred = s.doc.Inputs.RunAsDefaultUser
	}
	as := s.task.RunAsUser
	if elevated {
		as = "root"
	}
	u, err := runAs(as, preferred)
	if err != nil {
		return nil, err
	}
	return &shell{session: s, user: u, command: command}, nil
}

func (x *shell) take(m frame.Message) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch m.Kind {
	case frame.Size:
		if err := json.Unmarshal(m.Payload, &x.size); err != nil {
			return fmt.Errorf("agent: size of terminal: %w", err)
		}
		if x.master != nil {
			_ = terminal.Resize(x.master, x.size.Rows, x.size.Cols) // the program may have ended
		}
	case frame.Bytes:
		if x.master == nil {
			x.early = append(x.early, append([]byte(nil), m.Payload...))
			return nil
		}
		_, _ = x.master.Write(m.Payload)
	}
	return nil
}

func (x *shell) run(ctx context.Context) error {
	master, slave, err := terminal.Open(x.size.Rows, x.size.Cols)
	if err != nil {
		return err
	}
	defer master.Close()
	_ = slave.Chown(x.user.UID, terminal.Group) // the shell works with a terminal that is root's, too
	cmd := exec.Command("/bin/sh")
	if x.command != "" {
		cmd = exec.Command("/bin/sh", "-c", x.command)
	}
	if cmd.SysProcAttr, err = attributes(x.user); err != nil {
		return err
	}
	cmd.SysProcAttr.Setctty = true
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.Env, cmd.Dir = x.user.Environment([]string{"TERM=xterm-256color", "LANG=C.UTF-8"}), home(x.user)
	err = cmd.Start()
	slave.Close()
	if err != nil {
		return fmt.Errorf("agent: start shell: %w", err)
	}
	x.begin(master)
	over := context.AfterFunc(ctx, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP) // a hang-up, as of a terminal that was closed
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		master.Close()
	})
	defer over()
	x.copy(master)
	_ = cmd.Wait() // its status is its own
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// begin gives the program what came before it.
func (x *shell) begin(master *os.File) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.master = master
	if x.size.Rows > 0 {
		_ = terminal.Resize(master, x.size.Rows, x.size.Cols)
	}
	if profile := x.doc.Inputs.ShellProfile.Linux; profile != "" && x.command == "" {
		_, _ = io.WriteString(master, profile+"\n")
	}
	for _, b := range x.early {
		_, _ = master.Write(b)
	}
	x.early = nil
}

// copy sends what the program prints, until nobody has the terminal open.
func (x *shell) copy(master *os.File) {
	buf := make([]byte, frame.MaxPayload)
	for {
		n, err := master.Read(buf)
		if n > 0 && x.show(frame.Bytes, buf[:n]) != nil {
			return
		}
		if err != nil {
			return
		}
	}
}
