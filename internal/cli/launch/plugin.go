package launch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// pluginName is the program that the aws command joins sessions with. (awscli/customizations/sessionmanager.py.)
const pluginName = "session-manager-plugin"

// Plugin makes the binary stand in for AWS's Session Manager plugin in a folder, which may then be put at the end of
// PATH: where there is a real one, it is found before.
func Plugin(folder, binary string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("launch: %w", err)
	}
	path := filepath.Join(folder, pluginName)
	if to, err := os.Readlink(path); err == nil && to == binary {
		return nil
	}
	next := fmt.Sprintf("%s.%d", path, os.Getpid())
	err := os.Symlink(binary, next)
	if errors.Is(err, fs.ErrExist) { // left by another process of that number
		err = os.Remove(next)
		if err == nil {
			err = os.Symlink(binary, next)
		}
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return fmt.Errorf("launch: %w", err)
	}
	return nil
}

// PluginFolder is where users of the machine find the plugin for a state folder.
func PluginFolder(state string) (string, error) {
	sum := sha256.Sum256([]byte(state))
	name := "bin-" + hex.EncodeToString(sum[:4])
	if os.Geteuid() == 0 {
		return "/run/kumiko/" + name, nil // the home of root is closed to whom sudo works for
	}
	home, err := os.UserCacheDir()
	return filepath.Join(home, "kumiko", name), err
}

// ForgetPlugin removes what PluginFolder names.
func ForgetPlugin(state string) {
	folder, err := PluginFolder(state)
	if err == nil {
		_ = os.RemoveAll(folder) // nothing depends on it
		_ = os.Remove(filepath.Dir(folder))
	}
}
