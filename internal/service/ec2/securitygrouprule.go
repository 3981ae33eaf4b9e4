package ec2

import (
	"cmp"
	"context"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// ruleEdit is a change of the rules of one group in one direction.
type ruleEdit struct {
	tx     *world.Tx
	c      world.Caller
	group  world.SecurityGroup
	egress bool
}

// ruleRequest is what the operations on rules of the two directions have in common. The members beside permissions
// are an older form of one permission.
type ruleRequest struct {
	groupID, groupName *string
	permissions        []ec2api.IpPermission
	protocol           *string
	from, to           *int32
	cidr               *string
	sourceName         *string
	sourceOwner        *string
	ruleIDs            []string
	tags               []ec2api.TagSpecification
	dry                *bool
	egress             bool
}

// all are the permissions of a request, the older form included.
func (q ruleRequest) all() []ec2api.IpPermission {
	if q.cidr == nil && q.sourceName == nil && q.protocol == nil {
		return q.permissions
	}
	p := ec2api.IpPermission{IpProtocol: q.protocol, FromPort: q.from, ToPort: q.to}
	if q.cidr != nil {
		p.IpRanges = []ec2api.IpRange{{CidrIp: q.cidr}}
	}
	if q.sourceName != nil {
		p.UserIdGroupPairs = []ec2api.UserIdGroupPair{{GroupName: q.sourceName, UserId: q.sourceOwner}}
		if q.protocol == nil {
			p.IpProtocol = new("-1")
		}
	}
	return append(slices.Clone(q.permissions), p)
}

// edit runs f on the group of a request.
func (s *Service) edit(ctx context.Context, c world.Caller, q ruleRequest, f func(*ruleEdit) error) (*view, error) {
	if err := q.refuseMix(); err != nil {
		return nil, err
	}
	if !set(q.groupID) && !set(q.groupName) {
		return nil, awserr.EC2Code("MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	return s.update(ctx, c, q.dry, func(tx *world.Tx) error {
		g, err := findGroup(tx, c, q.groupID, q.groupName)
		if err != nil {
			return err
		}
		return f(&ruleEdit{tx, c, g, q.egress})
	})
}

// authorize adds the rules of a request to a group: all of them, or none.
func (s *Service) authorize(ctx context.Context, c world.Caller, q ruleRequest) ([]ec2api.SecurityGroupRule, error) {
	given, err := oneSpec(q.tags, "security-group-rule")
	if err != nil {
		return nil, err
	}
	var added []world.SecurityGroupRule
	v, err := s.edit(ctx, c, q, func(e *ruleEdit) error {
		asked := q.all()
		if len(asked) == 0 {
			return awserr.EC2MissingParameter("ipPermissions")
		}
		rules, err := e.readPermissions(asked)
		if err == nil {
			err = e.refuseStale(rules)
		}
		if err != nil {
			return err
		}
		have := e.tx.RulesOf(e.group.ID)
		for _, r := range rules {
			if slices.ContainsFunc(have, r.SameMatch) {
				return awserr.EC2Code("InvalidPermission.Duplicate", "the specified rule %q already exists", ruleText(r))
			}
			r.ID, r.Meta = world.SecurityGroupRuleID(e.tx.NewID("sgr")), e.tx.NewMeta(c, given)
			e.tx.SecurityGroupRules.Put(r)
			added = append(added, r)
		}
		return e.checkRoom()
	})
	if err != nil {
		return nil, err
	}
	return each(added, v.rule), nil
}

// checkRoom counts the rules of the group in each direction and for each IP version. A group counts as IPv4; a prefix
// list counts as the number of its entries. (Amazon VPC User Guide, "Security group quotas".)
func (e *ruleEdit) checkRoom() error {
	type kind struct{ egress, six bool }
	count := map[kind]int{}
	for _, r := range e.tx.RulesOf(e.group.ID) {
		k, n := kind{r.Egress, r.CIDR.IsValid() && r.CIDR.Addr().Is6()}, 1
		if l, ok := e.tx.PrefixList(e.c.Region, r.PeerList); ok {
			n = max(l.MaxEntries, len(l.Entries))
			k.six = l.Family == "IPv6"
		}
		if count[k] += n; count[k] > maxRules {
			return awserr.EC2Limit("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
		}
	}
	return nil
}

// AuthorizeSecurityGroupIngress adds rules for traffic into interfaces that carry the group.
func (s *Service) AuthorizeSecurityGroupIngress(ctx context.Context, c world.Caller, in *ec2api.AuthorizeSecurityGroupIngressInput) (*ec2api.AuthorizeSecurityGroupIngressOutput, error) {
	rules, err := s.authorize(ctx, c, ruleRequest{
		groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort,
		cidr: in.CidrIp, sourceName: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId, tags: in.TagSpecifications, dry: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AuthorizeSecurityGroupIngressOutput{Return: new(true), SecurityGroupRules: rules}, nil
}

// AuthorizeSecurityGroupEgress adds rules for traffic out of interfaces that carry the group.
func (s *Service) AuthorizeSecurityGroupEgress(ctx context.Context, c world.Caller, in *ec2api.AuthorizeSecurityGroupEgressInput) (*ec2api.AuthorizeSecurityGroupEgressOutput, error) {
	rules, err := s.authorize(ctx, c, ruleRequest{
		groupID: in.GroupId, permissions: in.IpPermissions, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, egress: true,
		cidr: in.CidrIp, sourceName: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId, tags: in.TagSpecifications, dry: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AuthorizeSecurityGroupEgressOutput{Return: new(true), SecurityGroupRules: rules}, nil
}

// revoke removes the rules of a request. What matches no rule is an error, and nothing is removed; only in a default
// VPC it is told in the answer.
func (s *Service) revoke(ctx context.Context, c world.Caller, q ruleRequest) ([]ec2api.RevokedSecurityGroupRule, error) {
	var gone []world.SecurityGroupRule
	_, err := s.edit(ctx, c, q, func(e *ruleEdit) error {
		asked := q.all()
		if len(asked) == 0 && len(q.ruleIDs) == 0 {
			return awserr.EC2Code("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
		}
		byID, err := e.rulesByID(q.ruleIDs)
		if err != nil {
			return err
		}
		wanted, err := e.readPermissions(asked)
		if err != nil {
			return err
		}
		gone = byID
		have := e.tx.RulesOf(e.group.ID)
		for _, w := range wanted {
			i := slices.IndexFunc(have, w.SameMatch)
			if i < 0 {
				return awserr.EC2Code("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			gone = append(gone, have[i])
		}
		for _, r := range gone {
			e.tx.SecurityGroupRules.Delete(r.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return each(gone, revokedRule), nil
}

// rulesByID finds rules of the group, in the direction of the edit.
func (e *ruleEdit) rulesByID(ids []string) ([]world.SecurityGroupRule, error) {
	var out []world.SecurityGroupRule
	for _, id := range ids {
		r, err := find(&e.tx.SecurityGroupRules, e.c, "security-group-rule", new(id))
		if err != nil {
			return nil, err
		}
		if r.Group != e.group.ID || r.Egress != e.egress {
			return nil, awserr.EC2NotFound("security-group-rule", id)
		}
		out = append(out, r)
	}
	return out, nil
}

// RevokeSecurityGroupIngress removes rules for traffic into interfaces that carry the group.
func (s *Service) RevokeSecurityGroupIngress(ctx context.Context, c world.Caller, in *ec2api.RevokeSecurityGroupIngressInput) (*ec2api.RevokeSecurityGroupIngressOutput, error) {
	gone, err := s.revoke(ctx, c, ruleRequest{
		groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort,
		cidr: in.CidrIp, sourceName: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId, ruleIDs: in.SecurityGroupRuleIds, dry: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.RevokeSecurityGroupIngressOutput{Return: new(true), RevokedSecurityGroupRules: gone}, nil
}

// RevokeSecurityGroupEgress removes rules for traffic out of interfaces that carry the group.
func (s *Service) RevokeSecurityGroupEgress(ctx context.Context, c world.Caller, in *ec2api.RevokeSecurityGroupEgressInput) (*ec2api.RevokeSecurityGroupEgressOutput, error) {
	gone, err := s.revoke(ctx, c, ruleRequest{
		groupID: in.GroupId, permissions: in.IpPermissions, protocol: in.IpProtocol, from: in.FromPort, to: in.ToPort, egress: true,
		cidr: in.CidrIp, sourceName: in.SourceSecurityGroupName, sourceOwner: in.SourceSecurityGroupOwnerId, ruleIDs: in.SecurityGroupRuleIds, dry: in.DryRun,
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.RevokeSecurityGroupEgressOutput{Return: new(true), RevokedSecurityGroupRules: gone}, nil
}

// ModifySecurityGroupRules replaces what rules of a group say; their ids and directions stay.
func (s *Service) ModifySecurityGroupRules(ctx context.Context, c world.Caller, in *ec2api.ModifySecurityGroupRulesInput) (*ec2api.ModifySecurityGroupRulesOutput, error) {
	if len(in.SecurityGroupRules) == 0 {
		return nil, awserr.EC2MissingParameter("securityGroupRules")
	}
	_, err := s.edit(ctx, c, ruleRequest{groupID: in.GroupId, dry: in.DryRun}, func(e *ruleEdit) error {
		for _, u := range in.SecurityGroupRules {
			if err := e.modify(u); err != nil {
				return err
			}
		}
		return e.checkRoom()
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifySecurityGroupRulesOutput{Return: new(true)}, nil
}

func (e *ruleEdit) modify(u ec2api.SecurityGroupRuleUpdate) error {
	old, err := find(&e.tx.SecurityGroupRules, e.c, "security-group-rule", u.SecurityGroupRuleId)
	if err != nil {
		return err
	}
	if old.Group != e.group.ID {
		return awserr.EC2NotFound("security-group-rule", *u.SecurityGroupRuleId)
	}
	if u.SecurityGroupRule == nil {
		return awserr.EC2MissingParameter("securityGroupRule")
	}
	e.egress = old.Egress
	q := u.SecurityGroupRule
	p := ec2api.IpPermission{IpProtocol: q.IpProtocol, FromPort: q.FromPort, ToPort: q.ToPort}
	if q.CidrIpv4 != nil {
		p.IpRanges = []ec2api.IpRange{{CidrIp: q.CidrIpv4, Description: q.Description}}
	}
	if q.CidrIpv6 != nil {
		p.Ipv6Ranges = []ec2api.Ipv6Range{{CidrIpv6: q.CidrIpv6, Description: q.Description}}
	}
	if q.PrefixListId != nil {
		p.PrefixListIds = []ec2api.PrefixListId{{PrefixListId: q.PrefixListId, Description: q.Description}}
	}
	if q.ReferencedGroupId != nil {
		p.UserIdGroupPairs = []ec2api.UserIdGroupPair{{GroupId: q.ReferencedGroupId, Description: q.Description}}
	}
	rules, err := e.readPermissions([]ec2api.IpPermission{p})
	if err == nil {
		err = e.refuseStale(rules)
	}
	if err != nil {
		return err
	}
	if len(rules) != 1 {
		return awserr.EC2Combination("Only one of cidrIpv4, cidrIpv6, prefixListId, or referencedGroupId can be specified")
	}
	r := rules[0]
	for _, o := range e.tx.RulesOf(e.group.ID) {
		if o.ID != old.ID && r.SameMatch(o) {
			return awserr.EC2Code("InvalidPermission.Duplicate", "the specified rule %q already exists", ruleText(r))
		}
	}
	r.ID, r.Meta = old.ID, old.Meta
	e.tx.Touch(&r.Meta)
	e.tx.SecurityGroupRules.Put(r)
	return nil
}

// describeRules sets the descriptions of rules, found by id or by what they allow.
func (s *Service) describeRules(ctx context.Context, c world.Caller, q ruleRequest, texts []ec2api.SecurityGroupRuleDescription) error {
	_, err := s.edit(ctx, c, q, func(e *ruleEdit) error {
		if len(q.permissions) == 0 && len(texts) == 0 {
			return awserr.EC2Code("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.")
		}
		wanted, err := e.readPermissions(q.permissions)
		if err != nil {
			return err
		}
		have := e.tx.RulesOf(e.group.ID)
		for _, w := range wanted {
			i := slices.IndexFunc(have, w.SameMatch)
			if i < 0 {
				return awserr.EC2Code("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			e.say(have[i], w.Description)
		}
		for _, t := range texts {
			rs, err := e.rulesByID([]string{val(t.SecurityGroupRuleId)})
			if err != nil {
				return err
			}
			if err := checkRuleText(val(t.Description)); err != nil {
				return err
			}
			e.say(rs[0], val(t.Description))
		}
		return nil
	})
	return err
}

func (e *ruleEdit) say(r world.SecurityGroupRule, text string) {
	r.Description, r.Updated = text, e.tx.Now
	e.tx.SecurityGroupRules.Put(r)
}

// UpdateSecurityGroupRuleDescriptionsIngress sets the descriptions of rules for incoming traffic.
func (s *Service) UpdateSecurityGroupRuleDescriptionsIngress(ctx context.Context, c world.Caller, in *ec2api.UpdateSecurityGroupRuleDescriptionsIngressInput) (*ec2api.UpdateSecurityGroupRuleDescriptionsIngressOutput, error) {
	q := ruleRequest{groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, dry: in.DryRun}
	if err := s.describeRules(ctx, c, q, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &ec2api.UpdateSecurityGroupRuleDescriptionsIngressOutput{Return: new(true)}, nil
}

// UpdateSecurityGroupRuleDescriptionsEgress sets the descriptions of rules for outgoing traffic.
func (s *Service) UpdateSecurityGroupRuleDescriptionsEgress(ctx context.Context, c world.Caller, in *ec2api.UpdateSecurityGroupRuleDescriptionsEgressInput) (*ec2api.UpdateSecurityGroupRuleDescriptionsEgressOutput, error) {
	q := ruleRequest{groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, dry: in.DryRun, egress: true}
	if err := s.describeRules(ctx, c, q, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &ec2api.UpdateSecurityGroupRuleDescriptionsEgressOutput{Return: new(true)}, nil
}

// rule describes one rule.
func (v *view) rule(r world.SecurityGroupRule) ec2api.SecurityGroupRule {
	from, to := ports(r)
	out := ec2api.SecurityGroupRule{
		SecurityGroupRuleId: new(string(r.ID)), GroupId: new(string(r.Group)), GroupOwnerId: new(string(r.Account)), IsEgress: new(r.Egress),
		IpProtocol: new(protocolName(r.Protocol)), FromPort: new(from), ToPort: new(to), Tags: allTags(r.Meta),
		SecurityGroupRuleArn: new(world.ARN("ec2", r.Region, r.Account, "security-group-rule/"+string(r.ID))),
	}
	if r.Description != "" {
		out.Description = new(r.Description)
	}
	switch {
	case r.PeerGroup != "":
		g, _ := v.w.SecurityGroups.Get(r.PeerGroup)
		out.ReferencedGroupInfo = &ec2api.ReferencedSecurityGroup{
			GroupId: new(string(r.PeerGroup)), UserId: new(string(r.PeerAccount)), VpcId: new(string(cmp.Or(r.PeerVPC, g.VPC))),
		}
		if r.Peering != "" {
			out.ReferencedGroupInfo.VpcPeeringConnectionId, out.ReferencedGroupInfo.PeeringStatus = new(string(r.Peering)), new(peeringOf(&v.w, r))
		}
	case r.PeerList != "":
		out.PrefixListId = new(string(r.PeerList))
	case r.CIDR.Addr().Is6():
		out.CidrIpv6 = new(r.CIDR.String())
	default:
		out.CidrIpv4 = new(r.CIDR.String())
	}
	return out
}

func revokedRule(r world.SecurityGroupRule) ec2api.RevokedSecurityGroupRule {
	from, to := ports(r)
	out := ec2api.RevokedSecurityGroupRule{
		SecurityGroupRuleId: new(string(r.ID)), GroupId: new(string(r.Group)), IsEgress: new(r.Egress),
		IpProtocol: new(protocolName(r.Protocol)), FromPort: new(from), ToPort: new(to),
	}
	if r.Description != "" {
		out.Description = new(r.Description)
	}
	switch {
	case r.PeerGroup != "":
		out.ReferencedGroupId = new(string(r.PeerGroup))
	case r.PeerList != "":
		out.PrefixListId = new(string(r.PeerList))
	case r.CIDR.Addr().Is6():
		out.CidrIpv6 = new(r.CIDR.String())
	default:
		out.CidrIpv4 = new(r.CIDR.String())
	}
	return out
}

// DescribeSecurityGroupRules lists the rules of the caller's groups.
func (s *Service) DescribeSecurityGroupRules(_ context.Context, c world.Caller, in *ec2api.DescribeSecurityGroupRulesInput) (*ec2api.DescribeSecurityGroupRulesOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.SecurityGroupRule]{
		Tags: ownTags(func(r world.SecurityGroupRule) world.Meta { return r.Meta }),
		Fields: map[string]func(world.SecurityGroupRule) []string{
			"group-id":               one(func(r world.SecurityGroupRule) world.SecurityGroupID { return r.Group }),
			"security-group-rule-id": one(func(r world.SecurityGroupRule) world.SecurityGroupRuleID { return r.ID }),
		},
	}
	page, next, err := listFrom(query{"security-group-rule", in.SecurityGroupRuleIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.SecurityGroupRules, c), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeSecurityGroupRulesOutput{SecurityGroupRules: each(page, v.rule), NextToken: next}, nil
}
