package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kumiko/internal/testkit"
)

// python finds the interpreter that runs the aws command, and has botocore for this reason: a module that Python loads
// when it starts, and that says so. It is empty when the command is a program of its own.
func python(c *testkit.Cloud) string {
	c.T.Helper()
	dir := c.T.TempDir()
	says := "import os, sys\nopen(os.path.join(os.path.dirname(__file__), 'python'), 'w').write(sys.executable)\n"
	if err := os.WriteFile(filepath.Join(dir, "sitecustomize.py"), []byte(says), 0o600); err != nil {
		c.T.Fatal(err)
	}
	cmd := c.Command("aws", "--version")
	cmd.Env = append(cmd.Env, "PYTHONPATH="+dir, "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.T.Fatalf("aws --version: %v: %s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "python"))
	if err != nil {
		return ""
	}
	return string(raw)
}

// TestConformance calls every noun of EC2's networks with the SDK of the stock client: made, described to the last member,
// found by filters and pages, changed, and ended in the wrong order and in the right one. A noun is a script.
func TestConformance(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "aws")
	testkit.LeaveNothing(t)
	c := testkit.Start(t)
	t.Run("by the command", func(t *testing.T) { conformByCommand(c.For(t)) })
	interpreter := python(c)
	if interpreter == "" {
		t.Log("PROVES LESS: this aws command has no Python interpreter of its own, so the scripts cannot be run; the command's own way above was")
		return
	}
	scripts, err := filepath.Glob("testdata/conformance/*.py")
	if err != nil || len(scripts) < 2 {
		t.Fatalf("scripts: %v, %v", scripts, err)
	}
	for _, s := range scripts {
		noun := strings.TrimSuffix(filepath.Base(s), ".py")
		if noun == "kit" {
			continue
		}
		t.Run(noun, func(t *testing.T) {
			start := time.Now()
			cmd := c.For(t).Command(interpreter, filepath.Base(s))
			cmd.Dir = filepath.Dir(s)
			cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			t.Log(time.Since(start).Round(time.Millisecond))
		})
	}
	if n := c.Pick("length(Vpcs)", "ec2", "describe-vpcs"); n != "0" {
		t.Errorf("%s VPCs are left", n)
	}
}

// conformByCommand walks the main paths with the command itself, whose short options and tables the SDK does not know.
func conformByCommand(c *testkit.Cloud) {
	c.T.Helper()
	vpc := c.Pick("Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16", "--tag-specifications", "ResourceType=vpc,Tags=[{Key=Name,Value=by command}]")
	c.AWS("ec2", "wait", "vpc-available", "--vpc-ids", vpc)
	c.AWS("ec2", "modify-vpc-attribute", "--vpc-id", vpc, "--enable-dns-hostnames")
	subnet := c.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", "10.0.1.0/24")
	group := c.Pick("GroupId", "ec2", "create-security-group", "--group-name", "by-command", "--description", "x", "--vpc-id", vpc)
	rule := c.Pick("SecurityGroupRules[0].SecurityGroupRuleId", "ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "8000-8010", "--cidr", "10.0.0.0/8")
	c.AWS("ec2", "revoke-security-group-ingress", "--group-id", group, "--security-group-rule-ids", rule)
	table := c.Pick("RouteTable.RouteTableId", "ec2", "create-route-table", "--vpc-id", vpc)
	assoc := c.Pick("AssociationId", "ec2", "associate-route-table", "--route-table-id", table, "--subnet-id", subnet)
	eni := c.Pick("NetworkInterface.NetworkInterfaceId", "ec2", "create-network-interface", "--subnet-id", subnet, "--groups", group)
	c.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "192.0.2.0/24", "--network-interface-id", eni)
	eigw := c.Pick("EgressOnlyInternetGateway.EgressOnlyInternetGatewayId", "ec2", "create-egress-only-internet-gateway", "--vpc-id", vpc)
	acl := c.Pick("NetworkAcl.NetworkAclId", "ec2", "create-network-acl", "--vpc-id", vpc)
	c.AWS("ec2", "create-network-acl-entry", "--network-acl-id", acl, "--ingress", "--rule-number", "10", "--protocol", "tcp",
		"--port-range", "From=22,To=22", "--cidr-block", "0.0.0.0/0", "--rule-action", "allow")
	want := "An error occurred (DependencyViolation) when calling the DeleteVpc operation: The vpc '" + vpc + "' has dependencies and cannot be deleted."
	if got := c.Refused("ec2", "delete-vpc", "--vpc-id", vpc); !strings.Contains(got, want) {
		c.T.Errorf("delete-vpc says %q, want %q", got, want)
	}
	if got := c.Refused("ec2", "delete-vpc", "--vpc-id", vpc, "--dry-run"); !strings.Contains(got, "DependencyViolation") {
		c.T.Errorf("delete-vpc --dry-run says %q", got)
	}
	c.AWS("ec2", "delete-network-acl", "--network-acl-id", acl)
	c.AWS("ec2", "delete-egress-only-internet-gateway", "--egress-only-internet-gateway-id", eigw)
	c.AWS("ec2", "delete-network-interface", "--network-interface-id", eni)
	c.AWS("ec2", "disassociate-route-table", "--association-id", assoc)
	c.AWS("ec2", "delete-route-table", "--route-table-id", table)
	c.AWS("ec2", "delete-security-group", "--group-id", group)
	c.AWS("ec2", "delete-subnet", "--subnet-id", subnet)
	c.AWS("ec2", "delete-vpc", "--vpc-id", vpc)
}
