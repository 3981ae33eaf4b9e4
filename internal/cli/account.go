package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func accountCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "account",
		Short: "Make and list accounts",
		Long: `An account is the border of visibility, as in AWS. The account "default" (000000000000) is always there.
"kumiko env --account NAME" gives the environment of another one.`,
		Example: lines("sudo kumiko account create shop", "sudo kumiko account list"),
		Args:    cobra.NoArgs,
		RunE:    help,
	}
	c.AddCommand(accountCreate(e), accountList(e))
	return c
}

func accountCreate(e *env) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Make an account with an access key",
		Long: `Makes an account with an access key. The last word printed is its 12-digit id; "kumiko env --account NAME" has the key.
With --output json the answer has the key as well.`,
		Example: lines("sudo kumiko account create shop", `eval "$(sudo kumiko env --account shop)"`),
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			a, err := e.client().CreateAccount(c.Context(), args[0])
			if err != nil {
				return err
			}
			return out.print(c.OutOrStdout(), a, func(w io.Writer) { fmt.Fprintln(w, a.ID) })
		},
	}
	out.flag(c)
	return c
}

func accountList(e *env) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use: "list", Short: "List the accounts", Args: cobra.NoArgs,
		Long:    "Lists the accounts: id and name, a line each.",
		Example: lines("sudo kumiko account list", "sudo kumiko account list --output json"),
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := e.client().Accounts(c.Context())
			if err != nil {
				return err
			}
			return out.print(c.OutOrStdout(), all, func(w io.Writer) {
				for _, a := range all {
					fmt.Fprintln(w, a.ID, a.Name)
				}
			})
		},
	}
	out.flag(c)
	return c
}
