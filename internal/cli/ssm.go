package cli

import (
	"cmp"
	"encoding/json"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func ssmCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:     "ssm",
		Short:   "Use Session Manager without the aws command",
		Long:    "Does what aws ssm does with sessions, without the aws command and its plugin.",
		Example: lines("sudo kumiko ssm start-session --target i-0abc"),
		Args:    cobra.NoArgs, RunE: help,
	}
	c.AddCommand(startSessionCommand(e))
	return c
}

func startSessionCommand(e *env) *cobra.Command {
	var call SessionCall
	var account, parameters string
	c := &cobra.Command{
		Use:   "start-session",
		Short: "Begin a session with an instance",
		Long: `Begins a session of Session Manager with an instance and joins it: a shell, or what the document says. The instance must be
a managed node that is connected. Unlike exec, a session uses the instance's network: it works when its role, names,
routes and groups let it.`,
		Example: lines("sudo kumiko ssm start-session --target i-0abc",
			"sudo kumiko ssm start-session --target i-0abc --document-name AWS-StartPortForwardingSession --parameters portNumber=80,localPortNumber=8080"),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if call.Parameters, err = sessionParameters(parameters); err != nil {
				return err
			}
			s, err := e.client().Status(c.Context())
			if err != nil {
				return err
			}
			a, err := e.client().Account(c.Context(), account)
			if err != nil {
				return err
			}
			call.URL, call.AccessKeyID, call.Secret = s.URL, a.AccessKeyID, a.SecretAccessKey
			return e.parts.Session(c.Context(), call)
		},
	}
	c.Flags().StringVar(&call.Target, "target", "", "id of the instance")
	c.Flags().StringVar(&call.Document, "document-name", "", "document of the session; a shell when there is none")
	c.Flags().StringVar(&parameters, "parameters", "", "of the document: NAME=VALUE,... or JSON")
	c.Flags().StringVar(&call.Cause, "reason", "", "why, for the record")
	c.Flags().StringVar(&account, "account", "default", "name or id of the account")
	c.Flags().StringVar(&call.Region, "region", defaultRegion(), "the region of the instance")
	_ = c.MarkFlagRequired("target") // the flag exists
	completeAccounts(c, e)
	return c
}

// defaultRegion is the region of the environment.
func defaultRegion() string {
	return cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
}

// sessionParameters reads NAME=VALUE,... or a JSON object of lists.
func sessionParameters(text string) (map[string][]string, error) {
	if text == "" {
		return nil, nil
	}
	out := map[string][]string{}
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			return nil, usage("--parameters: %v", err)
		}
		return out, nil
	}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usage("--parameters %s: must be NAME=VALUE,... or JSON", text)
		}
		out[name] = append(out[name], value)
	}
	return out, nil
}
