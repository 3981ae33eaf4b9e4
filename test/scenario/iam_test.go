package scenario

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kumiko/internal/testkit"
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

// addRole makes a role of instances with a managed policy, and a profile of the same name.
func (l *lab) addRole(name, policy string) {
	l.T.Helper()
	for _, args := range [][]string{
		{"create-role", "--role-name", name, "--assume-role-policy-document", ec2Trust},
		{"attach-role-policy", "--role-name", name, "--policy-arn", "arn:aws:iam::aws:policy/" + policy},
		{"create-instance-profile", "--instance-profile-name", name},
		{"add-role-to-instance-profile", "--instance-profile-name", name, "--role-name", name},
	} {
		l.AWS(append([]string{"iam"}, args...)...)
	}
}

// An instance acts as its profile's role, as nothing else, and no neighbour can in its place.
func TestInstanceRoles(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	v := l.addVPC("a")
	l.addRole("web", "AmazonEC2ReadOnlyAccess")
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

// roles is an instance that acts as the role "web" of its account, and an account beside that.
type roles struct {
	*lab
	web   string   // the instance
	addr  string   // its address
	creds []string // what it found in its metadata
	shop  *lab
}

// Who has a role may go on to the roles that trust it, of other accounts too; nobody else comes by its credentials, and
// they lie about nowhere.
func TestRolesOfOthers(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	if _, errs, ok := l.Try(testkit.Binary(t), "account", "create", "shop"); !ok {
		t.Fatal(errs)
	}
	in := *l
	in.Cloud = l.In("shop", l.Region)
	r := &roles{lab: l, shop: &in}
	v := l.addVPC("a")
	for _, args := range [][]string{
		{"create-role", "--role-name", "web", "--assume-role-policy-document", ec2Trust},
		{"put-role-policy", "--role-name", "web", "--policy-name", "on", "--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`},
		{"create-instance-profile", "--instance-profile-name", "web"},
		{"add-role-to-instance-profile", "--instance-profile-name", "web", "--role-name", "web"},
	} {
		l.AWS(append([]string{"iam"}, args...)...)
	}
	out := strings.Fields(l.Pick("Instances[0].[InstanceId, PrivateIpAddress]", "ec2", "run-instances", "--image-id", l.ami, "--subnet-id", v.subnets[0], "--iam-instance-profile", "Name=web"))
	r.web, r.addr = out[0], out[1]
	l.AWS("ec2", "wait", "instance-running", "--instance-ids", r.web)
	document, _, _ := strings.Cut(l.metadata(r.web, "iam/security-credentials/web"), "\n200")
	r.creds = l.asInstance(document)
	r.chain()
	r.peered()
	r.signatures()
	r.secrets()
}

// chain goes from the instance's role to one of another account, and on to one that trusts that.
func (r *roles) chain() {
	r.T.Helper()
	const self = "arn:aws:iam::000000000000:"
	account := r.shop.Pick("Account", "sts", "get-caller-identity")
	trust := func(who string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + who + `"},"Action":"sts:AssumeRole"}]}`
	}
	reader := r.shop.Pick("Role.Arn", "iam", "create-role", "--role-name", "reader", "--max-session-duration", "7200", "--assume-role-policy-document", trust(self+"role/web"))
	r.shop.AWS("iam", "put-role-policy", "--role-name", "reader", "--policy-name", "read", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:Describe*","sts:AssumeRole"],"Resource":"*"}]}`)
	private := r.shop.Pick("Role.Arn", "iam", "create-role", "--role-name", "private", "--assume-role-policy-document", trust("arn:aws:iam::"+account+":root"))
	back := r.Pick("Role.Arn", "iam", "create-role", "--role-name", "back", "--assume-role-policy-document", trust(reader))
	own := r.Pick("Role.Arn", "iam", "create-role", "--role-name", "own", "--assume-role-policy-document", trust(self+"root"))
	if got := r.Refused("sts", "assume-role", "--role-arn", own, "--role-session-name", "root"); !strings.Contains(got, "(AccessDenied)") || !strings.Contains(got, "Roles may not be assumed by root accounts.") {
		r.T.Errorf("by the account's own key: %s", got)
	}
	assume := func(as []string, role string, more ...string) (string, bool) {
		return r.as(as, append([]string{"sts", "assume-role", "--role-arn", role, "--role-session-name", "next", "--query", "Credentials"}, more...)...)
	}
	if got, ok := assume(r.creds, private); ok || !strings.Contains(got, "(AccessDenied)") || !strings.Contains(got, "is not authorized to perform: sts:AssumeRole on resource: "+private) {
		r.T.Errorf("a role that does not trust it: %s", got)
	}
	document, ok := assume(r.creds, reader)
	if !ok {
		r.T.Fatal(document)
	}
	there := r.credentials(document)
	if got, _ := r.as(there, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"); got != "arn:aws:sts::"+account+":assumed-role/reader/next" {
		r.T.Errorf("who: %s", got)
	}
	if got, _ := r.as(there, "ec2", "describe-vpcs", "--query", "length(Vpcs)", "--output", "text"); got != "0" {
		r.T.Errorf("the other account has %s VPCs", got)
	}
	if got, ok := r.as(there, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16"); ok || !strings.Contains(got, "UnauthorizedOperation") {
		r.T.Errorf("what the other role may not: %s", got)
	}
	if got, ok := assume(there, back, "--duration-seconds", "7200"); ok || !strings.Contains(got, "(ValidationError)") {
		r.T.Errorf("two hours at the end of a chain: %s", got)
	}
	if document, ok = assume(there, back); !ok {
		r.T.Fatal(document)
	}
	if got, _ := r.as(r.credentials(document), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"); got != "arn:aws:sts::000000000000:assumed-role/back/next" {
		r.T.Errorf("who, at the end: %s", got)
	}
}

// credentials is the environment of a client with what STS handed out.
func (r *roles) credentials(document string) []string {
	return r.asInstance(strings.Replace(document, `"SessionToken"`, `"Token"`, 1))
}

// peered: an instance of another account, in a VPC that is peered, asks for the credentials in its own name and in the
// other's, and at the other's address.
func (r *roles) peered() {
	r.T.Helper()
	v := &vpc{id: r.shop.Pick("Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", "10.20.0.0/24")}
	subnet := r.shop.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", v.id, "--cidr-block", "10.20.0.0/24")
	near := r.vpcs["a"].id
	pcx := r.Pick("VpcPeeringConnection.VpcPeeringConnectionId", "ec2", "create-vpc-peering-connection", "--vpc-id", near, "--peer-vpc-id", v.id,
		"--peer-owner-id", r.shop.Pick("Account", "sts", "get-caller-identity"))
	r.shop.AWS("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", pcx)
	for _, side := range []struct {
		*lab
		vpc, to string
	}{{r.lab, near, "10.20.0.0/24"}, {r.shop, v.id, "10.10.10.0/24"}} {
		table := side.Pick("RouteTables[0].RouteTableId", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+side.vpc)
		side.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", side.to, "--vpc-peering-connection-id", pcx)
	}
	thief := r.shop.Pick("Instances[0].InstanceId", "ec2", "run-instances", "--image-id", r.ami, "--subnet-id", subnet)
	r.shop.AWS("ec2", "wait", "instance-running", "--instance-ids", thief)
	if got := r.metadata(thief, "iam/security-credentials/web"); !strings.HasSuffix(got, "\n404") {
		r.T.Errorf("from a peered VPC: %q", got)
	}
	r.Inside(thief, "ip", "addr", "add", r.addr+"/32", "dev", "lo")
	for _, try := range [][]string{
		{"--interface", r.addr, "http://169.254.169.254/latest/meta-data/iam/security-credentials/web"},
		{"http://" + r.addr + "/latest/meta-data/iam/security-credentials/web"},
	} {
		if out, _, _ := r.Exec(thief, append([]string{"curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{http_code}"}, try...)...); out == "200" {
			r.T.Errorf("curl %v gets the credentials", try)
		}
	}
}

// signatures: what was signed long ago, or for another region, counts for nothing.
func (r *roles) signatures() {
	r.T.Helper()
	key := map[string]string{}
	for _, v := range r.creds {
		name, value, _ := strings.Cut(v, "=")
		key[name] = value
	}
	call := func(scope string, headers ...string) string {
		args := []string{"-s", "--aws-sigv4", "aws:amz:" + scope, "--user", key["AWS_ACCESS_KEY_ID"] + ":" + key["AWS_SECRET_ACCESS_KEY"],
			"-H", "X-Amz-Security-Token: " + key["AWS_SESSION_TOKEN"], "-d", "Action=GetCallerIdentity&Version=2011-06-15"}
		for _, h := range headers {
			args = append(args, "-H", h)
		}
		out, errs, ok := r.Try("curl", append(args, r.URL())...)
		if !ok {
			r.T.Errorf("curl: %s", errs)
		}
		return out
	}
	for _, x := range []struct{ scope, header, want string }{
		{"us-east-1:sts", "X-Nothing: at all", ":assumed-role/web/" + r.web},
		{"us-east-1:sts", "X-Amz-Date: 20200101T000000Z", "<Code>SignatureDoesNotMatch</Code>"},
		{"nowhere-1:sts", "X-Nothing: at all", "Credential should be scoped to a valid region"},
		{"us-east-1:sts", "Host: sts.eu-west-1.amazonaws.com", "Credential should be scoped to a valid region"},
	} {
		if got := call(x.scope, x.header); !strings.Contains(got, x.want) {
			r.T.Errorf("signed for %s, with %s: %s", x.scope, x.header, got)
		}
	}
}

// secrets: what was handed out is in no file and no log, and the files of the state folder are for root alone.
func (r *roles) secrets() {
	r.T.Helper()
	var words []string
	for _, v := range r.creds[1:] { // the key's id is no secret
		_, value, _ := strings.Cut(v, "=")
		words = append(words, value)
	}
	for _, v := range r.Environ() {
		if name, value, _ := strings.Cut(v, "="); name == "AWS_SECRET_ACCESS_KEY" {
			if strings.Contains(r.Log(), value) {
				r.T.Error("the log has the account's secret")
			}
		}
	}
	err := filepath.WalkDir(r.State, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.Contains(path, "/root/") || strings.Contains(path, "/base/") || strings.Contains(path, "/images/") || strings.Contains(path, "/run/netns/") {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o177 != 0 && !strings.Contains(path, "/bin/") {
			r.T.Errorf("%s has mode %v", path, info.Mode())
		}
		raw, err := os.ReadFile(path)
		for _, w := range words {
			if strings.Contains(string(raw)+r.Log(), w) {
				r.T.Errorf("%s, or the log, has a secret of the instance", path)
			}
		}
		return err
	})
	if err != nil {
		r.T.Error(err)
	}
}
