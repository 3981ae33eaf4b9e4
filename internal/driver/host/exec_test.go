package host

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/session/guest/terminal"
)

// TestExec runs commands with a terminal, with signals, and where it cannot.
func TestExec(t *testing.T) {
	p := newPlace(t)
	p.namespace(idA)
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	p.must(d.Apply(ctx, []*fabric.Host{p.want(idA, "10.9.0.53", "")}))

	t.Run("terminal", func(t *testing.T) {
		master, slave, err := terminal.Open(31, 117)
		p.must(err)
		defer master.Close()
		shown := make(chan string)
		go func() {
			b, _ := io.ReadAll(master) // ends with an error when the far end is closed
			shown <- string(b)
		}()
		script := "tty; stty size; trap 'stty size; exit 5' WINCH; echo ready; read x; echo got $x; touch /tmp/waiting; while :; do read -t 1 y; done"
		type result struct {
			code int
			err  error
		}
		done := make(chan result)
		go func() {
			code, err := Exec(ctx, Command{Run: p.run, Instance: idA, Argv: []string{"bash", "-c", script}, Stdin: slave, Stdout: slave, Stderr: slave, TTY: true})
			done <- result{code, err}
		}()
		_, err = io.WriteString(master, "word\r")
		p.must(err)
		p.expect(idA, "", "bash", "-c", "until [ -e /tmp/waiting ]; do read -t 0.05 <> <(:); done; true")
		p.must(terminal.Resize(master, 40, 100))
		p.must(syscall.Kill(os.Getpid(), syscall.SIGWINCH))
		r := <-done
		slave.Close()
		text := <-shown
		if r.err != nil || r.code != 5 {
			t.Errorf("status %d, %v", r.code, r.err)
		}
		if !regexp.MustCompile(`(?s)/dev/pts/\d+\r\n.*31 117\r\n.*got word\r\n.*40 100`).MatchString(text) {
			t.Errorf("the terminal shows %q", text)
		}
	})
	t.Run("signal", func(t *testing.T) {
		r, w, err := os.Pipe()
		p.must(err)
		null, err := os.Open(os.DevNull)
		p.must(err)
		defer null.Close()
		code := make(chan int)
		go func() {
			c, err := Exec(ctx, Command{Run: p.run, Instance: idA, Argv: []string{"bash", "-c", "trap 'exit 9' TERM; echo ready; sleep 100 & wait"}, Stdin: null, Stdout: w, Stderr: w})
			if err != nil {
				t.Error(err)
			}
			code <- c
		}()
		if l, err := bufio.NewReader(r).ReadString('\n'); err != nil || l != "ready\n" {
			t.Fatalf("%q, %v", l, err)
		}
		p.must(syscall.Kill(os.Getpid(), syscall.SIGTERM))
		p.exec(idA, "pkill", "sleep") // lets go of the output
		if c := <-code; c != 9 {
			t.Errorf("status %d, want 9", c)
		}
		w.Close()
		r.Close()
	})
	t.Run("garbage", func(t *testing.T) {
		p.exec(idA, "bash", "-c", "for i in $(seq 20); do head -c 5000 /dev/urandom > /dev/tcp/127.0.0.1/22; done; exec 3<>/dev/tcp/127.0.0.1/22; printf 'SSH-2.0-x\\r\\n\\xff\\xff\\xff\\xff' >&3; cat <&3 >/dev/null & sleep 0.1; kill $!")
		if got, code := p.exec(idA, "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/22; head -c4 <&3"); got != "SSH-" {
			t.Errorf("after garbage: %q, status %d", got, code)
		}
	})
	p.must(d.Down(ctx))
	if out, code := p.exec(idA, "true"); !strings.Contains(out, ErrNotRunning.Error()) {
		t.Errorf("a stopped instance: %q, status %d", out, code)
	}
}

// TestNothingIsIgnored: whatever signals are ignored by who starts an instance, its programs begin with none ignored.
func TestNothingIsIgnored(t *testing.T) {
	ignored := []os.Signal{syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTIN}
	signal.Ignore(ignored...)
	defer signal.Reset(ignored...)
	var ignore [4]uint64 // a sigaction of the kernel's, for a signal that Go knows nothing of
	ignore[0] = 1
	if _, _, err := unix.RawSyscall6(unix.SYS_RT_SIGACTION, 32, uintptr(unsafe.Pointer(&ignore)), 0, 8, 0, 0); err != 0 {
		t.Fatal(err)
	}
	p := newPlace(t)
	p.namespace(idA)
	d := p.driver()
	defer d.Close()
	defer d.Down(context.Background())
	p.must(d.Apply(context.Background(), []*fabric.Host{p.want(idA, "10.9.0.53", "")}))
	p.expect(idA, "SigIgn:\t0000000000000000", "grep", "SigIgn", "/proc/self/status")
}
