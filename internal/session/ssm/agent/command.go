package agent

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"

	"kumiko/internal/session/ssm/frame"
)

// program is a command without a terminal, whose output goes to the client.
type program struct {
	*session
	command  command
	separate bool // standard error and the exit status are told apart
	cmd      *exec.Cmd

	mu    sync.Mutex
	stdin io.WriteCloser
	early [][]byte
}

func newCommand(s *session, c command) (*program, error) {
	as := s.task.RunAsUser
	if text(c.RunAsElevated) == "true" {
		as = "root"
	}
	u, err := runAs(as, "")
	if err != nil {
		return nil, err
	}
	p := &program{session: s, command: c, separate: isTrue(s.doc.property("separateOutputStream"))}
	p.cmd = exec.Command("/bin/sh", "-c", c.Commands)
	if p.cmd.SysProcAttr, err = attributes(u); err != nil {
		return nil, err
	}
	p.cmd.Env, p.cmd.Dir = u.Environment([]string{"LANG=C.UTF-8"}), home(u)
	return p, nil
}

func isTrue(s string) bool { return s == "True" || s == "true" }

func (p *program) take(m frame.Message) error {
	if m.Kind != frame.Bytes {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stdin == nil {
		p.early = append(p.early, append([]byte(nil), m.Payload...))
		return nil
	}
	if len(m.Payload) == 1 && m.Payload[0] == 0x03 { // the client was interrupted
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT)
		return nil
	}
	_, _ = p.stdin.Write(m.Payload) // it may not read
	return nil
}

func (p *program) run(ctx context.Context) error {
	out := writer{p.session, frame.Bytes}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if p.separate {
		p.cmd.Stderr = writer{p.session, frame.StdErr}
	}
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("agent: start command: %w", err)
	}
	p.mu.Lock()
	p.stdin = stdin
	for _, b := range p.early {
		_, _ = stdin.Write(b)
	}
	p.early = nil
	p.mu.Unlock()
	over := context.AfterFunc(ctx, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer over()
	_ = p.cmd.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.separate {
		return p.stream.Write(frame.ExitCode, []byte(fmt.Sprintf("EXIT_CODE: %d", p.cmd.ProcessState.ExitCode())))
	}
	return nil
}

// writer writes into the session's stream.
type writer struct {
	s    *session
	kind frame.PayloadType
}

func (w writer) Write(b []byte) (int, error) {
	if err := w.s.show(w.kind, b); err != nil {
		return 0, err
	}
	return len(b), nil
}
