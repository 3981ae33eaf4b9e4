package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"kumiko/internal/cli/demo"
)

func demoCommand(*env) *cobra.Command {
	c := demo.Config{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play SSH through VPC Lattice between VPCs with the same CIDR",
		Long: `Starts a cloud in a temporary folder and plays the main journey with the stock aws command, and dig and ssh in real
instances: three VPCs with one CIDR, resource gateways, a service network, logins, access logs. Each command is shown
as one would type it. Nothing is left behind, also after an interrupt. A running daemon is not disturbed.`,
		Example: lines("sudo kumiko demo", "sudo kumiko demo --region ap-northeast-1"),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			c.Binary, c.Out = self, cmd.OutOrStdout()
			return demo.Run(cmd.Context(), c)
		},
	}
	cmd.Flags().StringVar(&c.Region, "region", "us-east-1", "the region it takes place in")
	return cmd
}
