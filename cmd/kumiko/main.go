// Command kumiko runs AWS-style private networking on one machine. See package cli.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"kumiko/internal/cli"
)

// release is set by the linker for a released version; otherwise the build's own record is used.
var release string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:], parts())
	stop()
	os.Exit(code)
}

func parts() cli.Parts {
	return cli.Parts{Version: version()}
}

// version is the release, or the commit this program was built from.
func version() string {
	if release != "" {
		return release
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "devel-" + s.Value[:12]
			}
		}
	}
	return "devel"
}
