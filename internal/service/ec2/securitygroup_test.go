package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
)

func TestRules(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc, other := b.vpc("10.0.0.0/16"), b.vpc("10.0.0.0/16")
	g, h, far := b.group(vpc, "g"), b.group(vpc, "h"), b.group(other, "g")
	add := func(ps ...ec2api.IpPermission) error {
		_, err := b.AuthorizeSecurityGroupIngress(ctx, b.c, &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: g, IpPermissions: ps})
		return err
	}
	perm := func(protocol string, from, to *int32, p ec2api.IpPermission) ec2api.IpPermission {
		p.IpProtocol, p.FromPort, p.ToPort = &protocol, from, to
		return p
	}
	any := ec2api.IpPermission{IpRanges: []ec2api.IpRange{{CidrIp: new("0.0.0.0/0")}}}
	one := new(int32(1))
	for _, p := range []ec2api.IpPermission{
		tcp("10.0.0.5/16", 443, 443)[0], perm("6", new(int32(80)), new(int32(81)), any), perm("-1", one, one, any),
		perm("icmp", new(int32(8)), nil, any), perm("17", new(int32(53)), new(int32(53)), ec2api.IpPermission{UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: h}}}),
		perm("50", nil, nil, ec2api.IpPermission{Ipv6Ranges: []ec2api.Ipv6Range{{CidrIpv6: new("::/0")}}}),
	} {
		if err := add(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct {
		p          ec2api.IpPermission
		code, text string
	}{
		{tcp("10.0.0.0/16", 443, 443)[0], "InvalidPermission.Duplicate", `the specified rule "peer: 10.0.0.0/16, TCP, from port: 443, to port: 443, ALLOW" already exists`},
		{perm("all", nil, nil, any), "InvalidPermission.Duplicate", `the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists`},
		{perm("udp", nil, nil, any), "InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."},
		{perm("tcp", new(int32(81)), new(int32(80)), any), "InvalidParameterValue", ""},
		{perm("tcp", one, new(int32(65536)), any), "InvalidParameterValue", ""},
		{perm("x", nil, nil, any), "InvalidParameterValue", ""},
		{perm("tcp", one, one, ec2api.IpPermission{}), "MissingParameter", ""},
		{perm("tcp", one, one, ec2api.IpPermission{UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: far}}}), "InvalidGroup.NotFound",
			"You have specified two resources that belong to different networks."},
		{perm("tcp", one, one, ec2api.IpPermission{PrefixListIds: []ec2api.PrefixListId{{PrefixListId: new("pl-00000000000000000")}}}), "InvalidPrefixListID.NotFound", ""},
	} {
		b.refused(add(x.p), x.code, x.text)
	}
	b.refused(add(tcp("10.1.0.0/16", 1, 1)[0], tcp("10.0.0.0/16", 443, 443)[0]), "InvalidPermission.Duplicate", "") // all or nothing
	out := must(b.DescribeSecurityGroups(ctx, b.c, &ec2api.DescribeSecurityGroupsInput{GroupIds: []string{*g}})).SecurityGroups[0]
	if len(out.IpPermissions) != 6 || len(out.IpPermissionsEgress) != 1 || *out.IpPermissionsEgress[0].IpProtocol != "-1" || out.IpPermissionsEgress[0].FromPort != nil {
		t.Errorf("the group has %d permissions", len(out.IpPermissions))
	}
	_, err := b.CreateSecurityGroup(ctx, b.c, &ec2api.CreateSecurityGroupInput{VpcId: vpc, GroupName: new("g"), Description: new("d")})
	b.refused(err, "InvalidGroup.Duplicate", "The security group 'g' already exists for VPC '"+*vpc+"'")
	b.revokes(g)
}

