package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"kumiko/internal/session/ssm/frame"
)

// pipe joins standard input and output with a port of the instance, as ssh's ProxyCommand wants it.
type pipe struct{ *client }

func (p *pipe) take(m frame.Message) error {
	if m.Kind != frame.Bytes {
		return nil
	}
	_, err := p.Out.Write(m.Payload)
	return err
}

func (p *pipe) run(ctx context.Context) error {
	stopped, stop, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stopped.Close()
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop.Close()
	ended := make(chan error, 1)
	reading.Go(func() {
		ended <- readUntil(p.In, stopped, func(b []byte) error { return p.stream.Write(frame.Bytes, b) })
	})
	select {
	case <-ctx.Done():
		return nil
	case <-p.Signals:
		return p.leave(ctx)
	case err := <-ended:
		if errors.Is(err, io.EOF) {
			return p.leave(ctx)
		}
		return err
	}
}

// leave tells the agent that the user goes.
func (c *client) leave(ctx context.Context) error {
	if err := c.stream.Write(frame.Flag, frame.FlagPayload(frame.TerminateSession)); err != nil {
		return err
	}
	select {
	case <-c.stream.Drained():
	case <-ctx.Done():
		return nil
	}
	if err := c.Terminate(ctx); err != nil {
		return fmt.Errorf("client: terminate: %w", err)
	}
	return errLeft
}
