package testkit

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kumiko/internal/cli/launch"
)

// Patience bounds how long a test waits for a state that should come at once.
const Patience = 30 * time.Second

// StatePrefix starts the names of the folders in the temporary folder whose mounts and processes are the test's.
const StatePrefix = "kumiko-state-"

// Cloud is a daemon with a state folder of its own, and the way to call its clients as one account in one region.
type Cloud struct {
	T       testing.TB
	State   string
	Region  string
	Account string // its name
	daemon  *launch.Daemon
	args    []string
	log     *os.File
	environ []string
	fast    *signer
}

// Start starts a daemon and ends everything of it, the state folder included, when the test ends.
func Start(t testing.TB, args ...string) *Cloud {
	t.Helper()
	dir, err := os.MkdirTemp("", StatePrefix)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cloud{T: t, State: filepath.Join(dir, "state"), Region: "us-east-1", Account: "default", args: args}
	c.log, err = os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := launch.Down(ctx, Binary(t), c.State); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			c.showLog()
		}
		if err := errors.Join(c.log.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	c.Up()
	return c
}

// logShown is how much of a daemon's log a failed test shows, in bytes.
const logShown = 8 << 10

func (c *Cloud) showLog() {
	raw := c.Log()
	c.T.Logf("the end of the daemon's log:\n%s", raw[max(0, len(raw)-logShown):])
}

// Log is what the daemon has logged.
func (c *Cloud) Log() string {
	raw, err := os.ReadFile(c.log.Name())
	if err != nil {
		c.T.Error(err)
	}
	return string(raw)
}

// Up starts the daemon, again after Kill or Stop.
func (c *Cloud) Up() {
	c.T.Helper()
	d, err := launch.Start(c.T.Context(), launch.Config{Binary: Binary(c.T), State: c.State, Args: c.args, Log: c.log})
	if err != nil {
		c.T.Fatal(err)
	}
	c.daemon = d
	c.enter()
}

// enter takes the environment of the account and region.
func (c *Cloud) enter() {
	c.T.Helper()
	var err error
	if c.environ, err = c.daemon.Environ(c.T.Context(), c.Account, c.Region); err != nil {
		c.T.Fatal(err)
	}
	c.fast = newSigner(c.daemon.URL, c.Region, c.environ)
}

// In is the same cloud seen from an account and a region.
func (c *Cloud) In(account, region string) *Cloud {
	c.T.Helper()
	d := *c
	d.Account, d.Region = account, region
	d.enter()
	return &d
}

// For is the same cloud for a subtest.
func (c *Cloud) For(t testing.TB) *Cloud {
	d := *c
	d.T = t
	return &d
}

// URL is where the AWS APIs answer.
func (c *Cloud) URL() string { return c.daemon.URL }

// PID is the daemon's process.
func (c *Cloud) PID() int { return c.daemon.PID() }

// Kill ends the daemon as kill -9 does.
func (c *Cloud) Kill() {
	c.T.Helper()
	if err := c.daemon.Kill(); err != nil {
		c.T.Fatal(err)
	}
}

// Stop ends the daemon in good order; instances stay.
func (c *Cloud) Stop() {
	c.T.Helper()
	if err := c.daemon.Stop(); err != nil {
		c.T.Fatal(err)
	}
}

// Environ is the environment in which clients call the cloud.
func (c *Cloud) Environ() []string { return c.environ }

// Command prepares a client that calls the cloud.
func (c *Cloud) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.T.Context(), name, args...)
	cmd.Env = c.environ
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Try runs a client and gives what it printed and said, and whether it succeeded.
func (c *Cloud) Try(name string, args ...string) (stdout, stderr string, ok bool) {
	c.T.Helper()
	cmd := c.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.T.Fatalf("%s: %v", name, err)
	}
	return strings.TrimSpace(out.String()), strings.TrimSpace(errs.String()), err == nil
}

// AWS runs the stock aws command, which must succeed, and gives what it printed.
func (c *Cloud) AWS(args ...string) string {
	c.T.Helper()
	out, errs, ok := c.Try("aws", args...)
	if !ok {
		c.T.Fatalf("aws %s: %s", strings.Join(args, " "), errs)
	}
	return out
}

// Pick runs the stock aws command and gives one value of the answer, chosen by a JMESPath expression.
func (c *Cloud) Pick(query string, args ...string) string {
	c.T.Helper()
	return c.AWS(append(args, "--query", query, "--output", "text")...)
}

// Refused runs the stock aws command, which must fail, and gives the message it printed.
func (c *Cloud) Refused(args ...string) string {
	c.T.Helper()
	out, errs, ok := c.Try("aws", args...)
	if ok {
		c.T.Fatalf("aws %s succeeded: %s", strings.Join(args, " "), out)
	}
	return errs
}

// Exec runs a command in an instance.
func (c *Cloud) Exec(instance string, argv ...string) (stdout, stderr string, ok bool) {
	c.T.Helper()
	return c.Try(Binary(c.T), append([]string{"exec", "-T", instance, "--"}, argv...)...)
}

// Inside runs a command in an instance, which must succeed, and gives what it printed.
func (c *Cloud) Inside(instance string, argv ...string) string {
	c.T.Helper()
	out, errs, ok := c.Exec(instance, argv...)
	if !ok {
		c.T.Fatalf("in %s: %s: %s\n%s", instance, strings.Join(argv, " "), errs, out)
	}
	return out
}

// Put writes a file in an instance, readable by root alone.
func (c *Cloud) Put(instance, path, content string) {
	c.T.Helper()
	cmd := c.Command(Binary(c.T), "exec", "-T", instance, "--", "sh", "-c", `umask 077 && cat > "$0"`, path)
	cmd.Stdin = strings.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.T.Fatalf("put %s into %s: %v: %s", path, instance, err, out)
	}
}

// Eventually asks until the answer is yes, and fails the test when it never is. Each question should take its own
// time, as a call does: nothing sleeps in between.
func (c *Cloud) Eventually(what string, yes func() bool) {
	c.T.Helper()
	for deadline := time.Now().Add(Patience); !yes(); {
		if time.Now().After(deadline) {
			c.T.Fatalf("never came: %s", what)
		}
	}
}
