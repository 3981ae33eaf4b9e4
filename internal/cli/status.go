package cli

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
)

func statusCommand(e *env) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:     "status",
		Short:   "Say how the daemon is",
		Long:    "Says where the daemon answers, what it keeps, and whether all that was asked for is in the kernel.",
		Example: lines("sudo kumiko status", "sudo kumiko status --output json"),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := e.client().Status(c.Context())
			if err != nil {
				return err
			}
			return out.print(c.OutOrStdout(), s, func(w io.Writer) { printStatus(w, s) })
		},
	}
	out.flag(c)
	return c
}

func printStatus(w io.Writer, s admin.Status) {
	fmt.Fprintf(w, "url       %s\nstate     %s\nprocess   %d, version %s, up since %s\n",
		s.URL, s.State, s.PID, s.Version, s.Started.Local().Format(time.DateTime))
	fmt.Fprintf(w, "revision  %d asked for, %d in the kernel\n", s.Revision, s.Applied)
	var nouns []string
	for _, n := range slices.Sorted(maps.Keys(s.Nouns)) {
		if s.Nouns[n] > 0 {
			nouns = append(nouns, fmt.Sprintf("%d %s", s.Nouns[n], n))
		}
	}
	if len(nouns) > 0 {
		fmt.Fprintf(w, "holds     %s\n", strings.Join(nouns, ", "))
	}
	for _, id := range slices.Sorted(maps.Keys(s.Failing)) {
		fmt.Fprintf(w, "failing   %s: %s\n", id, s.Failing[id])
	}
}

func versionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Long:    "Prints the version of this program and the Go release it was built with.",
		Example: lines("kumiko version"),
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(c.OutOrStdout(), "kumiko %s %s %s/%s\n", e.parts.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
