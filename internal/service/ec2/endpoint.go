package ec2

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// endpointKind is what VPC endpoints of one type do in a way of their own.
type endpointKind struct {
	// check looks at a request without the World, and completes it.
	check func(q *endpointRequest) error
	// make completes the endpoint and makes what belongs to it.
	make func(q *endpointRequest, tx *world.Tx, e *world.Endpoint) error
	// modify checks a change and makes it; the endpoint is put afterwards.
	modify func(q *endpointChange, e *world.Endpoint) error
	// describe completes what is said of every endpoint.
	describe func(v *view, e world.Endpoint, out *ec2api.VpcEndpoint)
}

// endpointKinds are the types of VPC endpoints that are built.
func endpointKinds() map[string]endpointKind {
	return map[string]endpointKind{
		world.EndpointInterface:      {checkInterface, makeInterface, modifyInterface, describeInterface},
		world.EndpointServiceNetwork: {checkLattice, makeLattice, modifyLattice, describeLattice},
		world.EndpointResource:       {checkLattice, makeLattice, modifyLattice, describeLattice},
		world.EndpointGateway:        {checkGateway, makeGateway, modifyGateway, describeGateway},
	}
}

// doorScope is the scope that fails when the listeners of services within networks do.
const doorScope = "doors"

// endpointState is the state of a VPC endpoint in EC2's words.
func endpointState(e world.Endpoint, seen store.Seen) string {
	state := "pending"
	switch {
	case e.Failure != "":
		state = "failed"
	case e.Deleting:
		state = "deleting"
	case seen.Ready(e.Rev, string(e.VPC), string(e.ID), doorScope):
		state = "available"
	}
	return state
}

// endpointRequest is a checked request for a VPC endpoint.
type endpointRequest struct {
	in   *ec2api.CreateVpcEndpointInput
	c    world.Caller
	kind endpointKind
	tags []world.Tag
}

// CreateVpcEndpoint makes a VPC endpoint.
func (s *Service) CreateVpcEndpoint(ctx context.Context, c world.Caller, in *ec2api.CreateVpcEndpointInput) (*ec2api.CreateVpcEndpointOutput, error) {
	q, err := checkEndpoint(c, in)
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateVpcEndpoint", in.ClientToken, in}.once(tx, func() (string, error) { return q.make(tx) })
		return err
	})
	if err != nil {
		return nil, err
	}
	e, ok := v.w.Endpoints.Get(world.EndpointID(id))
	if !ok {
		return nil, awserr.EC2NotFound("vpc-endpoint", id) // made with this token before, and deleted since
	}
	return &ec2api.CreateVpcEndpointOutput{VpcEndpoint: new(v.endpoint(e)), ClientToken: in.ClientToken}, nil
}

func checkEndpoint(c world.Caller, in *ec2api.CreateVpcEndpointInput) (*endpointRequest, error) {
	kind := cmp.Or(val(in.VpcEndpointType), world.EndpointGateway)
	q := &endpointRequest{in: in, c: c}
	var ok bool
	if q.kind, ok = endpointKinds()[kind]; !ok {
		if kind == "GatewayLoadBalancer" {
			return nil, unsupported("Gateway Load Balancer endpoints are not built.")
		}
		return nil, awserr.EC2Code("InvalidVpcEndpointType", "The VPC endpoint type '%s' is not valid.", kind)
	}
	err := cmp.Or(need("VpcId", in.VpcId), checkPolicy(in.PolicyDocument), q.kind.check(q))
	if err == nil {
		q.tags, err = oneSpec(in.TagSpecifications, "vpc-endpoint")
	}
	return q, err
}

// make makes the endpoint and returns its id.
func (q *endpointRequest) make(tx *world.Tx) (string, error) {
	p, err := find(&tx.VPCs, q.c, "vpc", q.in.VpcId)
	if err != nil {
		return "", err
	}
	e := world.Endpoint{
		ID: world.EndpointID(tx.NewID("vpce")), Meta: tx.NewMeta(q.c, q.tags), VPC: p.ID, Type: cmp.Or(val(q.in.VpcEndpointType), world.EndpointGateway),
		Label: label(tx), Policy: val(q.in.PolicyDocument),
	}
	if err := endpointRoom(tx, q.c, e); err != nil {
		return "", err
	}
	if err := q.kind.make(q, tx, &e); err != nil {
		return "", err
	}
	tx.Endpoints.Put(e)
	return string(e.ID), nil
}

