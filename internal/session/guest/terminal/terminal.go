package terminal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Group is the group of terminals, 5 on every distribution in use. (pts(4).)
const Group = 5

// Open makes a terminal of the given size and returns its near and its far
// end, which is for the program. The near end is in the runtime's poller.
func Open(rows, cols uint16) (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("terminal: open: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		master.Close()
		return nil, nil, fmt.Errorf("terminal: unlock: %w", err)
	}
	// The peer is opened through the near end, so no path can be swapped. (ioctl_tty(2), TIOCGPTPEER.)
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		master.Close()
		return nil, nil, fmt.Errorf("terminal: open far end: %w", errno)
	}
	slave = os.NewFile(peer, "terminal")
	if rows == 0 || cols == 0 {
		rows, cols = 24, 80
	}
	if err := Resize(slave, rows, cols); err != nil {
		master.Close()
		slave.Close()
		return nil, nil, err
	}
	return master, slave, nil
}

// Resize sets the size of the terminal either end of which is given.
func Resize(f *os.File, rows, cols uint16) error {
	return control(f, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	})
}

// Name is the name of the terminal whose near end is given, e.g. pts/0.
func Name(master *os.File) string {
	n := -1
	err := control(master, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	if err != nil {
		return "?"
	}
	return fmt.Sprintf("pts/%d", n)
}

// control calls f with the descriptor, which stays in the runtime's poller.
func control(file *os.File, f func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	if inner != nil {
		return fmt.Errorf("terminal: %w", inner)
	}
	return nil
}
