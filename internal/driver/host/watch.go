package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/remote"
)

// readyTime is how long an init may take to be ready.
const readyTime = 20 * time.Second

// awaitReady waits until init answers, or has ended.
func (d *Driver) awaitReady(h *host) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	go func() {
		select {
		case <-d.quit:
		case <-h.gone:
		case <-ctx.Done():
		}
		cancel()
	}()
	if err := remote.Ping(ctx, filepath.Join(d.runDir(h.id), socketFile)); err != nil {
		return fmt.Errorf("host: %s is not ready: %w", h.id, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if h.status.Phase == Starting {
		d.set(h, Running)
	}
	return nil
}

// watch waits for the end of the host's process and removes its traces. The
// wait is in the runtime's poller and holds no thread.
func (d *Driver) watch(h *host) {
	raw, err := h.process.PIDFD.SyscallConn()
	if err == nil {
		err = raw.Read(func(fd uintptr) bool { return ended(int(fd)) })
	}
	select {
	case <-d.quit:
		return // closed by Close; the process goes on
	default:
	}
	if err != nil {
		d.log.Error("instance no longer watched", "id", h.id, "err", err)
		return
	}
	d.buried(h)
}

// buried takes in a process that has ended and tells so.
func (d *Driver) buried(h *host) {
	var status unix.WaitStatus
	for { // it is our child unless an earlier daemon started it
		_, err := unix.Wait4(h.process.PID, &status, unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	d.cgroups.delete(h.id)
	if r, err := d.readRecord(h.id); err == nil {
		r.Exited = true
		if err := d.writeRecord(h.id, r); err != nil {
			d.log.Error("instance record", "id", h.id, "err", err)
		}
	}
	d.log.Info("instance ended", "id", h.id, "boot", h.status.Boot, "status", int(status))
	d.mu.Lock()
	h.process.PIDFD.Close()
	h.process = nil
	d.set(h, Exited)
	d.mu.Unlock()
	close(h.gone)
}
