package ec2

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// putDefaultGroup makes a new VPC's default group: members reach one another, and everything is let out.
func putDefaultGroup(tx *world.Tx, c world.Caller, id world.VPCID) {
	g := world.SecurityGroup{
		ID: world.SecurityGroupID(tx.NewID("sg")), Meta: tx.NewMeta(c, nil), VPC: id, Default: true,
		Name: "default", Description: "default VPC security group",
	}
	tx.SecurityGroups.Put(g)
	in := newRule(tx, c, g.ID)
	in.PeerGroup, in.PeerAccount = g.ID, c.Account
	tx.SecurityGroupRules.Put(in)
	putOutRule(tx, c, g.ID)
}

// putOutRule gives a group the rule it starts with: everything out.
func putOutRule(tx *world.Tx, c world.Caller, g world.SecurityGroupID) {
	out := newRule(tx, c, g)
	out.Egress, out.CIDR = true, anywhere()
	tx.SecurityGroupRules.Put(out)
}

// newRule is a rule of the group for all traffic, with no peer yet.
func newRule(tx *world.Tx, c world.Caller, g world.SecurityGroupID) world.SecurityGroupRule {
	return world.SecurityGroupRule{
		ID: world.SecurityGroupRuleID(tx.NewID("sgr")), Meta: tx.NewMeta(c, nil), Group: g, Protocol: world.AnyProtocol,
	}
}

// deleteGroup removes a group and its rules.
func deleteGroup(tx *world.Tx, g world.SecurityGroupID) {
	for _, r := range tx.RulesOf(g) {
		tx.SecurityGroupRules.Delete(r.ID)
	}
	tx.SecurityGroups.Delete(g)
}

// CreateSecurityGroup makes a group that lets everything out and nothing in.
func (s *Service) CreateSecurityGroup(ctx context.Context, c world.Caller, in *ec2api.CreateSecurityGroupInput) (*ec2api.CreateSecurityGroupOutput, error) {
	if err := checkGroupWords(in); err != nil {
		return nil, err
	}
	given, err := oneSpec(in.TagSpecifications, "security-group")
	if err != nil {
		return nil, err
	}
	var g world.SecurityGroup
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := vpcOfGroup(tx, c, in.VpcId)
		if err != nil {
			return err
		}
		if atLimit(&tx.SecurityGroups, c, maxGroups) {
			return awserr.EC2Limit("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")
		}
		if _, taken := groupNamed(&tx.World, p.ID, *in.GroupName); taken {
			return &world.Error{Kind: world.Conflict, Noun: "security-group", ID: *in.GroupName, By: string(p.ID)}
		}
		g = world.SecurityGroup{
			ID: world.SecurityGroupID(tx.NewID("sg")), Meta: tx.NewMeta(c, given), VPC: p.ID, Name: *in.GroupName, Description: *in.Description,
		}
		tx.SecurityGroups.Put(g)
		putOutRule(tx, c, g.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateSecurityGroupOutput{GroupId: new(string(g.ID)), Tags: tags(g.Meta), SecurityGroupArn: new(groupARN(g))}, nil
}

// vpcOfGroup is the VPC a group is made in: the default one when none is named.
func vpcOfGroup(tx *world.Tx, c world.Caller, id *string) (world.VPC, error) {
	if set(id) {
		return find(&tx.VPCs, c, "vpc", id)
	}
	p, ok := defaultVPC(&tx.World, c)
	if !ok {
		return p, awserr.EC2Code("VPCIdNotSpecified", "No default VPC for this user")
	}
	return p, nil
}

// findGroup is the caller's group with the given id, or with the given name in the default VPC.
func findGroup(tx *world.Tx, c world.Caller, id, name *string) (world.SecurityGroup, error) {
	if set(id) {
		return find(&tx.SecurityGroups, c, "security-group", id)
	}
	p, _ := defaultVPC(&tx.World, c)
	g, ok := groupNamed(&tx.World, p.ID, val(name))
	if !ok {
		return g, awserr.EC2NotFound("security-group", val(name))
	}
	return g, nil
}

// groupWords are the signs beside letters and digits that names and descriptions of groups may have. (Amazon EC2 API
// Reference, CreateSecurityGroup.)
const groupWords = ". _-:/()#,@[]+=&;{}!$*"

func checkGroupWords(in *ec2api.CreateSecurityGroupInput) error {
	if err := need("groupName", in.GroupName); err != nil {
		return err
	}
	if err := need("groupDescription", in.Description); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(*in.GroupName, "sg-"):
		return awserr.EC2InvalidParameter("groupName", *in.GroupName, "Group names may not be in the format sg-*.")
	case !groupWord(*in.GroupName):
		return awserr.EC2InvalidParameter("groupName", *in.GroupName, "Character sets beyond ASCII are not supported.")
	case !groupWord(*in.Description):
		return awserr.EC2InvalidParameter("groupDescription", *in.Description, "Invalid security group description. Valid descriptions are "+
			"strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
	case *in.GroupName == "default":
		return awserr.EC2Code("InvalidParameterValue", "Cannot use reserved security group name: default")
	}
	return nil
}

func groupWord(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(groupWords, r) {
			return false
		}
	}
	return len(s) <= 255
}

