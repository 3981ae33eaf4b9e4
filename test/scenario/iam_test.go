package scenario

import (
	"encoding/json"
	"strings"
	"testing"
)

const ec2Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// asInstance gives the environment of a client with credentials an instance has found in its metadata.
func (l *lab) asInstance(document string) (environ []string) {
	l.T.Helper()
	var c struct{ AccessKeyId, SecretAccessKey, Token string }
	if err := json.Unmarshal([]byte(document), &c); err != nil || c.AccessKeyId == "" {
		l.T.Fatalf("no credentials: %v: %s", err, document)
	}
	return []string{"AWS_ACCESS_KEY_ID=" + c.AccessKeyId, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.Token}
}

// as runs the stock aws command with other credentials and gives what it printed and said.
func (l *lab) as(environ []string, args ...string) (string, bool) {
	l.T.Helper()
	cmd := l.Command("aws", args...)
	cmd.Env = append(append([]string{}, cmd.Env...), environ...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err == nil
}

// metadata reads a path of an instance's metadata with a token, and gives the status last.
func (l *lab) metadata(instance, path string) string {
	l.T.Helper()
	return l.Inside(instance, "sh", "-c", `t=$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
		curl -s -H "X-aws-ec2-metadata-token: $t" -w '\n%{http_code}' "http://169.254.169.254/latest/meta-data/$0"`, path)
}

// An instance acts as its profile's role, as nothing else, and no neighbour can in its place.
func TestInstanceRoles(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	v := l.addVPC("a")
	for _, args := range [][]string{
		{"iam", "create-role", "--role-name", "web", "--assume-role-policy-document", ec2Trust},
		{"iam", "attach-role-policy", "--role-name", "web", "--policy-arn", "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"},
		{"iam", "create-instance-profile", "--instance-profile-name", "web"},
		{"iam", "add-role-to-instance-profile", "--instance-profile-name", "web", "--role-name", "web"},
	} {
		l.AWS(args...)
	}
	run := func(more ...string) string {
		return l.Pick("Instances[0].InstanceId", append([]string{"ec2", "run-instances", "--image-id", l.ami, "--subnet-id", v.subnets[0]}, more...)...)
	}
	with, without := run("--iam-instance-profile", "Name=web"), run()
	l.AWS("ec2", "wait", "instance-running", "--instance-ids", with, without)
	if got := l.metadata(with, "iam/security-credentials/"); got != "web\n200" {
		t.Errorf("roles: %q", got)
	}
	for _, path := range []string{"iam/info", "iam/security-credentials/", "iam/security-credentials/web"} {
		if got := l.metadata(without, path); !strings.HasSuffix(got, "\n404") {
			t.Errorf("without a profile, %s: %q", path, got)
		}
	}
	// The neighbour takes the address of the instance that has a role; the interface decides.
	addr := l.Pick("Reservations[].Instances[].PrivateIpAddress", "ec2", "describe-instances", "--instance-ids", with)
	l.Inside(without, "ip", "addr", "add", addr+"/32", "dev", "lo")
	if out, _, _ := l.Exec(without, "curl", "-s", "-m", "3", "--interface", addr, "-o", "/dev/null", "-w", "%{http_code}",
		"http://169.254.169.254/latest/meta-data/iam/security-credentials/web"); out == "200" {
		t.Error("a spoofed source gets another instance's credentials")
	}
	document, _, _ := strings.Cut(l.metadata(with, "iam/security-credentials/web"), "\n200")
	role := l.asInstance(document)
	if got, ok := l.as(role, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"); !ok || got != "arn:aws:sts::000000000000:assumed-role/web/"+with {
		t.Errorf("who: %s", got)
	}
	if got, ok := l.as(role, "ec2", "describe-vpcs", "--query", "length(Vpcs)"); !ok || got != "1" {
		t.Errorf("what is allowed: %s", got)
	}
	if got, ok := l.as(role, "ec2", "delete-vpc", "--vpc-id", v.id, "--dry-run"); ok || !strings.Contains(got, "UnauthorizedOperation") ||
		!strings.Contains(got, "because no identity-based policy allows the ec2:DeleteVpc action") {
		t.Errorf("what is not: %s", got)
	}
	association := l.Pick("IamInstanceProfileAssociations[0].AssociationId", "ec2", "describe-iam-instance-profile-associations", "--filters", "Name=instance-id,Values="+with)
	l.AWS("ec2", "disassociate-iam-instance-profile", "--association-id", association)
	if got := l.metadata(with, "iam/security-credentials/web"); !strings.HasSuffix(got, "\n404") {
		t.Errorf("after the profile was taken away: %q", got)
	}
	l.AWS("ec2", "associate-iam-instance-profile", "--instance-id", without, "--iam-instance-profile", "Name=web")
	if got := l.metadata(without, "iam/security-credentials/web"); !strings.HasSuffix(got, "\n200") {
		t.Errorf("after it was given to the neighbour: %q", got)
	}
}
