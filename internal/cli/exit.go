package cli

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"
)

// exit waits for the end of a process that is not our child.
type exit struct{ fd int }

// watchExit takes hold of a process, so that its id cannot come to mean another one.
func watchExit(pid int) (exit, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return exit{}, fmt.Errorf("watch process %d: %w", pid, err)
	}
	return exit{fd}, nil
}

// waitSlice bounds one poll, in milliseconds, so that an interrupt is noticed.
const waitSlice = 200

// Wait returns when the process has ended.
func (e exit) Wait(ctx context.Context) error {
	fds := []unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		n, err := unix.Poll(fds, waitSlice)
		if err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for the daemon: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return ctx.Err()
}

// Close lets go of the process.
func (e exit) Close() error { return unix.Close(e.fd) }