func (b *bench) revokes(g *string) {
	ctx := b.Context()
	revoke := func(in ec2api.RevokeSecurityGroupIngressInput) error {
		in.GroupId = g
		_, err := b.RevokeSecurityGroupIngress(ctx, b.c, &in)
		return err
	}
	b.refused(revoke(ec2api.RevokeSecurityGroupIngressInput{IpPermissions: tcp("9.9.9.9/32", 1, 1)}), "InvalidPermission.NotFound",
		"The specified rule does not exist in this security group.")
	if err := revoke(ec2api.RevokeSecurityGroupIngressInput{IpPermissions: tcp("10.0.0.0/16", 443, 443)}); err != nil {
		b.Error(err)
	}
	rules := must(b.DescribeSecurityGroupRules(ctx, b.c, &ec2api.DescribeSecurityGroupRulesInput{Filters: filter("group-id", *g)})).SecurityGroupRules
	for _, r := range rules {
		if *r.IsEgress {
			b.refused(revoke(ec2api.RevokeSecurityGroupIngressInput{SecurityGroupRuleIds: []string{*r.SecurityGroupRuleId}}), "InvalidSecurityGroupRuleId.NotFound", "")
			continue
		}
		if err := revoke(ec2api.RevokeSecurityGroupIngressInput{SecurityGroupRuleIds: []string{*r.SecurityGroupRuleId}}); err != nil {
			b.Error(err)
		}
	}
	rules = must(b.DescribeSecurityGroupRules(ctx, b.c, &ec2api.DescribeSecurityGroupRulesInput{Filters: filter("group-id", *g)})).SecurityGroupRules
	if len(rules) != 1 {
		b.Errorf("%d rules are left", len(rules))
	}
}

// A prefix list counts as its size; a rule can be changed in place but not into another one.
func TestRuleLimitsAndChanges(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	g := b.group(vpc, "g")
	list := must(b.CreateManagedPrefixList(ctx, b.c, &ec2api.CreateManagedPrefixListInput{
		PrefixListName: new("l"), AddressFamily: new("IPv4"), MaxEntries: new(int32(60)), Entries: []ec2api.AddPrefixListEntry{{Cidr: new("10.0.0.0/8")}},
	})).PrefixList
	add := func(p ec2api.IpPermission) ([]ec2api.SecurityGroupRule, error) {
		out, err := b.AuthorizeSecurityGroupIngress(ctx, b.c, &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: g, IpPermissions: []ec2api.IpPermission{p}})
		if err != nil {
			return nil, err
		}
		return out.SecurityGroupRules, nil
	}
	first := must(add(tcp("10.0.0.0/16", 1, 1)[0]))[0]
	_, err := add(ec2api.IpPermission{IpProtocol: new("-1"), PrefixListIds: []ec2api.PrefixListId{{PrefixListId: list.PrefixListId}}})
	b.refused(err, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	second := must(add(tcp("10.0.0.0/16", 2, 2)[0]))[0]
	change := func(id *string, port int32) error {
		_, err := b.ModifySecurityGroupRules(ctx, b.c, &ec2api.ModifySecurityGroupRulesInput{GroupId: g, SecurityGroupRules: []ec2api.SecurityGroupRuleUpdate{{
			SecurityGroupRuleId: id, SecurityGroupRule: &ec2api.SecurityGroupRuleRequest{
				IpProtocol: new("tcp"), FromPort: &port, ToPort: &port, CidrIpv4: new("10.0.0.0/16"), Description: new("x"),
			},
		}}})
		return err
	}
	b.refused(change(second.SecurityGroupRuleId, 1), "InvalidPermission.Duplicate", "")
	if err := change(first.SecurityGroupRuleId, 3); err != nil {
		t.Error(err)
	}
	_, err = b.ModifyManagedPrefixList(ctx, b.c, &ec2api.ModifyManagedPrefixListInput{
		PrefixListId: list.PrefixListId, CurrentVersion: new(int64(9)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: new("11.0.0.0/8")}},
	})
	b.refused(err, "PrefixListVersionMismatch", "")
	out := must(b.ModifyManagedPrefixList(ctx, b.c, &ec2api.ModifyManagedPrefixListInput{
		PrefixListId: list.PrefixListId, CurrentVersion: new(int64(1)), AddEntries: []ec2api.AddPrefixListEntry{{Cidr: new("11.0.0.0/8")}},
	}))
	if *out.PrefixList.Version != 2 {
		t.Errorf("version is %d", *out.PrefixList.Version)
	}
}
