package cli

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func execCommand(e *env) *cobra.Command {
	var plain bool
	c := &cobra.Command{
		Use:   "exec INSTANCE [--] [COMMAND [ARGUMENT...]]",
		Short: "Run a command in an instance",
		Long: `Runs a command in an instance as its root, with this command's input, output, errors and exit status; a login shell
when no command is given. The command gets a terminal when input and output are terminals, unless --no-tty says
otherwise. It needs no network and no SSH, and works while no daemon runs. Status 125: the
instance cannot be entered; 126 and 127: the command cannot be started.`,
		Example: lines("sudo kumiko exec i-0abc", "sudo kumiko exec i-0abc -- dig +short db.internal", "sudo kumiko exec i-0abc -- sh -c 'cat > /tmp/f' < f"),
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			state, err := filepath.Abs(e.state)
			if err != nil {
				return err
			}
			call := ExecCall{
				Run: filepath.Join(state, "run"), Instance: args[0], Argv: command(args[1:]),
				Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
				TTY: !plain && terminal(os.Stdin) && terminal(os.Stdout),
			}
			code, err := e.parts.Exec(c.Context(), call)
			switch {
			case err != nil:
				return &status{cmp.Or(code, exitCannotExec), err}
			case code != 0:
				return &status{code: code}
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&plain, "no-tty", "T", false, "never give the command a terminal")
	c.Flags().SetInterspersed(false)
	return c
}

// command is what to run: the arguments after an optional "--", or a login shell.
func command(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return []string{"/bin/bash", "-l"}
	}
	return args
}

func terminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
