package scenario

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// mirrors are where a mirror of Terraform's providers may lie, besides $KUMIKO_TF_MIRROR.
var mirrors = [...]string{"/opt/tf-plugins", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins"}

// mirror is a folder with the AWS provider, or nothing.
func mirror() string {
	for _, m := range append([]string{os.Getenv("KUMIKO_TF_MIRROR")}, mirrors[:]...) {
		if found, err := filepath.Glob(filepath.Join(m, "registry.terraform.io/hashicorp/aws/*")); m != "" && err == nil && len(found) > 0 {
			return m
		}
	}
	return ""
}

// Terraform with the stock AWS provider applies the journey's resources, then has nothing to do, and destroys them.
// The environment that kumiko env prints is all it is told.
func TestTerraform(t *testing.T) {
	m := mirror()
	if m == "" {
		t.Skip("SKIPPED, PROVES NOTHING: no mirror of the AWS provider is here (set KUMIKO_TF_MIRROR)")
	}
	testkit.Need(t, "terraform")
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/terraform")); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "terraformrc")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", m), 0o600); err != nil {
		t.Fatal(err)
	}
	terraform := func(args ...string) string {
		t.Helper()
		cmd := l.Command("terraform", append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(cmd.Env, "TF_CLI_CONFIG_FILE="+conf, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
		return string(out)
	}
	terraform("init", "-input=false", "-no-color")
	terraform("apply", "-auto-approve", "-input=false", "-no-color")
	name := strings.TrimSpace(terraform("output", "-raw", "name"))
	client := instance{id: strings.TrimSpace(terraform("output", "-raw", "client"))}
	if got := l.Inside(client.id, "dig", "+short", name); !strings.HasPrefix(got, "129.224.") {
		t.Errorf("%s is %q", name, got)
	}
	l.agree(client, name, "22", "")
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color") // status 2 if there is something to do
	terraform("destroy", "-auto-approve", "-input=false", "-no-color")
	if n := l.Pick("length(Vpcs)", "ec2", "describe-vpcs"); n != "0" {
		t.Errorf("%s VPCs are left", n)
	}
}
