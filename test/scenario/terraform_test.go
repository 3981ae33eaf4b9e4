package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
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

// terraform gives the way to run Terraform with the stock AWS provider on a copy of a folder. The environment that kumiko
// env prints is all it is told.
func (l *lab) terraform(folder, mirror string) func(args ...string) string {
	l.T.Helper()
	dir := l.T.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		l.T.Fatal(err)
	}
	conf := filepath.Join(dir, "terraformrc")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o600); err != nil {
		l.T.Fatal(err)
	}
	return func(args ...string) string {
		l.T.Helper()
		cmd := l.Command("terraform", append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = append(append(cmd.Env, l.told...), "TF_CLI_CONFIG_FILE="+conf, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			l.T.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
		return strings.TrimSpace(string(out))
	}
}

// needTerraform is a folder with the AWS provider; without one, the test is skipped.
func needTerraform(t *testing.T) string {
	t.Helper()
	m := mirror()
	if m == "" {
		t.Skip("SKIPPED, PROVES NOTHING: no mirror of the AWS provider is here (set KUMIKO_TF_MIRROR)")
	}
	testkit.Need(t, "terraform")
	return m
}

// Terraform applies the journey's resources, then has nothing to do, and destroys them.
func TestTerraform(t *testing.T) {
	t.Parallel()
	m := needTerraform(t)
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	terraform := l.terraform("../../examples/terraform", m)
	terraform("init", "-input=false", "-no-color")
	terraform("apply", "-auto-approve", "-input=false", "-no-color")
	name := terraform("output", "-raw", "name")
	client := instance{id: terraform("output", "-raw", "client")}
	if got := l.Inside(client.id, "dig", "+short", name); !strings.HasPrefix(got, "129.224.") {
		t.Errorf("%s is %q", name, got)
	}
	l.agree(client, name, "22", "")
	for _, id := range strings.Fields(terraform("output", "-raw", "endpoints")) {
		for _, name := range l.atEndpoint(id, 1) {
			l.agree(client, name, "22", "")
		}
	}
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color") // status 2 if there is something to do
	terraform("destroy", "-auto-approve", "-input=false", "-no-color")
	if n := l.Pick("length(Vpcs)", "ec2", "describe-vpcs"); n != "0" {
		t.Errorf("%s VPCs are left", n)
	}
}

// Terraform does the same with the nouns of the VPC core, VPC endpoints, Route 53, its Resolver, IAM, RAM and Systems Manager,
// at once: the provider waits half a minute after each of many of these calls.
func TestTerraformNouns(t *testing.T) {
	t.Parallel()
	m := needTerraform(t)
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	l.otherAccount("shop")
	var wg sync.WaitGroup
	defer wg.Wait()
	for name, f := range map[string]func(*lab, string){
		"core": (*lab).terraformCore, "attachment": (*lab).terraformAttachment, "endpoints": (*lab).terraformEndpoints, "route 53": (*lab).terraformRoute53, "resolver": (*lab).terraformResolver,
		"IAM": (*lab).terraformIAM, "SSM": (*lab).terraformSSM, "sharing": (*lab).terraformSharing,
	} {
		wg.Go(func() { // more of them than there are processors: they wait
			t.Run(name, func(t *testing.T) {
				in := *l
				in.Cloud = l.Cloud.For(t)
				f(&in, m)
			})
		})
	}
}

// terraformCore makes every noun of a VPC that the provider has, changes them, and sees packets go where they say.
func (l *lab) terraformCore(mirror string) {
	l.Cloud = l.In(l.Account, "ap-northeast-1") // what is left there is left by this
	terraform := l.terraform("testdata/core", mirror)
	terraform("init", "-input=false", "-no-color")
	terraform("apply", "-auto-approve", "-input=false", "-no-color")
	client := instance{id: terraform("output", "-raw", "client")}
	for _, to := range []string{"private", "public"} { // over the peering, and by NAT
		addr := terraform("output", "-raw", to)
		l.agree(client, addr, "22", "")
		l.agree(client, addr, "23", "acl-in")
	}
	if got, want := terraform("output", "-raw", "counts"), "4 3 2 3 5 3 3 0 2 1 5 2"; got != want {
		l.T.Errorf("the data sources find %s, want %s", got, want)
	}
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color") // status 2 if there is something to do
	l.changeCore(terraform)
	for _, left := range [][]string{
		{"Vpcs[?!IsDefault]", "describe-vpcs"}, {"NetworkInterfaces", "describe-network-interfaces"}, {"Addresses", "describe-addresses"},
		{"PrefixLists[?OwnerId!='AWS']", "describe-managed-prefix-lists"}, {"KeyPairs", "describe-key-pairs"}, {"FlowLogs", "describe-flow-logs"},
		{"NetworkInsightsPaths", "describe-network-insights-paths"}, {"DhcpOptions[1:]", "describe-dhcp-options"},
		{"Reservations[].Instances[?State.Name!='terminated'][]", "describe-instances"},
		{"VpcPeeringConnections[?Status.Code!='deleted']", "describe-vpc-peering-connections"},
	} {
		if n := l.Pick("length("+left[0]+")", "ec2", left[1]); n != "0" {
			l.T.Errorf("%s finds %s rows that are left", left[1], n)
		}
	}
}

// otherAccount makes an account, and tells Terraform its key.
func (l *lab) otherAccount(name string) {
	l.T.Helper()
	out, errs, ok := l.Try(testkit.Binary(l.T), "account", "create", name, "--output", "json")
	var a struct{ AccessKeyID, SecretAccessKey string }
	if err := json.Unmarshal([]byte(out), &a); !ok || err != nil || a.AccessKeyID == "" {
		l.T.Fatalf("account create: %v, %s", err, errs)
	}
	l.told = append(l.told, fmt.Sprintf(`TF_VAR_other={"id":%q,"secret":%q}`, a.AccessKeyID, a.SecretAccessKey))
}

// changeCore takes the second step, and then destroys everything.
func (l *lab) changeCore(terraform func(args ...string) string) {
	l.T.Helper()
	terraform("apply", "-auto-approve", "-input=false", "-no-color", "-var", "changed=true")
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", "-var", "changed=true")
	if n := l.Pick("length(Reservations[].Instances[?State.Name=='stopped'][])", "ec2", "describe-instances"); n != "1" {
		l.T.Errorf("%s instances are stopped", n)
	}
	terraform("destroy", "-auto-approve", "-input=false", "-no-color", "-var", "changed=true")
}

// terraformAttachment attaches an interface; detaching it again is what the provider waits longest for.
func (l *lab) terraformAttachment(mirror string) {
	l.Cloud = l.In(l.Account, "us-west-2")
	terraform := l.terraform("testdata/attachment", mirror)
	terraform("init", "-input=false", "-no-color")
	terraform("apply", "-auto-approve", "-input=false", "-no-color")
	if got := terraform("output", "-raw", "attached"); got != "true attached" {
		l.T.Errorf("the interface is attached: %s", got)
	}
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color") // status 2 if there is something to do
	terraform("destroy", "-auto-approve", "-input=false", "-no-color")
	if n := l.Pick("length(NetworkInterfaces)", "ec2", "describe-network-interfaces"); n != "0" {
		l.T.Errorf("%s interfaces are left", n)
	}
}

// terraformIAM makes users, groups, roles and policies, changes them, and leaves none.
func (l *lab) terraformIAM(mirror string) {
	terraform := l.terraform("testdata/iam", mirror)
	terraform("init", "-input=false", "-no-color")
	for _, step := range []struct{ changed, counts string }{{"changed=false", "2 1 1 true"}, {"changed=true", "2 1 2 true"}} {
		terraform("apply", "-auto-approve", "-input=false", "-no-color", "-var", step.changed)
		terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", "-var", step.changed)
		if got := terraform("output", "-raw", "counts"); got != step.counts {
			l.T.Errorf("%s: the data sources find %s, want %s", step.changed, got, step.counts)
		}
	}
	terraform("destroy", "-auto-approve", "-input=false", "-no-color", "-var", "changed=true")
	for _, left := range [][]string{{"Users", "list-users"}, {"Groups", "list-groups"}, {"Policies", "list-policies", "--scope", "Local"}, {"InstanceProfiles", "list-instance-profiles", "--path-prefix", "/"}, {"AccountAliases", "list-account-aliases"}} {
		if got := l.Pick(left[0], append([]string{"iam"}, left[1:]...)...); strings.Contains(got, "machines") || strings.Contains(got, "read") || strings.Contains(got, "people") || strings.Contains(got, "kumiko") {
			l.T.Errorf("%s finds what should be gone: %s", left[1], got)
		}
	}
}

// terraformSharing shares a service network with an account that accepts it and associates a VPC with it.
func (l *lab) terraformSharing(mirror string) {
	l.Cloud = l.In(l.Account, "eu-west-2")
	terraform := l.terraform("testdata/sharing", mirror)
	terraform("init", "-input=false", "-no-color")
	for _, changed := range []string{"changed=false", "changed=true"} {
		terraform("apply", "-auto-approve", "-input=false", "-no-color", "-var", changed)
		terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", "-var", changed) // status 2 if there is something to do
		if got := terraform("output", "-raw", "seen"); got != "ACTIVE 1 shared" {
			l.T.Errorf("%s: the data sources find %s", changed, got)
		}
	}
	terraform("destroy", "-auto-approve", "-input=false", "-no-color", "-var", "changed=true")
	if n := l.Pick("length(resourceShares[?status=='ACTIVE'])", "ram", "get-resource-shares", "--resource-owner", "SELF"); n != "0" {
		l.T.Errorf("%s shares are left", n)
	}
}

// terraformSSM makes documents and parameters of Systems Manager, changes them, and leaves none.
func (l *lab) terraformSSM(mirror string) {
	terraform := l.terraform("testdata/ssm", mirror)
	terraform("init", "-input=false", "-no-color")
	for _, step := range [][2]string{{"changed=false", "secret 3 says first 1"}, {"changed=true", "secret,three 3 says second 2"}} {
		terraform("apply", "-auto-approve", "-input=false", "-no-color", "-var", step[0])
		terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", "-var", step[0])
		if got := terraform("output", "-raw", "read"); got != step[1] {
			l.T.Errorf("%s: the data sources read %s, want %s", step[0], got, step[1])
		}
	}
	terraform("destroy", "-auto-approve", "-input=false", "-no-color", "-var", "changed=true")
	for _, left := range [][]string{{"Parameters", "describe-parameters"}, {"DocumentIdentifiers", "list-documents", "--filters", "Key=Owner,Values=Self"}} {
		if n := l.Pick("length("+left[0]+")", append([]string{"ssm"}, left[1:]...)...); n != "0" {
			l.T.Errorf("%s finds %s rows that are left", left[1], n)
		}
	}
}

// terraformEndpoints makes VPC endpoints and what is associated with them.
func (l *lab) terraformEndpoints(mirror string) {
	terraform := l.terraform("testdata/endpoints", mirror)
	terraform("init", "-input=false", "-no-color")
	terraform("apply", "-auto-approve", "-input=false", "-no-color")
	if n := terraform("output", "-raw", "names"); n != "4" {
		l.T.Errorf("%s names of an endpoint with two subnets and private DNS", n)
	}
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color") // status 2 if there is something to do
	terraform("destroy", "-auto-approve", "-input=false", "-no-color")
	if n := l.Pick("length(VpcEndpoints)", "ec2", "describe-vpc-endpoints"); n != "0" {
		l.T.Errorf("%s VPC endpoints are left", n)
	}
}

// terraformResolver makes Resolver's endpoints, rules, query logs and configurations, then has nothing to do; changes each of them, then
// has nothing to do; and destroys them.
func (l *lab) terraformResolver(mirror string) {
	terraform := l.terraform("testdata/resolver", mirror)
	terraform("init", "-input=false", "-no-color")
	for _, changed := range []string{"changed=false", "changed=true"} {
		terraform("apply", "-auto-approve", "-input=false", "-no-color", "-var", changed)
		client := instance{id: terraform("output", "-raw", "client")}
		l.running(client)
		for question, want := range map[string]string{"db.corp.example": "NOERROR, A 10.22.1.40", "db.own.corp.example": "NXDOMAIN"} {
			if got := l.digs(client, question, "A"); !strings.HasPrefix(got, want) {
				l.T.Errorf("%s: %s: %s, want %s", changed, question, got, want)
			}
		}
		terraform("plan", "-detailed-exitcode", "-input=false", "-no-color", "-var", changed) // status 2 if there is something to do
	}
	terraform("destroy", "-auto-approve", "-input=false", "-no-color")
	if n := l.Pick("[length(ResolverRules[?RuleType!='RECURSIVE'])]", "route53resolver", "list-resolver-rules"); n != "0" {
		l.T.Errorf("%s rules are left", n)
	}
}
