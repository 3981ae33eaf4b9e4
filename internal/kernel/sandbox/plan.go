package sandbox

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// highest is the number from which descriptors for the child are duplicated,
// so that putting them in place never overwrites one that is still needed.
const highest = 200

// Limits of a fresh instance's open files, soft and hard, as on Amazon Linux 2023.
const (
	softFiles = 65535
	hardFiles = 524288
)

// plan holds all that the forked child needs, ready to pass to the kernel:
// between fork and exec it must neither allocate nor grow its stack.
type plan struct {
	user, cgroup int // descriptors or -1
	report       int // write end of the pipe a failure is told on
	files        []int
	steps        []step
	filter       *unix.SockFprog
	program      *byte
	args, env    []*byte
	root         *byte
	files64      [2]uint64
	capHeader    unix.CapUserHeader
	capData      [2]unix.CapUserData

	reports *os.File
	owned   []int
}

func newPlan(spec Spec, user *os.File) (*plan, error) {
	p := &plan{
		user: -1, cgroup: -1,
		steps: procSteps(), filter: filterProgram(),
		program: cstring(ProgramPath), args: argv(spec.Args), env: argv(spec.Env), root: cstring("/"),
		capHeader: unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3},
	}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return nil, fmt.Errorf("sandbox: read limits: %w", err)
	}
	p.files64 = [2]uint64{min(softFiles, now.Max), min(hardFiles, now.Max)}
	for c := range uintptr(64) {
		if keeps(c) {
			p.capData[c/32].Permitted |= 1 << (c % 32)
			p.capData[c/32].Effective |= 1 << (c % 32)
		}
	}
	if err := p.dup(spec, user); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// dup takes high copies of the descriptors the child puts in place.
func (p *plan) dup(spec Spec, user *os.File) error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("sandbox: make pipe: %w", err)
	}
	p.reports = os.NewFile(uintptr(ends[0]), "reports")
	defer unix.Close(ends[1])
	high := func(fd int, to *int) error {
		n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, highest)
		if err != nil {
			return fmt.Errorf("sandbox: duplicate descriptor: %w", err)
		}
		*to = n
		p.owned = append(p.owned, n)
		return nil
	}
	if err := high(ends[1], &p.report); err != nil {
		return err
	}
	p.files = make([]int, len(spec.Files))
	for i, f := range spec.Files {
		if err := high(int(f.Fd()), &p.files[i]); err != nil {
			return err
		}
	}
	if spec.Cgroup != nil {
		if err := high(int(spec.Cgroup.Fd()), &p.cgroup); err != nil {
			return err
		}
	}
	if user != nil {
		return high(int(user.Fd()), &p.user)
	}
	return nil
}

// start forks and returns once the child has executed the program, or failed to.
func (p *plan) start() (*Process, error) {
	pid, pidfd, errno := p.fork()
	if errno != 0 {
		return nil, fmt.Errorf("sandbox: fork: %w", errno)
	}
	p.closeOwned() // the child alone holds the pipe now, until it executes
	var report failure
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&report)), unsafe.Sizeof(report))
	if n, _ := p.reports.Read(buf); n == len(buf) {
		unix.Close(pidfd)
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return nil, fmt.Errorf("sandbox: %s: %w (and wait: %v)", report.where, report.errno, err)
		}
		return nil, fmt.Errorf("sandbox: %s %d: %w", report.where, report.detail, report.errno)
	}
	if err := unix.SetNonblock(pidfd, true); err != nil {
		return nil, fmt.Errorf("sandbox: watch process: %w", err)
	}
	return &Process{PID: pid, PIDFD: os.NewFile(uintptr(pidfd), "pidfd")}, nil
}

func (p *plan) closeOwned() {
	for _, fd := range p.owned {
		unix.Close(fd)
	}
	p.owned = nil
}

func (p *plan) close() {
	p.closeOwned()
	if p.reports != nil {
		p.reports.Close()
	}
}
