package scenario

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"kumiko/internal/testkit"
)

// The demonstration plays to its end and leaves nothing behind; so does one that is interrupted at its keyboard.
func TestDemo(t *testing.T) {
	testkit.Need(t, "aws", "ssh", "dig", "curl")
	for name, until := range map[string]string{"whole": "", "interrupted": "2. A resource configuration"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.LeaveNothing(t)
			dir, err := os.MkdirTemp("", testkit.StatePrefix)
			if err != nil {
				t.Fatal(err)
			}
			out, err := playDemo(t, dir, until)
			if (err == nil) != (until == "") {
				t.Errorf("it ended with %v\n%s", err, out)
			}
			if !strings.Contains(out, "nothing is left") || until == "" && !strings.Contains(out, "resourceIpPort") {
				t.Errorf("it did not say so:\n%s", out)
			}
			if err := os.Remove(dir); err != nil { // empty, or it fails
				t.Error(err)
			}
		})
	}
}

// playDemo plays with its temporary folders in dir, and interrupts it, and all programs it runs, after a text.
func playDemo(t *testing.T, dir, until string) (string, error) {
	cmd := exec.CommandContext(t.Context(), testkit.Binary(t), "demo")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	screen, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for lines := bufio.NewScanner(screen); lines.Scan(); {
		out.WriteString(lines.Text() + "\n")
		if until != "" && strings.Contains(lines.Text(), until) {
			if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
				t.Error(err)
			}
		}
	}
	return out.String(), cmd.Wait()
}
