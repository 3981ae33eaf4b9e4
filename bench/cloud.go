package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kumiko/bench/client"
	"kumiko/internal/cli/launch"
)

// cloud is a daemon in a state folder of its own.
type cloud struct {
	*launch.Daemon
	conf launch.Config
	dir  string
	api  *client.Client
}

// region is where everything is.
const region = "us-east-1"

// atOnce is how many calls a client makes at once at most.
const atOnce = 16

// newCloud starts a daemon and learns its default account's keys.
func newCloud(ctx context.Context, c config) (*cloud, error) {
	dir, err := os.MkdirTemp("", "kumiko-bench-")
	if err != nil {
		return nil, fmt.Errorf("cloud: %w", err)
	}
	binary, err := filepath.Abs(c.binary)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	d := &cloud{dir: dir, conf: launch.Config{Binary: binary, State: filepath.Join(dir, "state"), Log: io.Discard}}
	if err := d.up(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// up starts the daemon, at first or again.
func (d *cloud) up(ctx context.Context) (err error) {
	if d.Daemon, err = launch.Start(ctx, d.conf); err != nil {
		return err
	}
	a, err := d.Client().Account(ctx, "default")
	if err != nil {
		return err
	}
	if d.api != nil {
		d.api.Close()
	}
	d.api = client.New(d.URL, region, a.AccessKeyID, a.SecretAccessKey, atOnce)
	return nil
}

// close ends everything of the cloud.
func (d *cloud) close() error {
	ctx := context.Background() // also after an interrupt
	err := launch.Down(ctx, d.conf.Binary, d.conf.State)
	if d.api != nil {
		d.api.Close()
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// call calls an operation and gives one element of the answer.
func (d *cloud) call(ctx context.Context, element, operation string, pairs ...string) (string, error) {
	xml, err := d.api.Call(ctx, operation, pairs...)
	if err != nil {
		return "", err
	}
	v := client.Element(xml, element)
	if v == "" {
		return "", fmt.Errorf("%s: no %s in %s", operation, element, xml)
	}
	return v, nil
}
