package guard

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api"
	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/ramapi"
	"kumiko/internal/api/ssmapi"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/world"
)

// site is a World with a user, a role that an instance may have, and an endpoint.
func site(t *testing.T) world.World {
	t.Helper()
	tx := world.Begin(world.World{}, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), strings.NewReader(strings.Repeat("x", 4096)))
	document := func(statement string) string { return `{"Version":"2012-10-17","Statement":` + statement + `}` }
	ann := world.Identity{Account: "111122223333", ID: "AIDAANN", Name: "ann", Path: "/"}
	ann.Inline = []world.InlinePolicy{{Name: "p", Document: document(`[{"Effect":"Allow","Action":["ec2:*","sts:AssumeRole"],"Resource":"*"},
		{"Effect":"Deny","Action":"ec2:DeleteVpc","Resource":"arn:aws:ec2:*:*:vpc/*","Condition":{"StringEquals":{"aws:ResourceTag/keep":"yes"}}}]`)}}
	tx.Users.Put(world.User{Identity: ann})
	role := world.Role{Identity: world.Identity{Account: "111122223333", ID: "AROAWEB", Name: "web", Path: "/"}, MaxSession: 3600}
	role.Trust = document(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com","AWS":"111122223333"},"Action":"sts:AssumeRole"}`)
	role.Attached = []string{"arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"}
	tx.Roles.Put(role)
	tx.InstanceProfiles.Put(world.InstanceProfile{Account: "111122223333", ID: "AIPAWEB", Name: "web", Path: "/", Role: "web"})
	vpc := world.VPC{ID: "vpc-0123456789abcdef0"}
	vpc.Account, vpc.Region, vpc.Tags = "111122223333", "us-east-1", []world.Tag{{Key: "keep", Value: "yes"}}
	tx.VPCs.Put(vpc)
	tx.Endpoints.Put(world.Endpoint{ID: "vpce-0123456789abcdef0", VPC: vpc.ID,
		Policy: document(`{"Effect":"Allow","Principal":"*","Action":"ec2:DescribeVpcs","Resource":"*","Condition":{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}}`)})
	w, _, err := tx.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAuthorize(t *testing.T) {
	w := site(t)
	g := New(Config{World: func() world.World { return w }})
	root := Root("111122223333")
	ann := world.Caller{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/ann", UserID: "AIDAANN"}
	role, _ := RoleByARN(&w, "arn:aws:iam::111122223333:role/web")
	web := Assumed(role, "i-1", &world.Session{})
	gone := Assumed(world.Role{Identity: world.Identity{Account: "111122223333", ID: "AROAOLD", Name: "web"}}, "i-1", &world.Session{})
	through := api.WithWay(t.Context(), api.Way{Endpoint: "vpce-0123456789abcdef0", VPC: "vpc-0123456789abcdef0", Source: netip.MustParseAddr("10.1.2.3")})
	elsewhere := api.WithWay(t.Context(), api.Way{Endpoint: "vpce-0123456789abcdef0", VPC: "vpc-0123456789abcdef0", Source: netip.MustParseAddr("192.168.0.1")})
	assume := &stsapi.AssumeRoleInput{RoleArn: new("arn:aws:iam::111122223333:role/web"), RoleSessionName: new("s1")}
	nobodys := &stsapi.AssumeRoleInput{RoleArn: new("arn:aws:iam::111122223333:role/none"), RoleSessionName: new("s1")}
	withProfile := &ec2api.RunInstancesInput{IamInstanceProfile: &ec2api.IamInstanceProfileSpecification{Name: new("web")}}
	for _, tt := range []struct {
		name string
		err  error
		want string // "" for allowed, else the end of the refusal
	}{
		{"root", g.Authorize(t.Context(), root, "ec2", "DeleteVpc", &ec2api.DeleteVpcInput{}), ""},
		{"user", g.Authorize(t.Context(), ann, "ec2", "DescribeVpcs", &ec2api.DescribeVpcsInput{}), ""},
		{"tag", g.Authorize(t.Context(), ann, "ec2", "DeleteVpc", &ec2api.DeleteVpcInput{VpcId: new("vpc-0123456789abcdef0")}),
			"ec2:DeleteVpc on resource: arn:aws:ec2:us-east-1:111122223333:vpc/vpc-0123456789abcdef0 with an explicit deny in an identity-based policy"},
		{"no tag", g.Authorize(t.Context(), ann, "ec2", "DeleteVpc", &ec2api.DeleteVpcInput{VpcId: new("vpc-11111111111111111")}), ""},
		{"pass", g.Authorize(t.Context(), ann, "ec2", "RunInstances", withProfile),
			"iam:PassRole on resource: arn:aws:iam::111122223333:role/web because no identity-based policy allows the iam:PassRole action"},
		{"role", g.Authorize(t.Context(), web, "ec2", "DescribeVpcs", &ec2api.DescribeVpcsInput{}), ""},
		{"role, more", g.Authorize(t.Context(), web, "ec2", "CreateVpc", &ec2api.CreateVpcInput{}), "because no identity-based policy allows the ec2:CreateVpc action"},
		{"role of a name", g.Authorize(t.Context(), gone, "ec2", "DescribeVpcs", &ec2api.DescribeVpcsInput{}), "because no identity-based policy allows the ec2:DescribeVpcs action"},
		{"endpoint", g.Authorize(through, root, "ec2", "DescribeVpcs", &ec2api.DescribeVpcsInput{}), ""},
		{"endpoint, more", g.Authorize(through, root, "ec2", "DescribeSubnets", &ec2api.DescribeSubnetsInput{}), "because no VPC endpoint policy allows the ec2:DescribeSubnets action"},
		{"endpoint, elsewhere", g.Authorize(elsewhere, ann, "ec2", "DescribeVpcs", &ec2api.DescribeVpcsInput{}), "because no VPC endpoint policy allows the ec2:DescribeVpcs action"},
		{"assume", g.Authorize(t.Context(), ann, "sts", "AssumeRole", assume), ""},
		{"assume by a session", g.Authorize(t.Context(), web, "sts", "AssumeRole", assume), "because no identity-based policy allows the sts:AssumeRole action"},
		{"assume by a stranger", g.Authorize(t.Context(), Root("444455556666"), "sts", "AssumeRole", assume), "because no resource-based policy allows the sts:AssumeRole action"},
		{"assume nothing", g.Authorize(t.Context(), ann, "sts", "AssumeRole", nobodys), "because no resource-based policy allows the sts:AssumeRole action"},
		{"a session", g.Authorize(t.Context(), ann, "ssm", "StartSession", &ssmapi.StartSessionInput{Target: new("i-0123456789abcdef0"), DocumentName: new("AWS-StartSSHSession")}),
			"ssm:StartSession on resource: arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0 because no identity-based policy allows the ssm:StartSession action"},
		{"a document", g.Authorize(t.Context(), ann, "ssm", "GetDocument", &ssmapi.GetDocumentInput{Name: new("AWS-RunShellScript")}),
			"ssm:GetDocument on resource: arn:aws:ssm:us-east-1::document/AWS-RunShellScript because no identity-based policy allows the ssm:GetDocument action"},
		{"a parameter", g.Authorize(t.Context(), ann, "ssm", "GetParameter", &ssmapi.GetParameterInput{Name: new("/a/b:3")}),
			"ssm:GetParameter on resource: arn:aws:ssm:us-east-1:111122223333:parameter/a/b because no identity-based policy allows the ssm:GetParameter action"},
		{"a share", g.Authorize(t.Context(), ann, "ram", "AssociateResourceShare", &ramapi.AssociateResourceShareInput{
			ResourceShareArn: new("arn:aws:ram:us-east-1:111122223333:resource-share/s"), ResourceArns: []string{"arn:aws:vpc-lattice:us-east-1:111122223333:servicenetwork/sn-1"}}),
			"ram:AssociateResourceShare on resource: arn:aws:ram:us-east-1:111122223333:resource-share/s because no identity-based policy allows the ram:AssociateResourceShare action"},
		{"shares", g.Authorize(t.Context(), ann, "ram", "GetResourceShares", &ramapi.GetResourceSharesInput{ResourceShareArns: []string{"arn:aws:ram:us-east-1:111122223333:resource-share/s"}}),
			"ram:GetResourceShares on resource: * because no identity-based policy allows the ram:GetResourceShares action"},
		{"a channel", g.Authorize(t.Context(), ann, "ssmmessages", "CreateControlChannel", nil),
			"ssmmessages:CreateControlChannel on resource: * because no identity-based policy allows the ssmmessages:CreateControlChannel action"},
		{"who", g.Authorize(t.Context(), gone, "sts", "GetCallerIdentity", &stsapi.GetCallerIdentityInput{}), ""},
	} {
		if got := ""; tt.err != nil {
			got = tt.err.Error()
			if tt.want == "" || !strings.HasSuffix(got, tt.want) {
				t.Errorf("%s: %s", tt.name, got)
			}
		} else if tt.want != "" {
			t.Errorf("%s is allowed", tt.name)
		}
	}
	if !g.MayAssume(role, "ec2.amazonaws.com") || g.MayAssume(role, "lambda.amazonaws.com") {
		t.Error("the trust policy does not count")
	}
	warned := New(Config{World: func() world.World { return w }, Warn: true})
	if err := warned.Authorize(t.Context(), web, "ec2", "CreateVpc", &ec2api.CreateVpcInput{}); err != nil {
		t.Errorf("a warning refuses: %v", err)
	}
}
