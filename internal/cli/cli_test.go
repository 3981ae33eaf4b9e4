package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
)

var update = flag.Bool("update", false, "write docs/cli.md again")

// daemon answers commands without a network.
type daemon struct{}

func (daemon) Status(context.Context) (admin.Status, error) {
	return admin.Status{URL: "http://127.0.0.1:4566", State: "/s", Revision: 7, Applied: 6, Failing: map[string]string{"vpc-1": "no cable"}, Nouns: map[string]int{"vpc": 2}}, nil
}
func (daemon) Explain(_ context.Context, q admin.Question) (admin.Explanation, error) {
	switch q.To {
	case "nowhere":
		return admin.Explanation{}, errors.New("nowhere is no name")
	case "shut":
		return admin.Explanation{Summary: "no rule", Refusal: "sg-in:eni-1", Hint: "allow it", Steps: []admin.Step{{Station: "sg-in", At: "eni-1", Text: "no ingress rule"}}}, nil
	}
	return admin.Explanation{Open: true, Summary: "yes"}, nil
}
func (daemon) Debug(context.Context, string, io.Writer) error {
	return nil
}
func (daemon) Shutdown(context.Context) error { return nil }
func (daemon) BeginTrial(context.Context) (admin.Trial, error) {
	return admin.Trial{ID: "t1", URL: "http://127.0.0.1:9999"}, nil
}
func (daemon) EndTrial(_ context.Context, id string) (admin.Impact, error) {
	if id != "t1" {
		return admin.Impact{}, admin.ErrNotFound
	}
	return admin.Impact{Closes: []admin.Shift{{From: []admin.Party{{ID: "i-1"}, {ID: "i-3"}}, To: admin.Party{ID: "i-2", Address: "10.0.0.5"}, Service: "tcp/5432", Cause: "no rule"}}, Compared: 7}, nil
}
func (daemon) CreateAccount(_ context.Context, name string) (admin.Account, error) {
	return admin.Account{ID: "111122223333", Name: name}, nil
}
func (daemon) Accounts(context.Context) ([]admin.Account, error) {
	return []admin.Account{{ID: "000000000000", Name: "default", AccessKeyID: "AKIAX", SecretAccessKey: "it's"}}, nil
}

// serve runs a daemon for a state folder until the test ends.
func serve(t *testing.T) (state string) {
	state = t.TempDir()
	l, err := admin.Listen(state)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: admin.Handler(admin.Parts{Backend: daemon{}, Ledger: daemon{}, Lab: daemon{}})}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return state
}

// call runs a command line.
func call(args ...string) (out, errs string, code int) {
	p := Parts{Version: "v1", Exec: func(_ context.Context, c ExecCall) (int, error) {
		if c.Instance == "i-none" {
			return 0, errors.New("no such instance")
		}
		return len(c.Argv), nil
	}}
	root := New(p)
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(args)
	code = finish(context.Background(), root, root.ExecuteContext(context.Background()))
	return o.String(), e.String(), code
}

