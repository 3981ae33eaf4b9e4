package traffic

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// server accepts with a number of threads until it is stopped.
type server struct {
	fd int
	wg sync.WaitGroup
}

// serve starts a server whose threads call handle for each connection they accept, and close it afterwards.
func (p Path) serve(threads int, handle func(fd int)) (*server, error) {
	fd, err := p.listen()
	if err != nil {
		return nil, err
	}
	s := &server{fd: fd}
	for range threads {
		s.wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for {
				c, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
				switch err {
				case nil:
					if bound(c) == nil {
						handle(c)
					}
					unix.Close(c)
				case unix.EINTR, unix.ECONNABORTED, unix.EAGAIN:
				default:
					return
				}
			}
		})
	}
	return s, nil
}

// stop wakes the threads, which end once their connections have.
func (s *server) stop() {
	_ = unix.Shutdown(s.fd, unix.SHUT_RDWR) // wakes who accepts
	s.wg.Wait()
	unix.Close(s.fd)
}
