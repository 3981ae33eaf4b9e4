package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/doctor"
)

func doctorCommand(e *env) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine lacks, and how to get it",
		Long: `Tries what kumiko needs of this machine – kernel features in a namespace that is thrown away, programs, the state
folder's file system, memory and limits – and says how to get what is missing. Nothing is changed.
Exit status: 0 when all that is needed is there (warnings aside), 1 when not.`,
		Example: lines("sudo kumiko doctor", "sudo kumiko doctor --output json"),
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found := doctor.Check(c.Context(), e.state)
			if err := out.print(c.OutOrStdout(), found, func(w io.Writer) { printFindings(w, found) }); err != nil {
				return err
			}
			if !doctor.Healthy(found) {
				return &status{code: exitFailure}
			}
			return nil
		},
	}
	out.flag(c)
	return c
}

func printFindings(w io.Writer, found []doctor.Finding) {
	marks := map[doctor.Level]string{doctor.OK: "✓", doctor.Warning: "!", doctor.Missing: "✗"}
	for _, f := range found {
		fmt.Fprintf(w, "%s %-20s %s\n", marks[f.Level], f.Name, f.Text)
		if f.Level != doctor.OK && f.Remedy != "" {
			fmt.Fprintf(w, "  %-20s → %s\n", "", f.Remedy)
		}
	}
}