// groupView describes groups.
type groupView struct{ *view }

func (v *view) groups() *groupView { return &groupView{v} }

func (g *groupView) describe(r world.SecurityGroup) ec2api.SecurityGroup {
	rules := g.w.RulesOf(r.ID)
	return ec2api.SecurityGroup{
		GroupId: new(string(r.ID)), GroupName: new(r.Name), Description: new(r.Description), OwnerId: new(string(r.Account)),
		VpcId: new(string(r.VPC)), SecurityGroupArn: new(groupARN(r)), Tags: tags(r.Meta),
		IpPermissions: g.permissions(rules, false), IpPermissionsEgress: g.permissions(rules, true),
	}
}

func groupARN(r world.SecurityGroup) string {
	return world.ARN("ec2", r.Region, r.Account, "security-group/"+string(r.ID))
}

// DescribeSecurityGroups lists the caller's security groups.
func (s *Service) DescribeSecurityGroups(_ context.Context, c world.Caller, in *ec2api.DescribeSecurityGroupsInput) (*ec2api.DescribeSecurityGroupsOutput, error) {
	v := s.look(c).groups()
	rows := mine(&v.w.SecurityGroups, c)
	for _, name := range in.GroupNames {
		if !slices.ContainsFunc(rows, func(g world.SecurityGroup) bool { return g.Name == name }) {
			return nil, awserr.EC2NotFound("security-group", name)
		}
	}
	if len(in.GroupNames) > 0 {
		rows = slices.DeleteFunc(rows, func(g world.SecurityGroup) bool { return !slices.Contains(in.GroupNames, g.Name) })
	}
	page, next, err := list(query{"security-group", in.GroupIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		rows, v.filters(), listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeSecurityGroupsOutput{SecurityGroups: each(page, v.describe), NextToken: next}, nil
}

func (g *groupView) filters() listing.Filters[world.SecurityGroup] {
	f := map[string]func(world.SecurityGroup) []string{
		"group-id":    one(func(r world.SecurityGroup) world.SecurityGroupID { return r.ID }),
		"group-name":  one(func(r world.SecurityGroup) string { return r.Name }),
		"description": one(func(r world.SecurityGroup) string { return r.Description }),
		"vpc-id":      one(func(r world.SecurityGroup) world.VPCID { return r.VPC }),
		"owner-id":    one(func(r world.SecurityGroup) world.AccountID { return r.Account }),
	}
	for prefix, egress := range map[string]bool{"ip-permission.": false, "egress.ip-permission.": true} {
		for name, of := range ruleFields() {
			f[prefix+name] = func(r world.SecurityGroup) []string {
				var out []string
				for rule := range g.w.SecurityGroupRules.In(string(r.ID)) {
					if rule.Egress == egress {
						out = append(out, of(rule)...)
					}
				}
				return out
			}
		}
	}
	return listing.Filters[world.SecurityGroup]{Fields: f, Tags: ownTags(func(r world.SecurityGroup) world.Meta { return r.Meta })}
}

// ruleFields are the parts of rules that groups can be found by.
func ruleFields() map[string]func(world.SecurityGroupRule) []string {
	type rule = world.SecurityGroupRule
	some := func(is bool, s string) []string {
		if !is {
			return nil
		}
		return []string{s}
	}
	port := func(which func(rule) (int32, int32)) func(rule) []string {
		return func(r rule) []string {
			n, _ := which(r)
			return some(r.Protocol.HasPorts() || isICMP(r.Protocol), strconv.Itoa(int(n)))
		}
	}
	return map[string]func(rule) []string{
		"protocol":       one(func(r rule) string { return protocolName(r.Protocol) }),
		"from-port":      port(ports),
		"to-port":        port(func(r rule) (int32, int32) { from, to := ports(r); return to, from }),
		"cidr":           func(r rule) []string { return some(r.CIDR.IsValid() && r.CIDR.Addr().Is4(), r.CIDR.String()) },
		"ipv6-cidr":      func(r rule) []string { return some(r.CIDR.IsValid() && r.CIDR.Addr().Is6(), r.CIDR.String()) },
		"group-id":       func(r rule) []string { return some(r.PeerGroup != "", string(r.PeerGroup)) },
		"user-id":        func(r rule) []string { return some(r.PeerGroup != "", string(r.PeerAccount)) },
		"prefix-list-id": func(r rule) []string { return some(r.PeerList != "", string(r.PeerList)) },
		"group-name":     never[rule],
	}
}

// DeleteSecurityGroup removes a group that no interface carries, that is associated with no other VPC, and that no other
// group's rules name.
func (s *Service) DeleteSecurityGroup(ctx context.Context, c world.Caller, in *ec2api.DeleteSecurityGroupInput) (*ec2api.DeleteSecurityGroupOutput, error) {
	switch {
	case !set(in.GroupId) && !set(in.GroupName):
		return nil, awserr.EC2Code("MissingParameter", "The request must contain the parameter GroupName or GroupId")
	case set(in.GroupId) && set(in.GroupName):
		return nil, bothNames()
	}
	var g world.SecurityGroup
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if g, err = findGroup(tx, c, in.GroupId, in.GroupName); err != nil {
			return err
		}
		if g.Default {
			return awserr.EC2Code("CannotDelete", "the specified group: %q name: %q cannot be deleted by a user", g.ID, g.Name)
		}
		if groupInUse(tx, g.ID) {
			return awserr.EC2Dependency("security-group", string(g.ID))
		}
		deleteGroup(tx, g.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteSecurityGroupOutput{Return: new(true), GroupId: new(string(g.ID))}, nil
}

func groupInUse(tx *world.Tx, g world.SecurityGroupID) bool {
	return tx.ENIs.Some(string(g)) || tx.GroupAssociations.Some(string(g)) || tx.VPCAssociations.Some(string(g)) || tx.ResourceGateways.Some(string(g)) ||
		slices.ContainsFunc(tx.RulesNaming(g), func(r world.SecurityGroupRule) bool { return r.Group != g && !stale(&tx.World, r) })
}

// groupsFor are the groups a new or changed interface in the VPC carries: those asked for, or the default one.
func groupsFor(w *world.World, c world.Caller, subnet world.Subnet, ids []string) ([]world.SecurityGroupID, error) {
	if len(ids) == 0 {
		g, _ := w.DefaultGroup(subnet.VPC)
		return []world.SecurityGroupID{g.ID}, nil
	}
	var out []world.SecurityGroupID
	for _, id := range ids {
		g, err := find(&w.SecurityGroups, c, "security-group", new(id))
		if err != nil {
			return nil, err
		}
		if !w.Carries(subnet.VPC, g) {
			return nil, awserr.EC2Code("InvalidParameter", "Security group %s and subnet %s belong to different networks.", g.ID, subnet.ID)
		}
		if !slices.Contains(out, g.ID) {
			out = append(out, g.ID)
		}
	}
	if len(out) > maxGroupsPerENI {
		return nil, awserr.EC2Limit("SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached.")
	}
	return out, nil
}
