package guest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// processes starts children and takes in all that end, ours and orphans. A
// first process must wait for any child, so os/exec, which waits for its own,
// cannot be used beside it.
type processes struct {
	mu      sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

func newProcesses() *processes {
	return &processes{waiting: map[int]chan syscall.WaitStatus{}}
}

// start executes the program and returns its id and where its status will come.
func (p *processes) start(path string, argv []string, attr *syscall.ProcAttr) (int, <-chan syscall.WaitStatus, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return 0, nil, &os.PathError{Op: "exec", Path: path, Err: err}
	}
	ch := make(chan syscall.WaitStatus, 1)
	p.waiting[pid] = ch
	return pid, ch, nil
}

// reap takes in all children that have ended. It reports whether any are left.
func (p *processes) reap() (left bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return false // ECHILD
		}
		if pid == 0 {
			return true
		}
		if ch := p.waiting[pid]; ch != nil {
			ch <- status
			delete(p.waiting, pid)
		}
	}
}

// signal sends a signal to the process group of a child that was started and has not been taken in.
func (p *processes) signal(pid int, sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[pid] == nil {
		return fmt.Errorf("guest: signal: %w", os.ErrProcessDone)
	}
	return syscall.Kill(-pid, sig)
}

// code is the exit status a shell would report.
func code(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}
