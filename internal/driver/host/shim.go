package host

import (
	"os"
	"path/filepath"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/kernel/sandbox"
)

// Programs that the machine may have, instead of which ours stand in where it has not.
const (
	sudoProgram = "/usr/bin/sudo"
	ssmProgram  = "/usr/bin/ssm-cli"
)

// shims are the commands, by their path below /usr, that an instance needs but
// the machine's userland lacks or means for another init.
func shims() map[string]string {
	const head = "#!/bin/sh\n# Asks the instance's init to end it (TERM) or to start it anew (INT).\n"
	out := map[string]string{
		"sbin/poweroff": head + "exec kill -TERM 1\n",
		"sbin/halt":     head + "exec kill -TERM 1\n",
		"sbin/reboot":   head + "exec kill -INT 1\n",
		"sbin/shutdown": head + "for a; do case $a in -r|--reboot) exec kill -INT 1;; -c) exit 0;; esac; done\nexec kill -TERM 1\n",
	}
	if _, err := os.Stat(sudoProgram); err != nil {
		out["bin/sudo"] = "#!/bin/sh\n# There is no sudo here: init runs the command, for those it trusts.\nexec " +
			sandbox.ProgramPath + " " + remote.InitArgument + " sudo \"$@\"\n"
	}
	if _, err := os.Stat(ssmProgram); err != nil {
		out["bin/ssm-cli"] = "#!/bin/sh\n# The command of the built-in SSM agent.\nexec " + sandbox.ProgramPath + " " + remote.InitArgument + " ssm-cli \"$@\"\n"
	}
	return out
}

// writeShims makes the layer of the shims.
func writeShims(dir string) error {
	for name, text := range shims() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}
