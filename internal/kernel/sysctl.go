package kernel

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Sysctl is a kernel parameter of a network namespace and its value. Name is the path below /proc/sys/net with
// slashes, e.g. ipv4/ip_forward.
type Sysctl struct {
	Name, Value string
	Optional    bool // do without it where the kernel does not have it
}

// SetSysctls sets parameters in the namespace at path, one after the other.
func SetSysctls(ns string, sysctls []Sysctl) error {
	return In(ns, func() error { return setSysctls(sysctls) })
}

// setSysctls sets parameters in the calling thread's namespace. What a thread sees below /proc/sys/net is its own
// namespace's.
func setSysctls(sysctls []Sysctl) error {
	for _, s := range sysctls {
		if err := setSysctl(s); err != nil && !(s.Optional && errors.Is(err, os.ErrNotExist)) {
			return fmt.Errorf("kernel: sysctl net/%s=%s: %w", s.Name, s.Value, err)
		}
	}
	return nil
}

func setSysctl(s Sysctl) error {
	file := path.Join("/proc/sys/net", s.Name)
	if !strings.HasPrefix(file, "/proc/sys/net/") {
		return os.ErrInvalid
	}
	fd, err := unix.Open(file, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(s.Value))
	return err
}
