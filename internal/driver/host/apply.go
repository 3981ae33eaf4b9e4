package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel/remote"
	"kumiko/internal/world"
)

// ApplyError tells which instances could not be started.
type ApplyError struct {
	Hosts map[world.InstanceID]error
}

// Error names the number and one of them.
func (e *ApplyError) Error() string {
	for id, err := range e.Hosts {
		return fmt.Sprintf("host: %d instances not started, %s: %v", len(e.Hosts), id, err)
	}
	return "host: no instance failed"
}

// Unwrap gives the errors of all instances.
func (e *ApplyError) Unwrap() []error {
	var out []error
	for _, err := range e.Hosts {
		out = append(out, err)
	}
	return out
}

// Apply starts the hosts that have no process and asks those to stop that are
// not wanted or are of another boot. It returns when what was to be started
// is ready or has failed ([ApplyError]); a host of an older boot is waited for,
// other stops go on by themselves and show in Observe. A host that ended by
// itself is not started again in the same boot.
func (d *Driver) Apply(ctx context.Context, hosts []*fabric.Host) error {
	want := wanted(hosts)
	d.mu.Lock()
	for id, h := range d.hosts {
		w, ok := want[id]
		if h.process == nil {
			if !ok {
				delete(d.hosts, id)
				d.forgetRun(id)
			}
			continue
		}
		if !ok || w.Boot != h.status.Boot {
			d.stop(h)
		}
	}
	var start []*fabric.Host
	var agents []*host
	for _, w := range hosts {
		switch h := d.hosts[w.ID]; {
		case h == nil || h.status.Boot != w.Boot:
			start = append(start, w)
		case w.Agent && !h.agent && h.process != nil && !h.stopping:
			agents = append(agents, h)
		}
	}
	d.mu.Unlock()
	return errors.Join(d.startAll(ctx, start), d.startAgents(ctx, agents))
}

// startAgents tells the inits of running hosts to start their SSM agents. One that has an agent already keeps it.
func (d *Driver) startAgents(ctx context.Context, hosts []*host) error {
	failed := map[world.InstanceID]error{}
	for _, h := range hosts {
		if err := d.startAgent(ctx, h.id); err != nil {
			failed[h.id] = fmt.Errorf("host: start agent: %w", err)
			continue
		}
		d.mu.Lock()
		h.agent = true
		d.mu.Unlock()
	}
	if len(failed) > 0 {
		return &ApplyError{failed}
	}
	return nil
}

func (d *Driver) startAgent(ctx context.Context, id world.InstanceID) error {
	c, err := remote.Dial(ctx, filepath.Join(d.runDir(id), socketFile))
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := c.Send(remote.Request{Agent: true}); err != nil {
		return err
	}
	var r remote.Reply
	_, err = c.Receive(&r)
	return err
}

// startAll starts hosts, some at a time.
func (d *Driver) startAll(ctx context.Context, hosts []*fabric.Host) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := map[world.InstanceID]error{}
	room := make(chan struct{}, parallel)
	for _, w := range hosts {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			if err := d.startOne(ctx, w); err != nil {
				mu.Lock()
				failed[w.ID] = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		return &ApplyError{failed}
	}
	return nil
}

// startOne waits for the end of an earlier boot and starts the host.
func (d *Driver) startOne(ctx context.Context, w *fabric.Host) error {
	d.mu.Lock()
	old := d.hosts[w.ID]
	d.mu.Unlock()
	if old != nil {
		select {
		case <-old.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	h, err := d.start(w)
	if err != nil {
		return err
	}
	if err := d.awaitReady(h); err != nil {
		d.mu.Lock()
		if h.process != nil {
			d.kill(h)
		}
		d.mu.Unlock()
		<-h.gone
		d.mu.Lock()
		if d.hosts[w.ID] == h {
			delete(d.hosts, w.ID) // so that it is tried again
		}
		d.mu.Unlock()
		console, _ := d.Console(w.ID)
		return fmt.Errorf("%w; console: %.500s", err, console)
	}
	return nil
}

// stop asks the host's init to end, and ends it when it takes too long. The caller holds the lock.
func (d *Driver) stop(h *host) {
	if h.stopping || h.process == nil {
		return
	}
	h.stopping = true
	if err := unix.PidfdSendSignal(pidfd(h), unix.SIGTERM, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		d.log.Warn("instance not asked to stop", "id", h.id, "err", err)
	}
	d.watchers.Go(func() {
		late := time.NewTimer(d.config.Grace)
		defer late.Stop()
		select {
		case <-h.gone:
			return
		case <-d.quit:
			return
		case <-late.C:
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.kill(h)
	})
}

// kill ends a host at once. The caller holds the lock.
func (d *Driver) kill(h *host) {
	if h.process == nil {
		return
	}
	if err := unix.PidfdSendSignal(pidfd(h), unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		d.log.Warn("instance not killed", "id", h.id, "err", err)
	}
	d.cgroups.kill(h.id)
}

// pidfd is the number of the descriptor, which stays in the runtime's poller.
func pidfd(h *host) int {
	fd := -1
	if raw, err := h.process.PIDFD.SyscallConn(); err == nil {
		raw.Control(func(n uintptr) { fd = int(n) })
	}
	return fd
}

// forgetRun removes the traces of a process that is not wanted any more. The console log stays until Prune.
func (d *Driver) forgetRun(id world.InstanceID) {
	for _, f := range []string{recordFile, socketFile} {
		if err := os.Remove(filepath.Join(d.runDir(id), f)); err != nil && !os.IsNotExist(err) {
			d.log.Warn("instance record not removed", "id", id, "err", err)
		}
	}
}

// Prune deletes all about the instances that are not to be kept and have no process: what they have written, and their console logs.
func (d *Driver) Prune(keep func(world.InstanceID) bool) error {
	var errs []error
	for _, dir := range []func(world.InstanceID) string{d.stateDir, d.runDir} {
		entries, err := os.ReadDir(dir(""))
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("host: prune: %w", err)
		}
		for _, e := range entries {
			id := world.InstanceID(e.Name())
			if d.alive(id) || keep(id) {
				continue
			}
			if err := os.RemoveAll(dir(id)); err != nil {
				errs = append(errs, fmt.Errorf("host: prune: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}

// alive tells whether the instance has a process.
func (d *Driver) alive(id world.InstanceID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hosts[id]
	return h != nil && h.process != nil
}
