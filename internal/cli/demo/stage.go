package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// stage shows commands and keeps what they answered for later ones.
type stage struct {
	out     io.Writer
	colours bool // out is a terminal
	binary  string
	region  string
	environ []string
	begun   time.Time
	acts    int
	vpcs    map[string]*vpc // by letter
	network network1        // the service network and what hangs on it
	key     string          // the private key
}

// Terminal colours. (ECMA-48.)
const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

// in gives the text a look, if there is a terminal to show it.
func (s *stage) in(look, text string) string {
	if !s.colours {
		return text
	}
	return look + text + plain
}

func (s *stage) title(format string, a ...any) {
	took := fmt.Sprintf("(%s)", time.Since(s.begun).Round(100*time.Millisecond))
	fmt.Fprintf(s.out, "\n%s  %s\n", s.in(bold, "── "+fmt.Sprintf(format, a...)), s.in(faint, took))
	s.acts++
}

func (s *stage) say(format string, a ...any) {
	fmt.Fprintln(s.out, s.in(bold, "$ "+fmt.Sprintf(format, a...)))
}

func (s *stage) note(format string, a ...any) {
	fmt.Fprintf(s.out, "  # %s\n", fmt.Sprintf(format, a...))
}

func (s *stage) show(text string) {
	if text = strings.TrimRight(text, "\n"); text != "" {
		fmt.Fprintf(s.out, "  %s\n", strings.ReplaceAll(text, "\n", "\n  "))
	}
}

// aws runs an aws command in full view and gives what it printed.
func (s *stage) aws(ctx context.Context, args ...string) (string, error) {
	s.say("aws %s", typed(args))
	out, err := s.quiet(ctx, args...)
	s.show(out)
	return out, err
}

// quiet runs an aws command behind the scenes.
func (s *stage) quiet(ctx context.Context, args ...string) (string, error) {
	var b bytes.Buffer
	err := run(ctx, s.environ, &b, "aws", args...)
	return strings.TrimSpace(b.String()), err
}

// pick runs an aws command in full view that prints one value.
func (s *stage) pick(ctx context.Context, query string, args ...string) (string, error) {
	return s.aws(ctx, append(args, "--query", query, "--output", "text")...)
}

// inside runs a command in an instance in full view; shown is how one would type it there.
func (s *stage) inside(ctx context.Context, i *instance, shown string, argv ...string) (string, error) {
	fmt.Fprintln(s.out, s.in(bold, fmt.Sprintf("[%s]$ %s", i.name, shown)))
	var b bytes.Buffer
	err := run(ctx, s.environ, &b, s.binary, append([]string{"exec", "-T", i.id, "--"}, argv...)...)
	s.show(b.String())
	return b.String(), err
}

// await asks until the answer is the wanted one.
func (s *stage) await(ctx context.Context, want string, query string, args ...string) error {
	args = append(args, "--query", query, "--output", "text")
	return s.until(ctx, func(got string) bool { return got == want }, args...)
}

// patience bounds how long a state may take to come.
const patience = 30 * time.Second

// until runs an aws command in full view until its answer is right; only that answer is shown.
func (s *stage) until(ctx context.Context, right func(string) bool, args ...string) error {
	s.say("aws %s", typed(args))
	for begun := time.Now(); ; {
		got, err := s.quiet(ctx, args...)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && right(got) {
			s.show(got)
			return nil
		}
		if strings.Contains(got, "FAILED") || time.Since(begun) > patience {
			return errors.Join(fmt.Errorf("aws %s: %s", typed(args), got), err)
		}
	}
}

// run runs a command; what it says on standard error is part of the error.
func run(ctx context.Context, environ []string, out io.Writer, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	var errs bytes.Buffer
	c.Env, c.Stdout, c.Stderr = environ, out, &errs
	c.WaitDelay = time.Second
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, typed(args), err, strings.TrimSpace(errs.String()))
	}
	return nil
}

// typed writes arguments as one would type them to a shell.
func typed(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n\"'{}[]*?$&|;<>()\\!`#~") {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
