package diagnose

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"kumiko/internal/session/ssm/agent"
	"kumiko/internal/session/ssm/identity"
)

const usage = `NAME:
    ssm-cli
SYNOPSIS
    ssm-cli <command> [parameters]
COMMANDS
    get-diagnostics [--output table|json]
    get-instance-information
`

// Main runs the command with the arguments after its name and returns the exit status.
func Main(args []string) int {
	ctx := context.Background()
	switch {
	case len(args) == 1 && args[0] == "get-instance-information":
		return information(ctx)
	case len(args) == 1 && args[0] == "get-diagnostics":
		return diagnostics(ctx, "json")
	case len(args) == 3 && args[0] == "get-diagnostics" && args[1] == "--output" && (args[2] == "table" || args[2] == "json"):
		return diagnostics(ctx, args[2])
	}
	fmt.Print(usage)
	return 1
}

func information(ctx context.Context) int {
	who, err := identity.New(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b, err := json.Marshal(struct {
		Instance string `json:"instance-id"`
		Region   string `json:"region"`
		Version  string `json:"release-version"`
	}{who.Instance, who.Region, agent.Version})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(string(b))
	return 0
}

func diagnostics(ctx context.Context, form string) int {
	if os.Geteuid() != 0 {
		fmt.Println("get-diagnostics requires elevated permissions: run it as root")
		return 1
	}
	found := check(ctx)
	if form == "table" {
		fmt.Println(table(found))
		return 0
	}
	b, err := json.MarshalIndent(struct{ DiagnosticsOutput []finding }{found}, "", "  ")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(string(b))
	return 0
}
