package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"kumiko/internal/kernel/sandbox"
	"kumiko/internal/world"
)

// Files in hosts/ID of the runtime folder.
const (
	recordFile  = "process.json"
	socketFile  = "init"
	consoleFile = "console.log"
)

// record tells a later daemon which process an instance is.
type record struct {
	PID     int
	Start   string // of the process, in clock ticks since the machine's boot
	Machine string // boot id of the machine
	Boot    uint64 // of the instance
	Exited  bool   // it had ended when last seen
}

func (d *Driver) writeRecord(id world.InstanceID, r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("host: write record: %w", err)
	}
	path := filepath.Join(d.runDir(id), recordFile)
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("host: write record: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("host: write record: %w", err)
	}
	return nil
}

// startTime is when a process started, in clock ticks. (proc_pid_stat(5), field 22.)
func startTime(pid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("host: read process: %w", err)
	}
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name may hold anything
	if len(fields) < 20 {
		return "", errors.New("host: read process: short stat")
	}
	return fields[19], nil
}

// takeOver finds the instances that earlier daemons started.
func (d *Driver) takeOver() error {
	entries, err := os.ReadDir(d.runDir(""))
	if err != nil {
		return fmt.Errorf("host: read records: %w", err)
	}
	for _, e := range entries {
		id := world.InstanceID(e.Name())
		r, err := d.readRecord(id)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // it never got its orders
		case err != nil:
			d.log.Warn("instance record unreadable; it will be started anew", "id", id, "err", err)
			continue
		case r.Machine != d.bootID:
			continue // it ended with the machine and may start again
		}
		h := &host{id: id, status: Status{Starting, r.Boot}, gone: make(chan struct{})}
		d.hosts[id] = h
		if h.process = find(r); h.process == nil {
			d.set(h, Exited)
			close(h.gone)
			d.cgroups.delete(id)
			continue
		}
		d.watchers.Go(func() { d.watch(h) })
		d.watchers.Go(func() { d.awaitReady(h) })
	}
	return nil
}

func (d *Driver) readRecord(id world.InstanceID) (record, error) {
	var r record
	b, err := os.ReadFile(filepath.Join(d.runDir(id), recordFile))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}

// find opens the recorded process if it still runs.
func find(r record) *sandbox.Process {
	if r.Exited {
		return nil
	}
	fd, err := unix.PidfdOpen(r.PID, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil
	}
	// The descriptor holds on to whatever process has the number now; if that is the recorded one, it stays so.
	start, err := startTime(r.PID)
	f := os.NewFile(uintptr(fd), "pidfd")
	if err != nil || start != r.Start || ended(fd) {
		f.Close()
		return nil
	}
	return &sandbox.Process{PID: r.PID, PIDFD: f}
}

// ended tells whether the process behind a descriptor has ended.
func ended(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return err == nil && n > 0
		}
	}
}