// label draws the 8 characters that follow the id in an endpoint's names.
func label(tx *world.Tx) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var out strings.Builder
	for _, c := range tx.Hex(8) + tx.Hex(8) {
		if out.Len() < 8 {
			out.WriteByte(letters[(int(c)*7+out.Len()*11)%len(letters)])
		}
	}
	return out.String()
}

// endpointRoom checks the quotas of VPC endpoints.
func endpointRoom(tx *world.Tx, c world.Caller, e world.Endpoint) error {
	n := 0
	for o := range tx.Endpoints.All() {
		same := o.Type == e.Type && o.Works()
		if same && (o.VPC == e.VPC || o.Type == world.EndpointGateway && o.OwnedBy(c)) {
			n++
		}
	}
	most := map[string]int{
		world.EndpointInterface: maxInterfaceEndpoints, world.EndpointGateway: maxGatewayEndpoints,
		world.EndpointResource: maxResourceEndpoints, world.EndpointServiceNetwork: maxNetworkEndpoints,
	}[e.Type]
	if n >= most {
		return awserr.EC2Limit("VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached.")
	}
	return nil
}

// endpoint describes a VPC endpoint.
func (v *view) endpoint(e world.Endpoint) ec2api.VpcEndpoint {
	out := ec2api.VpcEndpoint{
		VpcEndpointId: new(string(e.ID)), VpcEndpointType: new(e.Type), VpcId: new(string(e.VPC)), State: new(endpointState(e, v.seen)),
		CreationTimestamp: new(e.Created), Tags: allTags(e.Meta), OwnerId: new(string(e.Account)), RequesterManaged: new(false),
		PrivateDnsEnabled: new(e.PrivateDNS), RouteTableIds: []string{}, NetworkInterfaceIds: []string{}, DnsEntries: []ec2api.DnsEntry{},
		SubnetIds: each(e.Subnets, func(s world.SubnetID) string { return string(s) }),
		Groups: each(e.Groups, func(id world.SecurityGroupID) ec2api.SecurityGroupIdentifier {
			g, _ := v.w.SecurityGroups.Get(id)
			return ec2api.SecurityGroupIdentifier{GroupId: new(string(id)), GroupName: new(g.Name)}
		}),
	}
	if e.Service != "" {
		out.ServiceName = new(e.Service)
	}
	if e.Failure != "" {
		out.LastError, out.FailureReason = &ec2api.LastError{Code: new(e.Failure), Message: new(e.Message)}, new(e.Message)
	}
	if kind, ok := endpointKinds()[e.Type]; ok {
		kind.describe(v, e, &out)
	}
	return out
}

// managedENIs makes an endpoint's interface in a subnet: a requester-managed one, which nobody else may change. The
// caller puts it.
func endpointENI(tx *world.Tx, c world.Caller, e *world.Endpoint, x nic) (world.ENI, error) {
	n, err := x.make(tx, c, tx.UsedAddresses(x.subnet.ID))
	if err != nil {
		return world.ENI{}, err
	}
	n.Endpoint, n.InterfaceType, n.Description = e.ID, "vpc_endpoint", "VPC Endpoint Interface "+string(e.ID)
	n.Groups, n.RequesterManaged, n.RequesterID = e.Groups, true, endpointRequester
	return n, nil
}

// endpointRequester is who manages the interfaces of VPC endpoints.
const endpointRequester = "727180483921"

// endpointSubnets finds the subnets of an endpoint: in its VPC, and in a zone each.
func endpointSubnets(tx *world.Tx, c world.Caller, vpc world.VPCID, have []world.SubnetID, ids []string) ([]world.Subnet, error) {
	zones := map[string]world.SubnetID{}
	for _, id := range have {
		n, _ := tx.Subnets.Get(id)
		zones[n.Zone] = id
	}
	var out []world.Subnet
	for _, id := range ids {
		n, err := find(&tx.Subnets, c, "subnet", &id)
		if err != nil {
			return nil, err
		}
		if n.VPC != vpc {
			return nil, awserr.EC2Code("InvalidParameter", "The subnet ID '%s' does not belong to VPC %s.", n.ID, vpc)
		}
		if slices.ContainsFunc(out, func(o world.Subnet) bool { return o.ID == n.ID }) || slices.Contains(have, n.ID) {
			continue
		}
		if _, ok := zones[n.Zone]; ok {
			return nil, awserr.EC2Code("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s. "+
				"VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.", n.ID)
		}
		zones[n.Zone] = n.ID
		out = append(out, n)
	}
	return out, nil
}