func TestCommands(t *testing.T) {
	state := serve(t)
	const sh = "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'\nexport AWS_ACCESS_KEY_ID='AKIAX'\nexport AWS_SECRET_ACCESS_KEY='it'\\''s'\n" +
		"export AWS_DEFAULT_REGION='us-east-1'\nexport AWS_REGION='us-east-1'\nexport AWS_EC2_METADATA_DISABLED='true'\nexport KUMIKO_STATE='/s'\nunset AWS_SESSION_TOKEN AWS_PROFILE\n"
	for _, c := range []struct {
		line      string
		out, errs string // a part of each
		code      int
	}{
		{"env", sh, "", 0},
		{"env --format fish", "set -gx AWS_SECRET_ACCESS_KEY 'it\\'s'\n", "", 0},
		{"env --format json", `"AWS_REGION": "us-east-1"`, "", 0},
		{"env --format csh", "", "error: --format csh: must be sh, fish or json\n", 2},
		{"env --account nobody", "", "error: no account is called nobody\n", 1},
		{"account create shop", "111122223333\n", "", 0},
		{"account list", "000000000000 default\n", "", 0},
		{"account frob", "", `unknown command "frob"`, 2},
		{"status", "failing   vpc-1: no cable", "", 0},
		{"explain i-1 open:22", "OPEN: yes\n", "", 0},
		{"explain i-1 shut:22", "✗ sg-in           no ingress rule  [eni-1]\nTo open it: allow it\n", "", 1},
		{"explain i-1 shut:22 --output json", `"refusal": "sg-in:eni-1"`, "", 1},
		{"explain i-1 nowhere:22", "", "error: nowhere is no name\n", 2},
		{"explain i-1 host:99999", "", "the port must be", 2},
		{"explain i-1", "", "accepts 2 arg(s)", 2},
		{"diff -- printenv AWS_ENDPOINT_URL", "CLOSES  tcp/5432 of i-2 (10.0.0.5) for i-1, i-3\n        no rule\n1 closed, 0 opened", "http://127.0.0.1:9999\n", 1},
		{"diff --account default --output json -- printenv AWS_ACCESS_KEY_ID", `"service": "tcp/5432"`, "AKIAX\n", 1},
		{"diff -- false", "CLOSES", "error: the command failed: exit status 1", 2},
		{"diff -- /nothing/there", "CLOSES", "error: the command failed", 2},
		{"diff --account nobody -- true", "", "error: no account is called nobody\n", 2},
		{"diff", "", "requires at least 1 arg", 2},
		{"exec i-1 -- a -b --state c", "", "", 4},
		{"exec i-1", "", "", 2},
		{"exec i-none -- x", "", "error: no such instance\n", 125},
		{"frob", "", `unknown command "frob"`, 2},
		{"status --frob", "", "unknown flag", 2},
		{"version", "kumiko v1 go", "", 0},
		{"debug sky", "", "invalid argument", 2},
	} {
		out, errs, code := call(append([]string{"--state", state}, strings.Fields(c.line)...)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || c.errs == "" && errs != "" {
			t.Errorf("%s: status %d\n%s%s", c.line, code, out, errs)
		}
	}
	if _, errs, code := call("status", "--state", t.TempDir()); code != 1 || !strings.Contains(errs, "no daemon is running") {
		t.Errorf("without a daemon: %d %s", code, errs)
	}
}

func TestSplitPort(t *testing.T) {
	for in, want := range map[string]struct {
		host string
		port int
	}{"a.b": {"a.b", 0}, "a.b:5": {"a.b", 5}, "10.0.0.1": {"10.0.0.1", 0}, "10.0.0.1:22": {"10.0.0.1", 22}, "fd00::1": {"fd00::1", 0}, "[fd00::1]:22": {"fd00::1", 22}} {
		host, port, err := splitPort(in)
		if err != nil || host != want.host || port != want.port {
			t.Errorf("%s: %s %d %v", in, host, port, err)
		}
	}
}

func TestEveryCommandHelps(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() != "completion" && c.Name() != "help" && (c.Long == "" || c.Example == "" || c.Args == nil || !strings.HasPrefix(c.Example, "  ")) {
			t.Errorf("%s: needs a long text, an example and a check of its arguments", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(New(Parts{}))
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out, errs, code := call("completion", shell); code != 0 || len(out) < 1000 {
			t.Errorf("completion %s: %d %s", shell, code, errs)
		}
	}
}

func TestReferenceIsUpToDate(t *testing.T) {
	t.Setenv("KUMIKO_STATE", "")
	var b strings.Builder
	Reference(&b, New(Parts{}))
	if *update {
		if err := os.WriteFile("../../docs/cli.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(b.String(), string(have)); d != "" {
		t.Errorf("docs/cli.md is old, run make generate (-want +got):\n%s", d)
	}
}
