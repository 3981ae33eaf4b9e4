package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
)

func diffCommand(e *env) *cobra.Command {
	var out output
	var account, region string
	c := &cobra.Command{
		Use:   "diff [flags] -- COMMAND [ARGUMENT...]",
		Short: "Say what a change would open and close, without making it",
		Long: `Runs a command that changes the network - aws, Terraform, a script - against a copy of everything that was asked for, and
says which conversations between instances, resources and the Internet would be lost and which gained, with the cause.
Nothing real is touched: the copy has an address of its own, which the command finds in AWS_ENDPOINT_URL, and is
forgotten afterwards. What the command prints goes to the errors.

Exit status: 0 nothing opens or closes, 1 something does, 2 the command failed or there is no answer. What a command
did before it failed is told too.`,
		Example: lines("sudo kumiko diff -- aws ec2 revoke-security-group-ingress --group-id sg-0abc --protocol tcp --port 5432 --cidr 10.0.0.0/16",
			"sudo kumiko diff --output json -- ./change.sh"),
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 && args[0] == "--" {
				args = args[1:]
			}
			x, failed, err := tryOut(c, e.client(), trialOf{account, region, args})
			if err != nil {
				return &status{exitUsage, err}
			}
			if err := out.print(c.OutOrStdout(), x, func(w io.Writer) { printImpact(w, x) }); err != nil {
				return err
			}
			switch {
			case failed != nil:
				return &status{exitUsage, failed}
			case len(x.Closes)+len(x.Opens) > 0:
				return &status{code: exitFailure}
			}
			return nil
		},
	}
	c.Flags().StringVar(&account, "account", "", "name or id of the account; when empty, the credentials of the environment, else the default account")
	c.Flags().StringVar(&region, "region", "", "the region; when empty, that of the environment, else us-east-1")
	c.Flags().SetInterspersed(false)
	completeAccounts(c, e)
	out.flag(c)
	return c
}

// trialOf is a command to be tried out.
type trialOf struct {
	account, region string
	argv            []string
}

// tryOut runs a command against a copy of the world. It returns what would come of it, and how the command failed, if it did.
func tryOut(c *cobra.Command, daemon *admin.Client, t trialOf) (x admin.Impact, failed, err error) {
	ctx := c.Context()
	vars, err := credentials(ctx, daemon, t)
	if err != nil {
		return x, nil, err
	}
	trial, err := daemon.BeginTrial(ctx)
	if err != nil {
		return x, nil, err
	}
	cmd := exec.CommandContext(ctx, t.argv[0], t.argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, c.ErrOrStderr(), c.ErrOrStderr()
	cmd.Env = append(environment(vars), "AWS_ENDPOINT_URL="+trial.URL)
	failed = cmd.Run()
	x, err = daemon.EndTrial(context.WithoutCancel(ctx), trial.ID)
	if failed != nil {
		failed = fmt.Errorf("the command failed: %w", failed)
		if err != nil {
			return x, nil, errors.Join(failed, err)
		}
	}
	return x, failed, err
}

// credentials are the variables that name the account and the region, unless the environment does.
func credentials(ctx context.Context, daemon *admin.Client, t trialOf) ([]variable, error) {
	var out []variable
	if t.region != "" || os.Getenv("AWS_REGION")+os.Getenv("AWS_DEFAULT_REGION") == "" {
		region := t.region
		if region == "" {
			region = "us-east-1"
		}
		out = append(out, variable{"AWS_REGION", region}, variable{"AWS_DEFAULT_REGION", region})
	}
	if t.account == "" && os.Getenv("AWS_ACCESS_KEY_ID") != "" {
		return out, nil
	}
	name := t.account
	if name == "" {
		name = "default"
	}
	a, err := daemon.Account(ctx, name)
	if err != nil {
		return nil, err
	}
	return append(out, variable{"AWS_ACCESS_KEY_ID", a.AccessKeyID}, variable{"AWS_SECRET_ACCESS_KEY", a.SecretAccessKey},
		variable{"AWS_SESSION_TOKEN", ""}, variable{"AWS_PROFILE", ""}, variable{"AWS_EC2_METADATA_DISABLED", "true"}), nil
}

// environment is this process's with the given variables set, those with no value left out, and no other endpoints named.
func environment(vars []variable) []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		taken := strings.HasPrefix(name, "AWS_ENDPOINT_URL") || name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
		for _, v := range vars {
			taken = taken || v.name == name
		}
		if !taken {
			out = append(out, kv)
		}
	}
	for _, v := range vars {
		if v.value != "" {
			out = append(out, v.name+"="+v.value)
		}
	}
	return out
}

func printImpact(w io.Writer, x admin.Impact) {
	for _, s := range x.Closes {
		fmt.Fprintf(w, "CLOSES  %s of %s for %s\n        %s\n", s.Service, partyText(s.To), partiesText(s.From), s.Cause)
	}
	for _, s := range x.Opens {
		fmt.Fprintf(w, "OPENS   %s of %s for %s\n        before: %s\n", s.Service, partyText(s.To), partiesText(s.From), s.Cause)
		if s.By != "" {
			fmt.Fprintf(w, "        then: allowed by %s\n", s.By)
		}
	}
	switch {
	case len(x.Closes)+len(x.Opens) > 0:
		fmt.Fprintf(w, "%d closed, %d opened; %d conversations compared.\n", len(x.Closes), len(x.Opens), x.Compared)
	case x.Changed:
		fmt.Fprintf(w, "Nothing opens or closes; %d conversations compared.\n", x.Compared)
	default:
		fmt.Fprintln(w, "The command changes nothing.")
	}
	if x.Cut {
		fmt.Fprintln(w, "There are more conversations than these; the rest was not compared.")
	}
}

func partyText(p admin.Party) string {
	text := p.ID
	if p.Name != "" {
		text = p.Name
	}
	if p.Address != "" {
		text += " (" + p.Address + ")"
	}
	return text
}

// manyParties is how many parties a line names.
const manyParties = 8

func partiesText(ps []admin.Party) string {
	var texts []string
	for _, p := range ps[:min(len(ps), manyParties)] {
		texts = append(texts, p.ID)
	}
	if n := len(ps) - manyParties; n > 0 {
		texts = append(texts, fmt.Sprintf("%d others", n))
	}
	return strings.Join(texts, ", ")
}
