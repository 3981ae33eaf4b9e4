package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// tool is a program that instances show or the journeys use. The daemon itself starts none.
type tool struct{ program, pkg, use string }

var wanted = [...]tool{
	{"ssh", "openssh-client", "ssh in instances"},
	{"dig", "bind9-dnsutils", "dig in instances"},
	{"curl", "curl", "curl in instances"},
	{"bash", "bash", "login shells of instances"},
	{"aws", "awscli", "calling the AWS APIs"},
}

func tools(ctx context.Context) []Finding {
	var out []Finding
	for _, t := range wanted {
		path, err := exec.LookPath(t.program)
		if err != nil {
			out = append(out, Finding{Name: t.program, Level: Warning, Text: "not installed: needed for " + t.use, Remedy: "apt-get install " + t.pkg})
			continue
		}
		f := Finding{Name: t.program, Level: OK, Text: path}
		if t.program == "aws" {
			f = awsCLI(ctx, path)
		}
		out = append(out, f)
	}
	return out
}

// The first releases of the AWS CLI that know VPC Lattice resources. (aws-cli changelog, 1 December 2024.)
var (
	firstV1 = [3]int{1, 36, 13}
	firstV2 = [3]int{2, 22, 7}
)

// versionWait bounds how long aws may take to say its version.
const versionWait = 20 * time.Second

func awsCLI(ctx context.Context, path string) Finding {
	ctx, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	raw, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return Finding{Name: "aws", Level: Warning, Text: fmt.Sprintf("%s --version: %v", path, err), Remedy: "install it again"}
	}
	text, _, _ := strings.Cut(strings.TrimSpace(string(raw)), " ")
	v, ok := parseVersion(strings.TrimPrefix(text, "aws-cli/"))
	first := firstV1
	if v[0] >= 2 {
		first = firstV2
	}
	if !ok || less(v, first) {
		return Finding{
			Name: "aws", Level: Warning, Text: text + " is too old for VPC Lattice resources",
			Remedy: "install release 2.22.7 or newer: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
		}
	}
	return Finding{Name: "aws", Level: OK, Text: text + " at " + path}
}

func parseVersion(s string) (v [3]int, ok bool) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) != 3 {
		return v, false
	}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

func less(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
