// Package launch starts a daemon as a process of its own and ends it again: for the demonstration, for tests and for
// benchmarks, which all want a cloud in a folder they may throw away.
package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kumiko/internal/cli/admin"
)

// Config says what to start.
type Config struct {
	Binary string    // the kumiko program
	State  string    // the state folder
	Args   []string  // further arguments of up
	Log    io.Writer // takes the daemon's log
}

// Daemon is a running daemon.
type Daemon struct {
	URL   string // of the AWS APIs
	conf  Config
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	err   error         // how it ended; read after ended
}

// readyWait bounds how long a daemon may take to say that it is ready.
const readyWait = 30 * time.Second

// pipeWait bounds how long the end of a daemon's output is waited for after its own end.
const pipeWait = 2 * time.Second

// Start starts a daemon on a free port, in a session of its own so that an interrupt at the terminal does not reach
// it, and returns when it says that it is ready. A daemon that ends before is an error with its last words.
func Start(ctx context.Context, c Config) (*Daemon, error) {
	d := &Daemon{conf: c, ended: make(chan struct{})}
	last := &tail{to: c.Log}
	args := append([]string{"up", "--state", c.State, "--listen", "127.0.0.1:0"}, c.Args...)
	d.cmd = exec.Command(c.Binary, args...)
	d.cmd.Stderr = last
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	d.cmd.WaitDelay = pipeWait
	ready := make(chan string, 1)
	d.cmd.Stdout = &announcement{ready: ready}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	go func() {
		defer close(d.ended)
		d.err = d.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	select {
	case d.URL = <-ready:
		return d, nil
	case <-d.ended:
		return nil, fmt.Errorf("launch: the daemon ended: %w\n%s", errors.Join(d.err, errors.New("not ready")), last.text())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("launch: the daemon is not ready: %w\n%s", ctx.Err(), last.text()), d.Kill())
	}
}

// PID is the daemon's process id.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Client talks to the daemon.
func (d *Daemon) Client() *admin.Client { return admin.NewClient(d.conf.State) }

// Kill ends the daemon as kill -9 does; what it made stays.
func (d *Daemon) Kill() error { return d.end(syscall.SIGKILL) }

// Stop ends the daemon in good order; instances stay.
func (d *Daemon) Stop() error { return d.end(syscall.SIGTERM) }

func (d *Daemon) end(s syscall.Signal) error {
	if err := d.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("launch: end the daemon: %w", err)
	}
	<-d.ended
	if s != syscall.SIGKILL && d.err != nil {
		return fmt.Errorf("launch: the daemon ended: %w", d.err)
	}
	return nil
}

// Down ends everything of the state folder, whether a daemon runs or not, and removes the folder.
func (d *Daemon) Down(ctx context.Context) error {
	if err := Down(ctx, d.conf.Binary, d.conf.State); err != nil {
		return err
	}
	<-d.ended
	return nil
}

// Down ends everything of a state folder and removes it; an interrupt at the terminal does not reach it.
func Down(ctx context.Context, binary, state string) error {
	c := exec.CommandContext(ctx, binary, "down", "--purge", "--state", state)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("launch: kumiko down: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Environ is the environment of a client of the account: that of this process without its AWS settings, and the daemon's.
func (d *Daemon) Environ(ctx context.Context, account, region string) ([]string, error) {
	a, err := d.Client().Account(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("launch: %w", err)
	}
	plugins := filepath.Join(d.conf.State, "bin")
	binary, err := filepath.Abs(d.conf.Binary)
	if err == nil {
		err = Plugin(plugins, binary)
	}
	if err != nil {
		return nil, err
	}
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "PATH=") {
			env = append(env, v)
		}
	}
	return append(env, "PATH="+os.Getenv("PATH")+":"+plugins, "AWS_ENDPOINT_URL="+d.URL, "AWS_ACCESS_KEY_ID="+a.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+a.SecretAccessKey,
		"AWS_DEFAULT_REGION="+region, "AWS_REGION="+region, "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "KUMIKO_STATE="+d.conf.State), nil
}
