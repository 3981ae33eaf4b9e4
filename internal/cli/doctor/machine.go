package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What a comfortable machine has.
const (
	wantDisk  = 1 << 30   // bytes free for the state folder
	wantMem   = 512 << 20 // bytes available
	wantFiles = 4096      // open files of a process
	wantTrack = 65536     // tracked connections
)

// volatile are file systems that lose their content, and noOverlay those that cannot be an overlay's upper layer.
// (Magic numbers: statfs(2).)
var (
	volatile  = map[int64]string{unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs"}
	noOverlay = map[int64]string{unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs", unix.MSDOS_SUPER_MAGIC: "vfat", unix.V9FS_MAGIC: "9p"}
)

// stateFolder looks at the file system that the state folder is on, or will be.
func stateFolder(state string) Finding {
	f := Finding{Name: "state folder", Level: OK}
	dir := state
	for {
		if _, err := os.Stat(dir); err == nil || dir == "/" || dir == "." {
			break
		}
		dir = filepath.Dir(dir)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return found(f.Name, "", fmt.Errorf("%s: %w", dir, err), "choose another with --state")
	}
	free := s.Bavail * uint64(s.Bsize)
	f.Text = fmt.Sprintf("%s, %s free", state, size(free))
	switch {
	case noOverlay[s.Type] != "":
		f.Level, f.Remedy = Missing, "choose a folder on ext4, xfs or btrfs with --state"
		f.Text += ": on " + noOverlay[s.Type] + ", where instances cannot have a file system"
	case volatile[s.Type] != "":
		f.Level, f.Remedy = Warning, "choose a folder on a disk with --state"
		f.Text += ": on " + volatile[s.Type] + ", lost at the next boot"
	case free < wantDisk:
		f.Level, f.Remedy = Warning, "free some space: "+size(wantDisk)+" is comfortable"
	}
	return f
}

func limits() []Finding {
	return []Finding{memory(), files(), tracked()}
}

func memory() Finding {
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return found("memory", "", err, "mount /proc")
	}
	for l := range strings.Lines(string(raw)) {
		if f := strings.Fields(l); len(f) > 1 && f[0] == "MemAvailable:" {
			kb, err := strconv.ParseUint(f[1], 10, 64)
			if err != nil {
				return found("memory", "", err, "")
			}
			return enough("memory", kb<<10, wantMem, size(kb<<10)+" available", "end something large: "+size(wantMem)+" is comfortable for twenty instances")
		}
	}
	return Finding{Name: "memory", Level: Warning, Text: "/proc/meminfo does not say"}
}

func files() Finding {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return found("open files", "", err, "")
	}
	return enough("open files", r.Max, wantFiles, fmt.Sprintf("up to %d", r.Max), "ulimit -Hn 65536")
}

func tracked() Finding {
	const path = "/proc/sys/net/netfilter/nf_conntrack_max"
	raw, err := os.ReadFile(path)
	if err != nil {
		return Finding{Name: "connection tracking", Level: Warning, Text: "not loaded yet", Remedy: "modprobe nf_conntrack, if the checks above fail"}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil {
		return found("connection tracking", "", err, "")
	}
	return enough("connection tracking", n, wantTrack, fmt.Sprintf("up to %d connections", n), fmt.Sprintf("sysctl net.netfilter.nf_conntrack_max=%d", wantTrack))
}

func enough(name string, have, want uint64, text, remedy string) Finding {
	if have < want {
		return Finding{Name: name, Level: Warning, Text: text, Remedy: remedy}
	}
	return Finding{Name: name, Level: OK, Text: text}
}

// size writes bytes for people.
func size(n uint64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%d GiB", n>>30)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
