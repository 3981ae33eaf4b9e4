package host

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel/sandbox"
	"kumiko/internal/world"
)

// Config says where and how instances run.
type Config struct {
	Run     string            // runtime folder of the daemon
	State   string            // state folder of the daemon
	CA      []byte            // certificates (PEM) instances trust besides the machine's public ones
	Images  map[string]string // image id → folder with a root file system; other images are the default one
	Folders []string          // further folders of the machine that instances may read
	Program string            // the program with the guest-init subcommand; empty: this one
	Grace   time.Duration     // how long an instance may take to stop; 0 means defaultGrace
	Log     *slog.Logger      // nil: slog.Default
}

// defaultGrace is longer than init gives its processes.
const defaultGrace = 5 * time.Second

// parallel is how many instances are started at once.
const parallel = 6

// Phase is how far an instance's process is.
type Phase string

// The phases of a host, in their order.
const (
	Starting Phase = "starting"
	Running  Phase = "running"
	Exited   Phase = "exited" // it ended, by itself or because it was stopped
)

// Status is what is known of an instance's process.
type Status struct {
	Phase Phase
	Boot  uint64
}

// Event tells that a status has changed.
type Event struct {
	ID world.InstanceID
	Status
}

// Driver runs instances.
type Driver struct {
	config    Config
	skeletons *skeletons // base layers of the default image
	cgroups   cgroups    // where instances are grouped
	bootID    string     // of the machine
	log       *slog.Logger
	watchers  sync.WaitGroup
	quit      chan struct{} // closed by Close

	mu      sync.Mutex
	hosts   map[world.InstanceID]*host
	events  []Event
	changed chan struct{}
}

// host is an instance whose process was seen.
type host struct {
	id       world.InstanceID
	status   Status
	process  *sandbox.Process
	stopping bool
	agent    bool          // has been told to start the SSM agent
	gone     chan struct{} // closed when the process has ended and its traces are removed
}

// New prepares the shared layers and takes over the instances that run already.
func New(c Config) (*Driver, error) {
	if c.Program == "" {
		path, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("host: find own program: %w", err)
		}
		c.Program = path
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	d := &Driver{config: c, log: c.Log, quit: make(chan struct{}), hosts: map[world.InstanceID]*host{}, changed: make(chan struct{}, 1)}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("host: read boot id: %w", err)
	}
	d.bootID = string(boot)
	for _, dir := range []string{d.runDir(""), d.stateDir("")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("host: make folder: %w", err)
		}
	}
	d.cgroups = findCgroups(c.State)
	if err := d.takeOver(); err != nil {
		return nil, err
	}
	if d.skeletons, err = newSkeletons(filepath.Join(c.State, "images"), c.CA); err != nil {
		return nil, err
	}
	if d.idle() {
		if err := d.skeletons.clean(); err != nil {
			d.log.Warn("outdated images not deleted", "err", err)
		}
	}
	if _, err := d.skeletons.of(amazonUser); err != nil { // so that the first instance need not wait for it
		d.log.Warn("the default image is not ready; instances cannot start", "err", err) // to stop them, it is not needed
	}
	return d, nil
}

// Close stops watching. Instances go on.
func (d *Driver) Close() {
	close(d.quit)
	d.mu.Lock()
	for _, h := range d.hosts {
		if h.process != nil {
			h.process.PIDFD.Close() // ends its watcher
		}
	}
	d.mu.Unlock()
	d.watchers.Wait()
}

// idle tells whether no instance has a process.
func (d *Driver) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.hosts {
		if h.process != nil {
			return false
		}
	}
	return true
}

func (d *Driver) runDir(id world.InstanceID) string {
	return filepath.Join(d.config.Run, "hosts", string(id))
}

func (d *Driver) stateDir(id world.InstanceID) string {
	return filepath.Join(d.config.State, "instances", string(id))
}

// Observe is what is known of all instances that have, or had, a process.
func (d *Driver) Observe() map[world.InstanceID]Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[world.InstanceID]Status, len(d.hosts))
	for id, h := range d.hosts {
		out[id] = h.status
	}
	return out
}

// Changed has a value whenever Observe would answer differently than before.
func (d *Driver) Changed() <-chan struct{} { return d.changed }

// Events are the changes since the last call, in order.
func (d *Driver) Events() []Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.events
	d.events = nil
	return out
}

// set changes a host's phase. The caller holds the lock.
func (d *Driver) set(h *host, p Phase) {
	if h.status.Phase == p {
		return
	}
	h.status.Phase = p
	d.events = append(d.events, Event{h.id, h.status})
	if len(d.events) > maxEvents {
		d.events = d.events[len(d.events)-maxEvents:]
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// maxEvents bounds the events kept for a caller that never asks for them.
const maxEvents = 10_000

// consoleSize is how much of the console log is told, in bytes. (EC2 API, GetConsoleOutput.)
const consoleSize = 64 << 10

// Console is the end of the console log of an instance, also of a stopped one.
func (d *Driver) Console(id world.InstanceID) ([]byte, error) {
	f, err := os.Open(filepath.Join(d.runDir(id), consoleFile))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("host: read console: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("host: read console: %w", err)
	}
	// Never more than that: the instance's root can write to it as it likes.
	b, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-consoleSize), consoleSize))
	if err != nil {
		return nil, fmt.Errorf("host: read console: %w", err)
	}
	return b, nil
}

// wanted indexes hosts by id.
func wanted(hosts []*fabric.Host) map[world.InstanceID]*fabric.Host {
	m := make(map[world.InstanceID]*fabric.Host, len(hosts))
	for _, h := range hosts {
		m[h.ID] = h
	}
	return m
}

// Down stops all instances and removes the traces of running ones. What they
// have written stays in the state folder.
func (d *Driver) Down(ctx context.Context) error {
	if err := d.Apply(ctx, nil); err != nil {
		return err
	}
	d.mu.Lock()
	var waits []chan struct{}
	for _, h := range d.hosts {
		waits = append(waits, h.gone)
	}
	d.mu.Unlock()
	for _, w := range waits {
		select {
		case <-w:
		case <-ctx.Done():
			return fmt.Errorf("host: down: %w", ctx.Err())
		}
	}
	d.cgroups.remove()
	if err := os.RemoveAll(d.runDir("")); err != nil {
		return fmt.Errorf("host: down: %w", err)
	}
	return nil
}
