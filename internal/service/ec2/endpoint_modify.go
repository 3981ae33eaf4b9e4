package ec2

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// endpointChange is a request to change a VPC endpoint, in its transaction.
type endpointChange struct {
	in *ec2api.ModifyVpcEndpointInput
	tx *world.Tx
	c  world.Caller
}

// ModifyVpcEndpoint changes a VPC endpoint.
func (s *Service) ModifyVpcEndpoint(ctx context.Context, c world.Caller, in *ec2api.ModifyVpcEndpointInput) (*ec2api.ModifyVpcEndpointOutput, error) {
	if err := checkPolicy(in.PolicyDocument); err != nil {
		return nil, err
	}
	if val(in.ResetPolicy) && set(in.PolicyDocument) {
		return nil, awserr.EC2Combination("PolicyDocument and ResetPolicy cannot be specified together.")
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		e, err := find(&tx.Endpoints, c, "vpc-endpoint", in.VpcEndpointId)
		if err != nil {
			return err
		}
		if !e.Works() {
			return awserr.EC2Code("IncorrectState", "The VPC endpoint %s is not in a state in which it can be modified.", e.ID)
		}
		kind, ok := endpointKinds()[e.Type]
		if !ok {
			return unsupported("VPC endpoints of type " + e.Type + " are not built.")
		}
		if err := kind.modify(&endpointChange{in: in, tx: tx, c: c}, &e); err != nil {
			return err
		}
		tx.Touch(&e.Meta)
		tx.Endpoints.Put(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ModifyVpcEndpointOutput{Return: new(true)}, nil
}

// checkPolicy looks at a policy document: one JSON object with statements.
func checkPolicy(doc *string) error {
	if doc == nil || *doc == "" {
		return nil
	}
	var p struct{ Statement json.RawMessage }
	if len(*doc) > maxEndpointPolicy || json.Unmarshal([]byte(*doc), &p) != nil || len(p.Statement) == 0 {
		return awserr.EC2Code("InvalidPolicyDocument", "The policy document is not valid. It must be a JSON document of at most 20480 characters with a Statement.")
	}
	return nil
}

// policy is the policy as it becomes.
func (q *endpointChange) policy(e *world.Endpoint) {
	switch {
	case val(q.in.ResetPolicy):
		e.Policy = ""
	case set(q.in.PolicyDocument):
		e.Policy = *q.in.PolicyDocument
	}
}

// groups changes the groups of an endpoint, and those of its interfaces.
func (q *endpointChange) groups(e *world.Endpoint) error {
	if len(q.in.AddSecurityGroupIds)+len(q.in.RemoveSecurityGroupIds) == 0 {
		return nil
	}
	ids := each(e.Groups, func(g world.SecurityGroupID) string { return string(g) })
	for _, id := range q.in.RemoveSecurityGroupIds {
		if err := awserr.EC2CheckID("security-group", id); err != nil {
			return err
		}
		if !slices.Contains(ids, id) {
			return awserr.EC2Code("InvalidParameter", "The security group %s is not associated with the VPC endpoint %s.", id, e.ID)
		}
	}
	ids = slices.DeleteFunc(append(ids, q.in.AddSecurityGroupIds...), func(id string) bool {
		return slices.Contains(q.in.RemoveSecurityGroupIds, id) && !slices.Contains(q.in.AddSecurityGroupIds, id)
	})
	if len(ids) == 0 {
		return awserr.EC2Code("InvalidParameter", "The VPC endpoint %s must have at least one security group.", e.ID)
	}
	groups, err := groupsFor(&q.tx.World, q.c, world.Subnet{VPC: e.VPC}, ids)
	if err != nil {
		return err
	}
	e.Groups = groups
	for _, n := range q.tx.ENIsOfEndpoint(e.ID) {
		n.Groups = groups
		q.tx.Touch(&n.Meta)
		q.tx.ENIs.Put(n)
	}
	return nil
}

// modifyInterface changes an interface endpoint.
func modifyInterface(q *endpointChange, e *world.Endpoint) error {
	in := q.in
	err := cmp.Or(
		notThere("RouteTableIds", len(in.AddRouteTableIds)+len(in.RemoveRouteTableIds) > 0, "Interface"),
		checkAddressType(in.IpAddressType), checkDNSOptions(in.DnsOptions),
	)
	if err != nil {
		return err
	}
	if e.Provider != "" {
		if err := notOwn(val(in.PrivateDnsEnabled), set(in.PolicyDocument), e.Service); err != nil {
			return err
		}
	}
	q.policy(e)
	e.DNSOptions = dnsOptions(in.DnsOptions, e.DNSOptions)
	if err := inboundOnly(q.tx, *e); err != nil {
		return err
	}
	if in.PrivateDnsEnabled != nil && *in.PrivateDnsEnabled != e.PrivateDNS {
		e.PrivateDNS = *in.PrivateDnsEnabled
		if err := privateNamesFree(q.tx, *e); err != nil {
			return err
		}
	}
	if err := q.groups(e); err != nil {
		return err
	}
	if err := q.leaveSubnets(e, in.RemoveSubnetIds); err != nil {
		return err
	}
	return addSubnets(q.tx, q.c, e, in.AddSubnetIds, in.SubnetConfigurations)
}

// leaveSubnets removes an endpoint's interfaces in some of its subnets.
func (q *endpointChange) leaveSubnets(e *world.Endpoint, ids []string) error {
	for _, id := range ids {
		if err := awserr.EC2CheckID("subnet", id); err != nil {
			return err
		}
		if !slices.Contains(e.Subnets, world.SubnetID(id)) {
			return awserr.EC2NotFound("subnet", id)
		}
	}
	left := func(s world.SubnetID) bool { return slices.Contains(ids, string(s)) }
	e.Subnets = slices.DeleteFunc(slices.Clone(e.Subnets), left)
	for _, n := range q.tx.ENIsOfEndpoint(e.ID) {
		if left(n.Subnet) {
			deleteENI(q.tx, n)
		}
	}
	return nil
}
