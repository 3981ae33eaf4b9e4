package guest

import (
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hearAll lets programs in the instance begin with no signal ignored, whatever is ignored by who started the daemon: they would inherit it.
// What is heard, and forgotten, is not ignored; of the signals Go knows nothing of the kernel is told.
func hearAll() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	const first, last, ignored = 32, 64, 1 // linux/signal.h SIGRTMIN, _NSIG, SIG_IGN
	for s := uintptr(first); s <= last; s++ {
		var action [4]uint64 // the kernel's sigaction: handler, flags, restorer, mask
		size := unsafe.Sizeof(action[0])
		if _, _, err := unix.RawSyscall6(unix.SYS_RT_SIGACTION, s, 0, uintptr(unsafe.Pointer(&action)), size, 0, 0); err == 0 && action[0] == ignored {
			action = [4]uint64{}
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, s, uintptr(unsafe.Pointer(&action)), 0, size, 0, 0)
		}
	}
}
