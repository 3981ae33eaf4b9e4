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

// DescribeStaleSecurityGroups lists the groups of a VPC with rules that name groups of VPCs it is no longer joined with.
func (s *Service) DescribeStaleSecurityGroups(_ context.Context, c world.Caller, in *ec2api.DescribeStaleSecurityGroupsInput) (*ec2api.DescribeStaleSecurityGroupsOutput, error) {
	v := s.look(c)
	p, err := find(&v.w.VPCs, c, "vpc", in.VpcId)
	if err != nil {
		return nil, err
	}
	rules := map[world.SecurityGroupID][]world.SecurityGroupRule{}
	var rows []world.SecurityGroup
	for g := range v.w.SecurityGroups.In(string(p.ID)) {
		for _, r := range v.w.RulesOf(g.ID) {
			if stale(&v.w, r) {
				rules[g.ID] = append(rules[g.ID], r)
			}
		}
		if len(rules[g.ID]) > 0 {
			rows = append(rows, g)
		}
	}
	page, next, err := list(query{size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, listing.Filters[world.SecurityGroup]{}, listing.EC2(5, 255))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeStaleSecurityGroupsOutput{NextToken: next, StaleSecurityGroupSet: each(page, func(g world.SecurityGroup) ec2api.StaleSecurityGroup {
		return ec2api.StaleSecurityGroup{
			GroupId: new(string(g.ID)), GroupName: new(g.Name), Description: new(g.Description), VpcId: new(string(g.VPC)),
			StaleIpPermissions:       each(v.permissions(rules[g.ID], false), stalePermission),
			StaleIpPermissionsEgress: each(v.permissions(rules[g.ID], true), stalePermission),
		}
	})}, nil
}

func stalePermission(p ec2api.IpPermission) ec2api.StaleIpPermission {
	return ec2api.StaleIpPermission{
		IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort, UserIdGroupPairs: p.UserIdGroupPairs,
		IpRanges: []string{}, PrefixListIds: []string{},
	}
}

// DescribeSecurityGroupReferences lists the VPCs on the other sides of peerings with rules that name the given groups.
func (s *Service) DescribeSecurityGroupReferences(_ context.Context, c world.Caller, in *ec2api.DescribeSecurityGroupReferencesInput) (*ec2api.DescribeSecurityGroupReferencesOutput, error) {
	if len(in.GroupId) == 0 {
		return nil, awserr.EC2MissingParameter("groupId")
	}
	v := s.look(c)
	groups, err := pick("security-group", in.GroupId, mine(&v.w.SecurityGroups, c))
	if err != nil {
		return nil, err
	}
	type reference struct {
		group   world.SecurityGroupID
		vpc     world.VPCID
		peering world.PeeringID
	}
	var found []reference
	for r := range v.w.SecurityGroupRules.All() {
		if r.Peering == "" || !slices.ContainsFunc(groups, func(g world.SecurityGroup) bool { return g.ID == r.PeerGroup }) {
			continue
		}
		from, _ := v.w.SecurityGroups.Get(r.Group)
		if f := (reference{r.PeerGroup, from.VPC, r.Peering}); !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return &ec2api.DescribeSecurityGroupReferencesOutput{SecurityGroupReferenceSet: each(found, func(f reference) ec2api.SecurityGroupReference {
		return ec2api.SecurityGroupReference{
			GroupId: new(string(f.group)), ReferencingVpcId: new(string(f.vpc)), VpcPeeringConnectionId: new(string(f.peering)),
		}
	})}, dryRun(in.DryRun)
}

// groupsOf are the groups that interfaces of a VPC can carry, by id.
func (v *view) groupsOf(p world.VPCID) []world.SecurityGroup {
	out := slices.Collect(v.w.SecurityGroups.In(string(p)))
	for a := range v.w.GroupAssociations.In(string(p)) {
		if g, ok := v.w.SecurityGroups.Get(a.Group); ok && !a.Deleting {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b world.SecurityGroup) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// GetSecurityGroupsForVpc lists the caller's groups that interfaces of a VPC can carry.
func (s *Service) GetSecurityGroupsForVpc(_ context.Context, c world.Caller, in *ec2api.GetSecurityGroupsForVpcInput) (*ec2api.GetSecurityGroupsForVpcOutput, error) {
	v := s.look(c)
	p, err := find(&v.w.VPCs, c, "vpc", in.VpcId)
	if err != nil {
		return nil, err
	}
	type group = world.SecurityGroup
	filters := listing.Filters[group]{
		Tags: ownTags(func(g group) world.Meta { return g.Meta }),
		Fields: map[string]func(group) []string{
			"group-id":       one(func(g group) world.SecurityGroupID { return g.ID }),
			"description":    one(func(g group) string { return g.Description }),
			"group-name":     one(func(g group) string { return g.Name }),
			"owner-id":       one(func(g group) world.AccountID { return g.Account }),
			"primary-vpc-id": one(func(g group) world.VPCID { return g.VPC }),
		},
	}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun},
		v.groupsOf(p.ID), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.GetSecurityGroupsForVpcOutput{NextToken: next, SecurityGroupForVpcs: each(page, func(g group) ec2api.SecurityGroupForVpc {
		return ec2api.SecurityGroupForVpc{
			GroupId: new(string(g.ID)), GroupName: new(g.Name), Description: new(g.Description), OwnerId: new(string(g.Account)),
			PrimaryVpcId: new(string(g.VPC)), Tags: allTags(g.Meta),
		}
	})}, nil
}
