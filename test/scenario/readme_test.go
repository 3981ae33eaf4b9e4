package scenario

import (
	"os"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// The README's first five minutes do what they say, word for word.
func TestReadme(t *testing.T) {
	testkit.Need(t, "aws", "bash")
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "In another terminal:\n\n```sh\n")
	script, _, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatal("the README has no first five minutes")
	}
	before := testkit.Look(t)
	t.Cleanup(func() { before.Unchanged(t) })
	c := testkit.Start(t)
	out, errs, ok := c.Try("bash", "-euc", strings.ReplaceAll(script, "sudo bin/kumiko", testkit.Binary(t)))
	if !ok || !strings.Contains(out, "SSH-2.0-") || !strings.Contains(out, "OPEN: ") {
		t.Errorf("%s\n%s", out, errs)
	}
}
