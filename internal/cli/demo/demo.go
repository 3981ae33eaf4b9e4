// Package demo plays the main journey for someone to watch: SSH through VPC Lattice between VPCs with the same CIDR.
// It starts a cloud in a temporary folder, uses it with the stock aws command and with dig and ssh in real
// instances, shows each command as one would type it, and leaves nothing behind, also when it is interrupted.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"kumiko/internal/cli/launch"

	"golang.org/x/sys/unix"
)

// Config says how to play.
type Config struct {
	Binary string    // the kumiko program
	Region string    // where the story takes place
	Out    io.Writer // the screen
}

// isTerminal tells whether out is a terminal.
func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// sweepWait bounds how long the end of everything may take.
const sweepWait = time.Minute

// Run plays the journey. Its error says which command failed; everything is gone in any case.
func Run(ctx context.Context, c Config) (err error) {
	dir, err := os.MkdirTemp("", "kumiko-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "daemon.log"))
	if err != nil {
		return errors.Join(fmt.Errorf("demo: %w", err), os.RemoveAll(dir))
	}
	s := &stage{out: c.Out, colours: isTerminal(c.Out), binary: c.Binary, region: c.Region, begun: time.Now()}
	defer func() {
		err = errors.Join(err, log.Close(), os.RemoveAll(dir))
	}()
	s.title("A private cloud in a temporary folder")
	s.say("kumiko up --state %s", filepath.Join(dir, "state"))
	d, err := launch.Start(ctx, launch.Config{Binary: c.Binary, State: filepath.Join(dir, "state"), Log: log})
	if err != nil {
		return errors.Join(fmt.Errorf("demo: %w", err), sweep(ctx, c.Binary, filepath.Join(dir, "state")))
	}
	defer func() {
		s.title("The end: kumiko down")
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepWait)
		defer cancel()
		if downErr := d.Down(ctx); downErr != nil {
			err = errors.Join(err, downErr)
			return
		}
		s.note("nothing is left: no namespace, no mount, no process, no file. It all took %s.", time.Since(s.begun).Round(time.Second))
	}()
	if s.environ, err = d.Environ(ctx, "default", c.Region); err != nil {
		return err
	}
	s.note("the AWS APIs answer at %s", d.URL)
	if err := play(ctx, s); err != nil {
		if ctx.Err() != nil {
			return errors.New("demo: interrupted")
		}
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// sweep ends what a daemon that never became ready left.
func sweep(ctx context.Context, binary, state string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepWait)
	defer cancel()
	return launch.Down(ctx, binary, state)
}

// play is the journey, an act a step.
func play(ctx context.Context, s *stage) error {
	for _, act := range []func(context.Context, *stage) error{
		prepare, gateways, configurations, network, resourceAssociations, vpcAssociation, names, logins, accessLogs,
		endpoint, endpointNames, endpointLogin, withoutAssociation,
	} {
		if err := act(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
