package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
)

// Parts is what the command does beyond asking a daemon.
type Parts struct {
	// Version is printed by the version command.
	Version string
	// Up runs a daemon until ctx ends.
	Up func(ctx context.Context, o UpOptions) error
	// Down ends everything of a state folder that has no daemon.
	Down func(ctx context.Context, state string) error
	// Exec runs a command in an instance of the runtime folder and gives its exit status.
	Exec func(ctx context.Context, c ExecCall) (int, error)
	// Session begins a session with an instance and joins it until it is over.
	Session func(ctx context.Context, s SessionCall) error
	// Plugins is the folder of the stand-in for AWS's Session Manager plugin for a state folder, empty where there can be
	// none; nil: there is none.
	Plugins func(state string) string
}

// UpOptions are the choices of the up command.
type UpOptions struct {
	State     string   // the state folder
	Listen    string   // host:port of the AWS APIs
	Open      bool     // a 12-digit access key id is that account, whatever the secret
	StrictAMI bool     // refuse unknown images
	IAM       string   // enforce, or warn of what IAM refuses
	Folders   []string // further folders of the machine that instances may read
	Debug     bool     // log details
	// Ready is called once, when the API answers at url.
	Ready func(url string)
}

// ExecCall is a command to be run in an instance.
type ExecCall struct {
	Run                   string // the runtime folder of the state folder
	Instance              string
	Argv                  []string
	Stdin, Stdout, Stderr *os.File
	TTY                   bool // give it a terminal of its own
}

// SessionCall is a session to be begun.
type SessionCall struct {
	URL, Region             string // of the API
	AccessKeyID, Secret     string
	Target, Document, Cause string
	Parameters              map[string][]string
}

// The exit statuses.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitCannotExec  = 125
	exitInterrupted = 130 // as a shell says it
)

// status is an error that chooses the exit status; with a nil err nothing is printed.
type status struct {
	code int
	err  error
}

// Error is the text of the error behind it.
func (s *status) Error() string {
	if s.err == nil {
		return fmt.Sprintf("exit status %d", s.code)
	}
	return s.err.Error()
}

// Unwrap is the error behind it.
func (s *status) Unwrap() error { return s.err }

// Main runs the command with the arguments after its name and returns the exit status.
func Main(ctx context.Context, args []string, p Parts) int {
	root := New(p)
	root.SetArgs(args)
	return finish(ctx, root, root.ExecuteContext(ctx))
}

// finish reports the error a command ended with, if any, and gives the exit status.
func finish(ctx context.Context, root *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	code := exitFailure
	var s *status
	if errors.As(err, &s) {
		code = s.code
	} else if ctx.Err() != nil {
		code = exitInterrupted
	}
	if s == nil || s.err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "error:", err)
	}
	return code
}

// New is the command tree.
func New(p Parts) *cobra.Command {
	e := &env{parts: p}
	root := &cobra.Command{
		Use:   "kumiko",
		Short: "AWS-style private networking, for real, on one machine",
		Long: `kumiko runs VPCs, security groups, VPC Lattice and instances on this machine, with real packets.
It answers the AWS APIs, so that aws, Terraform and the SDKs work as they are.`,
		Example: `  sudo kumiko up                      start the cloud
  eval "$(sudo kumiko env)"           point aws and terraform to it
  aws ec2 describe-vpcs
  sudo kumiko explain i-0abc db.internal:5432`,
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs, RunE: help,
	}
	root.PersistentFlags().StringVar(&e.state, "state", defaultState(), "state folder; $KUMIKO_STATE sets the default")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &status{exitUsage, err} })
	for _, make := range []func(*env) *cobra.Command{
		upCommand, downCommand, statusCommand, envCommand, accountCommand, execCommand, ssmCommand, explainCommand, diffCommand,
		doctorCommand, debugCommand, demoCommand, versionCommand, referenceCommand,
	} {
		root.AddCommand(make(e))
	}
	checkUsage(root)
	return root
}

// help is what a command that only has others under it does.
func help(c *cobra.Command, _ []string) error { return c.Help() }

// env is what all commands share.
type env struct {
	parts Parts
	state string
}

// plugins is the folder of the stand-in for AWS's Session Manager plugin, or nothing.
func (e *env) plugins(state string) string {
	if e.parts.Plugins == nil {
		return ""
	}
	return e.parts.Plugins(state)
}

func (e *env) client() *admin.Client { return admin.NewClient(e.state) }

// defaultState is where a daemon keeps its things unless told otherwise.
func defaultState() string {
	if s := os.Getenv("KUMIKO_STATE"); s != "" {
		return s
	}
	return "/var/lib/kumiko"
}

// checkUsage gives errors about arguments the exit status of wrong usage, in the whole tree.
func checkUsage(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return &status{exitUsage, fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkUsage(sub)
	}
}

// usage is an error of how a command was called.
func usage(format string, a ...any) error {
	return &status{exitUsage, fmt.Errorf(format, a...)}
}

// output is the --output flag: text or json.
type output struct{ form string }

func (o *output) flag(c *cobra.Command) {
	c.Flags().StringVar(&o.form, "output", "text", "form of the answer: text or json")
	complete(c, "output", "text", "json")
}

// print writes v as JSON, or calls text when that was asked for.
func (o *output) print(w io.Writer, v any, text func(io.Writer)) error {
	switch o.form {
	case "json":
		j := json.NewEncoder(w)
		j.SetIndent("", "  ")
		j.SetEscapeHTML(false)
		return j.Encode(v)
	case "text":
		text(w)
		return nil
	}
	return usage("--output %s: must be text or json", o.form)
}

// complete offers words for a flag. The flag exists, so registering cannot fail.
func complete(c *cobra.Command, flag string, words ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err)
	}
}

// lines indents an example block, a command a line.
func lines(l ...string) string { return "  " + strings.Join(l, "\n  ") }
