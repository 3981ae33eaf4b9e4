package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// variable is an environment variable.
type variable struct{ name, value string }

func envCommand(e *env) *cobra.Command {
	var account, format, region string
	c := &cobra.Command{
		Use:   "env",
		Short: "Print the environment that points AWS tools here",
		Long: `Prints the environment variables that make the aws command, Terraform and the AWS SDKs work against this daemon:
its address, and the credentials of an account. The region can be changed at will: every AWS region works. PATH gets a
folder at its end with a stand-in for AWS's session-manager-plugin, so that aws ssm start-session works without it.`,
		Example: lines(`eval "$(sudo kumiko env)"`, `eval "$(sudo kumiko env --account shop)"`, "sudo kumiko env --format fish | source"),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := e.client().Status(c.Context())
			if err != nil {
				return err
			}
			a, err := e.client().Account(c.Context(), account)
			if err != nil {
				return err
			}
			return printEnv(c.OutOrStdout(), format, e.plugins(s.State), []variable{
				{"AWS_ENDPOINT_URL", s.URL}, {"AWS_ACCESS_KEY_ID", a.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", a.SecretAccessKey},
				{"AWS_DEFAULT_REGION", region}, {"AWS_REGION", region}, {"AWS_EC2_METADATA_DISABLED", "true"}, {"KUMIKO_STATE", s.State},
			})
		},
	}
	c.Flags().StringVar(&account, "account", "default", "name or id of the account")
	c.Flags().StringVar(&format, "format", "sh", "sh, fish or json")
	c.Flags().StringVar(&region, "region", "us-east-1", "the region to start in")
	complete(c, "format", "sh", "fish", "json")
	completeAccounts(c, e)
	return c
}

func completeAccounts(c *cobra.Command, e *env) {
	err := c.RegisterFlagCompletionFunc("account", func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		all, err := e.client().Accounts(c.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []string
		for _, a := range all {
			names = append(names, a.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // the flag exists, so registering cannot fail
	}
}

// printEnv prints the variables, and what puts a folder at the end of PATH.
func printEnv(w io.Writer, format, folder string, vars []variable) error {
	switch format {
	case "sh":
		for _, v := range vars {
			fmt.Fprintf(w, "export %s=%s\n", v.name, quote(v.value, `'\''`))
		}
		if folder != "" {
			fmt.Fprintf(w, "case \":$PATH:\" in *:%[1]s:*) ;; *) export PATH=\"$PATH:%[1]s\";; esac\n", folder)
		}
		_, err := fmt.Fprintln(w, "unset AWS_SESSION_TOKEN AWS_PROFILE")
		return err
	case "fish":
		for _, v := range vars {
			fmt.Fprintf(w, "set -gx %s %s\n", v.name, quote(strings.ReplaceAll(v.value, `\`, `\\`), `\'`))
		}
		if folder != "" {
			fmt.Fprintf(w, "contains %[1]s $PATH; or set -gx PATH $PATH %[1]s\n", folder)
		}
		_, err := fmt.Fprintln(w, "set -e AWS_SESSION_TOKEN AWS_PROFILE")
		return err
	case "json":
		m := map[string]string{}
		for _, v := range vars {
			m[v.name] = v.value
		}
		if folder != "" {
			m["PATH"] = os.Getenv("PATH") + ":" + folder
		}
		j := json.NewEncoder(w)
		j.SetIndent("", "  ")
		j.SetEscapeHTML(false)
		return j.Encode(m)
	}
	return usage("--format %s: must be sh, fish or json", format)
}

// quote puts a value into single quotes; tick is how the shell writes a single quote within them.
func quote(s, tick string) string { return "'" + strings.ReplaceAll(s, "'", tick) + "'" }
