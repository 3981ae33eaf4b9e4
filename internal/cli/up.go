package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
	"kumiko/internal/cli/launch"
)

func upCommand(e *env) *cobra.Command {
	var o UpOptions
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the daemon in the foreground",
		Long: `Runs the daemon of a state folder in the foreground: the AWS APIs, and the network behind them.
One line with the word "ready" is printed on standard output once the API answers; the log goes to standard error.

Interrupting the daemon stops the APIs only: instances and their connections go on, and the next "kumiko up" takes
them over. "kumiko down" ends everything. Daemons with different state folders live side by side.`,
		Example: lines("sudo kumiko up", "sudo kumiko up --state /tmp/lab --listen 127.0.0.1:0", "sudo kumiko up --open   # for tools that have no secret"),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return errors.New("only root can make networks: run it with sudo")
			}
			state, err := filepath.Abs(e.state)
			if err != nil {
				return err
			}
			if o.IAM != "enforce" && o.IAM != "warn" {
				return usage("--iam %s: must be enforce or warn", o.IAM)
			}
			o.State = state
			o.Ready = func(url string) {
				fmt.Fprintf(c.OutOrStdout(), "kumiko is ready: %s, state in %s\n", url, state)
			}
			return e.parts.Up(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Listen, "listen", "127.0.0.1:4566", "address of the AWS APIs; port 0 takes a free one")
	f.BoolVar(&o.Open, "open", false, "let a 12-digit access key id with any secret be that account")
	f.BoolVar(&o.StrictAMI, "strict-ami", false, "refuse AMI ids that are not known")
	f.StringVar(&o.IAM, "iam", "enforce", "enforce what IAM policies say, or warn in the log of what they would refuse")
	complete(c, "iam", "enforce", "warn")
	f.StringArrayVar(&o.Folders, "folder", nil, "a folder of this machine that instances may read (repeat for more)")
	f.BoolVar(&o.Debug, "debug", false, "log details")
	return c
}

func downCommand(e *env) *cobra.Command {
	var purge bool
	c := &cobra.Command{
		Use:   "down",
		Short: "End everything of a state folder",
		Long: `Ends the daemon, the instances, the namespaces, the mounts of a state folder; nothing of them is left in the kernel.
It works as well when the daemon was killed. What was asked for stays on disk: "kumiko up" brings it back,
unless --purge removes the folder.`,
		Example: lines("sudo kumiko down", "sudo kumiko down --state /tmp/lab --purge"),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			state, err := filepath.Abs(e.state)
			if err != nil {
				return err
			}
			if err := down(c, e, state); err != nil {
				return err
			}
			launch.ForgetPlugin(state)
			if purge {
				return remove(state)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&purge, "purge", false, "remove the state folder as well")
	return c
}

func down(c *cobra.Command, e *env, state string) error {
	if _, err := os.Stat(state); errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever started there
	}
	cl := admin.NewClient(state)
	s, err := cl.Status(c.Context())
	if errors.Is(err, admin.ErrNoDaemon) {
		return e.parts.Down(c.Context(), state)
	}
	if err != nil {
		return err
	}
	gone, err := watchExit(s.PID)
	if err != nil {
		return err
	}
	defer gone.Close()
	if err := cl.Shutdown(c.Context()); err != nil {
		return err
	}
	return gone.Wait(c.Context())
}

// remove deletes a state folder, and only a state folder.
func remove(state string) error {
	entries, err := os.ReadDir(state)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(state, "run")); err != nil {
			return fmt.Errorf("%s is not removed: it does not look like a state folder", state)
		}
	}
	return os.RemoveAll(state)
}
