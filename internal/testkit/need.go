package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Need skips the test when it does not run as root or a program is missing, and fails it when CI is set.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		lacks(t, "root")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			lacks(t, p)
		}
	}
}

func lacks(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is needed, and nothing may be skipped here", what)
	}
	t.Skipf("SKIPPED, PROVES NOTHING: %s is needed (scripts/setup installs what is missing)", what)
}

// Client finds the stock aws command itself, behind whatever launches it here, and the folders that hold it and are not in every
// instance anyway.
func Client(t testing.TB) (path string, folders []string) {
	t.Helper()
	path, err := client()
	if err != nil {
		t.Fatalf("where is aws: %v", err)
	}
	if !strings.HasPrefix(path, "/usr/") {
		folders = []string{filepath.Dir(filepath.Dir(path))}
	}
	return path, folders
}

func client() (string, error) {
	path, err := exec.LookPath("aws")
	if err == nil && filepath.Base(filepath.Dir(path)) == "shims" { // of pyenv, which tells what it would run
		var out []byte
		out, err = exec.Command("pyenv", "which", "aws").Output()
		path = strings.TrimSpace(string(out))
	}
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// binaryVariable names the program that Main built, for tests and the processes they start.
const binaryVariable = "KUMIKO_TEST_BINARY"

// Main builds the program once for a package's tests and runs them. Call it from TestMain with the path of the
// package's folder to the top of the repository.
func Main(m *testing.M, top string) {
	code, err := run(m, top)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, top string) (code int, err error) {
	if os.Getenv(binaryVariable) != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "kumiko-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "kumiko")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "./cmd/kumiko")
	build.Dir = top
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w\n%s", err, out)
	}
	if err := os.Setenv(binaryVariable, bin); err != nil {
		return 0, err
	}
	if aws, err := client(); err == nil { // tests call it a thousand times: do without what launches it
		if err := os.Setenv("PATH", filepath.Dir(aws)+":"+os.Getenv("PATH")); err != nil {
			return 0, err
		}
	}
	alone, err := takeTurn()
	if err != nil {
		return 0, err
	}
	defer alone.Close()
	return m.Run(), nil
}

// takeTurn waits until no other run of such tests is on this machine, for they look at all of it. Closing the file ends the turn,
// as does the end of the process.
func takeTurn() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "kumiko-tests.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for other tests: %w", err), f.Close())
	}
	return f, nil
}

// Binary is the program under test.
func Binary(t testing.TB) string {
	t.Helper()
	b := os.Getenv(binaryVariable)
	if b == "" {
		t.Fatal("testkit.Main was not called")
	}
	return b
}
