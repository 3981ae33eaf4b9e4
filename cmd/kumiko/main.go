// Command kumiko runs AWS-style private networking on one machine. Package cli reads its arguments, package app is
// the daemon; called with "guest-init" it is the first process of an instance, or one of the programs in it; under the name
// session-manager-plugin it is what the aws command joins sessions with.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/app"
	"kumiko/internal/cli"
	"kumiko/internal/cli/launch"
	"kumiko/internal/driver/host"
	"kumiko/internal/session/guest"
	"kumiko/internal/session/ssm/agent"
	"kumiko/internal/session/ssm/diagnose"
	"kumiko/internal/session/ssm/plugin"
	"kumiko/internal/world"
)

// release is set by the linker for a released version; otherwise the build's own record is used.
var release string

func main() {
	if filepath.Base(os.Args[0]) == plugin.Name {
		os.Exit(plugin.Main(os.Args[1:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "guest-init" {
		inside()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, os.Args[1:], cli.Parts{Version: version(), Up: up, Down: down, Exec: execute, Plugins: plugins, Session: session})
	stop()
	os.Exit(code)
}

// inside plays a part in an instance, and does not return.
func inside() {
	if len(os.Args) > 2 {
		switch os.Args[2] {
		case "ssm-agent":
			os.Exit(agent.Main())
		case "ssm-cli":
			os.Exit(diagnose.Main(os.Args[3:]))
		}
	}
	guest.Main()
}

func up(ctx context.Context, o cli.UpOptions) error {
	// Who read our output may go before us: then writing fails, and ends nothing. Instances are not to inherit it, so it is not ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return app.Run(ctx, app.Config{
		State: o.State, Listen: o.Listen, Open: o.Open, StrictAMI: o.StrictAMI, IAMWarn: o.IAM == "warn", Folders: o.Folders,
		Version: version(), Ready: o.Ready, Log: logger(o.Debug),
	})
}

func down(ctx context.Context, state string) error { return app.Down(ctx, state, logger(false)) }

// execute runs a command in an instance; an interrupt is the command's, not ours.
func execute(ctx context.Context, c cli.ExecCall) (int, error) {
	return host.Exec(context.WithoutCancel(ctx), host.Command{
		Run: c.Run, Instance: world.InstanceID(c.Instance), Argv: c.Argv, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr, TTY: c.TTY,
	})
}

// session begins a session with an instance and joins it.
func session(ctx context.Context, c cli.SessionCall) error {
	api := plugin.API{URL: c.URL, Region: c.Region, By: sigv4.Credential{ID: world.AccessKeyID(c.AccessKeyID), Secret: c.Secret}}
	in := map[string]any{"Target": c.Target}
	if c.Document != "" {
		in["DocumentName"] = c.Document
	}
	if c.Cause != "" {
		in["Reason"] = c.Cause
	}
	if len(c.Parameters) > 0 {
		in["Parameters"] = c.Parameters
	}
	var s plugin.Session
	if err := api.Call(ctx, "StartSession", in, &s); err != nil {
		return err
	}
	return plugin.Join(context.WithoutCancel(ctx), api, s) // an interrupt is the instance's, not ours
}

// plugins is the folder in which this program stands in for AWS's Session Manager plugin, or nothing.
func plugins(state string) string {
	folder, err := launch.PluginFolder(state)
	if err != nil {
		return ""
	}
	binary, err := os.Executable()
	if err != nil || launch.Plugin(folder, binary) != nil {
		return ""
	}
	return folder
}

func logger(details bool) *slog.Logger {
	level := slog.LevelInfo
	if details {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
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
