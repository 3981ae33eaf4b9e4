package cli

import (
	"github.com/spf13/cobra"

	"kumiko/internal/cli/admin"
)

func debugCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "debug VIEW",
		Short: "Show an inner layer: world, fabric, nft or flows",
		Long: `Shows one layer of the way from an AWS call to a packet:
  world   what was asked for, as rows
  fabric  what the network must be, compiled from it
  nft     the rules the kernel was given, rendered from that
  flows   refusals and connections as they happen, until interrupted`,
		Example:   lines("sudo kumiko debug world", "sudo kumiko debug nft", "sudo kumiko debug flows"),
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: admin.Views[:],
		RunE: func(c *cobra.Command, args []string) error {
			err := e.client().Debug(c.Context(), args[0], c.OutOrStdout())
			if c.Context().Err() != nil {
				return nil // interrupted, as views that go on are meant to be
			}
			return err
		},
	}
}
