package scenario

import (
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

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

// insider is the stock aws command as programs in instances call it: nobody tells it where the service is or who it is.
type insider struct {
	*shop
	aws string // path
}

// call runs the command in an instance and gives what it printed and said.
func (n *insider) call(i instance, args ...string) (string, bool) {
	n.T.Helper()
	out, errs, ok := n.Exec(i.id, append([]string{"env", "AWS_MAX_ATTEMPTS=1", n.aws, "--region", n.Region, "--output", "text", "--cli-connect-timeout", "2"}, args...)...)
	return out + errs, ok
}

// sees checks that an instance is told of its VPC.
func (n *insider) sees(i instance, way string) {
	n.T.Helper()
	if got, ok := n.call(i, "ec2", "describe-vpcs", "--query", "Vpcs[].VpcId"); !ok || got != n.v.id {
		n.T.Errorf("%s: %s", way, got)
	}
}

// cannot checks that an instance gets nothing but these words.
func (n *insider) cannot(i instance, way, words string) {
	n.T.Helper()
	if got, ok := n.call(i, "ec2", "describe-vpcs"); ok || !strings.Contains(got, words) {
		n.T.Errorf("%s: %s", way, got)
	}
}

// silent is what the command says when it cannot get to the service.
const silent = `Connect timeout on endpoint URL: "https://ec2.us-east-1.amazonaws.com/"`

// The stock aws command in an instance finds the service by its name and itself by its metadata, and works exactly when
// the VPC lets it, by each of the three ways there are.
func TestStockClientInside(t *testing.T) {
	t.Parallel()
	path, folders := testkit.Client(t)
	var args []string
	for _, f := range folders {
		args = append(args, "--folder", f)
	}
	l := newLab(t, "10.10.10.0/24", "us-east-1", args...)
	n := &insider{shop: l.addShop("172.30.0.0/16", "172.30.0.0/24", "172.30.4.0/24"), aws: path}
	l.addRole("reader", "AmazonEC2ReadOnlyAccess")
	profile := []string{"--iam-instance-profile", "Name=reader"}
	open, closed := n.run(0, "172.30.0.10", append(profile, "--associate-public-ip-address")...), n.run(1, "172.30.4.10", profile...)
	nobody := n.run(0, "172.30.0.11", "--associate-public-ip-address")
	l.running(open, closed, nobody)
	if got, _, ok := l.Exec(open.id, "sh", "-c", "env | grep -E '^AWS_(ACCESS|SECRET|SESSION|ENDPOINT|PROFILE|REGION)'"); ok {
		t.Fatalf("the instance is told more than AWS tells: %s", got)
	}

	n.cannot(open, "no internet gateway", silent)
	table := n.mainTable()
	igw := l.Pick("InternetGateway.InternetGatewayId", "ec2", "create-internet-gateway")
	l.AWS("ec2", "attach-internet-gateway", "--internet-gateway-id", igw, "--vpc-id", n.v.id)
	l.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", igw)
	own := l.Pick("RouteTable.RouteTableId", "ec2", "create-route-table", "--vpc-id", n.v.id)
	l.AWS("ec2", "associate-route-table", "--route-table-id", own, "--subnet-id", n.v.subnets[1])
	n.agree(open, "ec2.us-east-1.amazonaws.com", "443", "")
	n.agree(open, "ec2.us-east-1.amazonaws.com", "80", "listener")
	n.sees(open, "by the internet gateway")
	n.cannot(nobody, "without a role", "Unable to locate credentials")
	n.agree(closed, "ec2.us-east-1.amazonaws.com", "443", "route")
	n.cannot(closed, "no route", silent)
	n.role(open)
	n.byNAT(closed, own)
	n.byEndpoint(open, closed, own)
}

// role: what the role may not do, the instance may not; nor does it when the policy is taken away, from the next call on.
func (n *insider) role(i instance) {
	n.T.Helper()
	if got, ok := n.call(i, "sts", "get-caller-identity", "--query", "Arn"); !ok || got != "arn:aws:sts::000000000000:assumed-role/reader/"+i.id {
		n.T.Errorf("who: %s", got)
	}
	if got, ok := n.call(i, "ec2", "create-vpc", "--cidr-block", "10.0.0.0/16"); ok || !strings.Contains(got, "(UnauthorizedOperation)") {
		n.T.Errorf("what the role may not: %s", got)
	}
	policy := []string{"--role-name", "reader", "--policy-arn", "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"}
	n.AWS(append([]string{"iam", "detach-role-policy"}, policy...)...)
	n.cannot(i, "without the policy", "(UnauthorizedOperation)")
	n.AWS(append([]string{"iam", "attach-role-policy"}, policy...)...)
	n.sees(i, "with the policy again")
}

// byNAT: a NAT gateway is a way as long as there is a route to it.
func (n *insider) byNAT(i instance, table string) {
	n.T.Helper()
	nat := n.Pick("NatGateway.NatGatewayId", "ec2", "create-nat-gateway", "--subnet-id", n.v.subnets[0],
		"--allocation-id", n.Pick("AllocationId", "ec2", "allocate-address", "--domain", "vpc"))
	n.AWS("ec2", "wait", "nat-gateway-available", "--nat-gateway-ids", nat)
	n.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--nat-gateway-id", nat)
	n.agree(i, "ec2.us-east-1.amazonaws.com", "443", "")
	n.sees(i, "by the NAT gateway")
	n.AWS("ec2", "delete-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0")
	n.agree(i, "ec2.us-east-1.amazonaws.com", "443", "route")
}

// byEndpoint: an endpoint with private DNS is a way as far as its group and its policy let it, for the whole VPC.
func (n *insider) byEndpoint(open, closed instance, table string) {
	n.T.Helper()
	group := n.addGroup(n.v, "endpoint")
	e := n.endpoint("ec2", group, "--subnet-ids", n.v.subnets[1])
	n.agree(closed, "ec2.us-east-1.amazonaws.com", "443", "sg-in")
	n.cannot(closed, "the endpoint's group is closed", silent)
	n.allow(group, "443", "172.30.4.0/24")
	n.agree(closed, "ec2.us-east-1.amazonaws.com", "443", "")
	n.sees(closed, "by the endpoint")
	n.agree(open, "ec2.us-east-1.amazonaws.com", "443", "sg-in")
	n.cannot(open, "the name leads to the endpoint now", silent)
	modify := []string{"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e}
	n.AWS(append(modify, "--policy-document", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ec2:DescribeSubnets","Resource":"*"}]}`)...)
	n.cannot(closed, "the endpoint's policy", "because no VPC endpoint policy allows the ec2:DescribeVpcs action")
	if got, ok := n.call(closed, "ec2", "describe-subnets", "--query", "length(Subnets)"); !ok || got != "2" {
		n.T.Errorf("what the endpoint's policy allows: %s", got)
	}
	n.AWS(append(modify, "--reset-policy")...)
	n.sees(closed, "by the endpoint, its policy reset")
	n.AWS(append(modify, "--no-private-dns-enabled")...)
	n.Eventually("the name is public again", func() bool { return strings.HasPrefix(n.addrs(open, "ec2.us-east-1.amazonaws.com")[0], "198.19.") })
	n.sees(open, "by the internet gateway again")
	n.agree(closed, "ec2.us-east-1.amazonaws.com", "443", "route")
}
