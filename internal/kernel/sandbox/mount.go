package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mount is mount(2) with an error that tells what was mounted.
func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("sandbox: mount %s at %s: %w", fstype+source, target, err)
	}
	return nil
}

// mountOverlay mounts o at the target.
func mountOverlay(o Overlay, target string) error {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `:`, `\:`).Replace
	lower := make([]string, len(o.Lower))
	for i, l := range o.Lower {
		lower[i] = escape(l)
	}
	data := "lowerdir=" + strings.Join(lower, ":") + ",upperdir=" + escape(o.Upper) + ",workdir=" + escape(o.Work)
	return mount("overlay", target, "overlay", unix.MS_NODEV, data)
}

// bindReadOnly shows a file or folder of the machine at the target, which is made if it is missing.
func bindReadOnly(source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("sandbox: show %s: %w", source, err)
	}
	if err := makeTarget(target, info.IsDir()); err != nil {
		return fmt.Errorf("sandbox: show %s: %w", source, err)
	}
	if err := mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOSUID, "")
}

func makeTarget(target string, folder bool) error {
	if folder {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o755)
	if err != nil {
		return err
	}
	return f.Close()
}
