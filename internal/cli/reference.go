package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func referenceCommand(*env) *cobra.Command {
	return &cobra.Command{
		Use: "reference", Hidden: true, Short: "Print docs/cli.md", Args: cobra.NoArgs,
		Long:    "Prints the reference of all commands in Markdown, as it stands in docs/cli.md.",
		Example: lines("kumiko reference > docs/cli.md"),
		RunE: func(c *cobra.Command, _ []string) error {
			Reference(c.OutOrStdout(), c.Root())
			return nil
		},
	}
}

// Reference writes the reference of a command tree in Markdown.
func Reference(w io.Writer, root *cobra.Command) {
	fmt.Fprintf(w, "# The %s command\n\nThis page is generated from the commands themselves (`make generate`).\n", root.Name())
	fmt.Fprint(w, `
Data goes to standard output, everything else to standard error; an error is one line that starts with "error:".
Exit statuses: 0 success, 1 failure, 2 wrong usage; explain, doctor and exec have their own, told with them.
`)
	section(w, root)
}

func section(w io.Writer, c *cobra.Command) {
	if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
		return
	}
	c.InitDefaultHelpFlag()
	text := c.Long
	if text == "" {
		text = c.Short
	}
	fmt.Fprintf(w, "\n## %s\n\n```\n%s\n```\n\n%s\n", c.CommandPath(), c.UseLine(), paragraphs(text))
	if c.Example != "" {
		fmt.Fprintf(w, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
	}
	flags := c.LocalFlags().FlagUsages()
	if flags != "" {
		fmt.Fprintf(w, "\n```\n%s```\n", strings.ReplaceAll(flags, defaultState(), "/var/lib/kumiko"))
	}
	for _, sub := range c.Commands() {
		section(w, sub)
	}
}

// paragraphs keeps indented lists of a help text as they are by fencing them.
func paragraphs(s string) string {
	var out []string
	fenced := false
	for _, l := range strings.Split(s, "\n") {
		if strings.HasPrefix(l, "  ") != fenced {
			out = append(out, "```")
			fenced = !fenced
		}
		out = append(out, l)
	}
	if fenced {
		out = append(out, "```")
	}
	return strings.Join(out, "\n")
}
