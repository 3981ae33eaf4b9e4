package ec2

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// amazonPool is the pool that AWS gives public addresses from.
const amazonPool = "amazon"

// AllocateAddress gives the account a public address for as long as it keeps it.
func (s *Service) AllocateAddress(ctx context.Context, c world.Caller, in *ec2api.AllocateAddressInput) (*ec2api.AllocateAddressOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "elastic-ip")
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(
		oneOf("domain", in.Domain, "vpc"), oneOf("networkBorderGroup", in.NetworkBorderGroup, c.Region), oneOf("publicIpv4Pool", in.PublicIpv4Pool, amazonPool),
		notBuilt("Addresses of one's own choice, and those of IPAM and Outposts pools, are", set(in.Address), set(in.IpamPoolId), set(in.CustomerOwnedIpv4Pool)),
	); err != nil {
		return nil, err
	}
	var a world.Address
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		if atLimit(&tx.Addresses, c, maxAddresses) {
			return awserr.EC2Limit("AddressLimitExceeded", "The maximum number of addresses has been reached.")
		}
		public, err := tx.AllocatePublicAddress()
		if err != nil {
			return noPublicAddress()
		}
		a = world.Address{ID: world.AllocationID(tx.NewID("eipalloc")), Meta: tx.NewMeta(c, given), Public: public}
		tx.Addresses.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AllocateAddressOutput{
		AllocationId: new(string(a.ID)), PublicIp: new(a.Public.String()), Domain: new("vpc"), NetworkBorderGroup: new(a.Region), PublicIpv4Pool: new(amazonPool),
	}, nil
}

func noPublicAddress() error {
	return awserr.EC2Code("InsufficientAddressCapacity", "Not enough available addresses to satisfy your request.")
}

// findAddress finds an address by its allocation or by itself.
func findAddress(tx *world.Tx, c world.Caller, id, public *string) (world.Address, error) {
	switch {
	case set(id) && set(public):
		return world.Address{}, awserr.EC2Combination("You may specify public IP or allocation id, but not both in the same call")
	case set(id):
		return find(&tx.Addresses, c, "address", id)
	case !set(public):
		return world.Address{}, awserr.EC2Code("MissingParameter", "Either public IP or allocation id must be specified")
	}
	for _, a := range mine(&tx.Addresses, c) {
		if a.Public.String() == *public {
			return a, nil
		}
	}
	return world.Address{}, noAddress(*public)
}

func noAddress(public ...string) error {
	return awserr.EC2Code("InvalidAddress.NotFound", "Address '%s' not found.", strings.Join(public, ", "))
}

// managed refuses to change an address that a NAT gateway uses.
func managed(tx *world.Tx, a world.Address) error {
	if e, _ := tx.ENIs.Get(a.ENI); e.RequesterManaged {
		return awserr.New("AuthFailure", http.StatusUnauthorized, "You do not have permission to access the specified resource.")
	}
	return nil
}

// ReleaseAddress gives an address back that is not associated and has no reverse name.
func (s *Service) ReleaseAddress(ctx context.Context, c world.Caller, in *ec2api.ReleaseAddressInput) (*ec2api.ReleaseAddressOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		a, err := findAddress(tx, c, in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		if g := val(in.NetworkBorderGroup); g != "" && g != a.Region {
			return awserr.EC2NotFound("address", string(a.ID))
		}
		if err := managed(tx, a); err != nil {
			return err
		}
		switch {
		case a.Association != "":
			return awserr.EC2Code("InvalidIPAddress.InUse", "Address %s is in use.", a.Public)
		case a.Reverse.Name != "":
			return awserr.EC2Code("InvalidAddress.PtrSet", "The address with allocation id %s cannot be released because it has a reverse DNS record.", a.ID)
		}
		tx.Addresses.Delete(a.ID)
		return nil
	})
	return &ec2api.ReleaseAddressOutput{}, err
}

// AssociateAddress makes an address stand for a private address of an interface. It takes the place of another one, and
// of one given at launch.
func (s *Service) AssociateAddress(ctx context.Context, c world.Caller, in *ec2api.AssociateAddressInput) (*ec2api.AssociateAddressOutput, error) {
	var a world.Address
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if a, err = findAddress(tx, c, in.AllocationId, in.PublicIp); err != nil {
			return err
		}
		e, private, err := addressTarget(tx, c, in)
		if err != nil {
			return err
		}
		if err := managed(tx, a); err != nil {
			return err
		}
		if a.ENI == e.ID && a.Private == private {
			return nil // it is already
		}
		if a.Association != "" && !val(in.AllowReassociation) {
			return awserr.EC2Code("Resource.AlreadyAssociated", "resource %s is already associated with associate-id %s", a.ID, a.Association)
		}
		if _, ok := tx.GatewayOfVPC(e.VPC); !ok {
			return awserr.EC2Code("Gateway.NotAttached", "Network %s is not attached to any internet gateway", e.VPC)
		}
		a = associate(tx, a, e, private)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AssociateAddressOutput{AssociationId: new(a.Association)}, nil
}

// addressTarget is the interface and its private address that a public one is to stand for.
func addressTarget(tx *world.Tx, c world.Caller, in *ec2api.AssociateAddressInput) (world.ENI, netip.Addr, error) {
	e, err := addressENI(tx, c, in)
	if err != nil {
		return e, netip.Addr{}, err
	}
	private := e.Addr()
	if set(in.PrivateIpAddress) {
		if private, err = parseAddr(*in.PrivateIpAddress); err != nil {
			return e, private, err
		}
		if !slices.Contains(e.Addrs, private) {
			return e, private, awserr.EC2InvalidParameter("PrivateIpAddress", private.String(), "It is not assigned to the interface "+string(e.ID)+".")
		}
	}
	return e, private, nil
}

func addressENI(tx *world.Tx, c world.Caller, in *ec2api.AssociateAddressInput) (world.ENI, error) {
	switch {
	case set(in.InstanceId) && set(in.NetworkInterfaceId):
		return world.ENI{}, awserr.EC2Combination("You may specify either an instance or a network interface, but not both")
	case set(in.NetworkInterfaceId):
		return permittedENI(tx, c, in.NetworkInterfaceId, world.EIPAssociate)
	case !set(in.InstanceId):
		return world.ENI{}, awserr.EC2Code("MissingParameter", "Either instance ID or network interface ID must be specified")
	}
	i, err := find(&tx.Instances, c, "instance", in.InstanceId)
	if err != nil {
		return world.ENI{}, err
	}
	enis := tx.ENIsOf(i.ID)
	switch {
	case i.Power == world.Terminated || len(enis) == 0:
		return world.ENI{}, awserr.EC2IncorrectState("The instance '" + string(i.ID) + "' is not in a valid state for this operation.")
	case len(enis) > 1:
		return world.ENI{}, awserr.EC2Code("InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. Please specify an interface "+
			"ID for the operation instead.", i.ID)
	}
	return enis[0], nil
}

// associate ties an address to a private one.
func associate(tx *world.Tx, a world.Address, e world.ENI, private netip.Addr) world.Address {
	if old, ok := tx.AddressOf(e, private); ok {
		disassociate(tx, old)
	}
	if e.Public.IsValid() && private == e.Addr() {
		e.Public = netip.Addr{}
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
	}
	a.Association, a.ENI, a.Private, a.VPC = tx.NewID("eipassoc"), e.ID, private, e.VPC
	tx.Touch(&a.Meta)
	tx.Addresses.Put(a)
	return a
}

// disassociate makes an address stand for nothing.
func disassociate(tx *world.Tx, a world.Address) {
	a.Association, a.ENI, a.Private, a.VPC = "", "", netip.Addr{}, ""
	tx.Touch(&a.Meta)
	tx.Addresses.Put(a)
}

// freeAddresses disassociates the elastic addresses of an interface that drop is true for.
func freeAddresses(tx *world.Tx, e world.ENI, drop func(world.Address) bool) {
	for _, a := range slices.Collect(tx.Addresses.In(string(e.VPC))) {
		if a.ENI == e.ID && drop(a) {
			disassociate(tx, a)
		}
	}
}

// deleteENI removes an interface; elastic addresses it has stay with their account.
func deleteENI(tx *world.Tx, e world.ENI) {
	for _, p := range slices.Collect(tx.ENIPermissions.In(string(e.ID))) {
		tx.ENIPermissions.Delete(p.ID)
	}
	freeAddresses(tx, e, func(world.Address) bool { return true })
	tx.ENIs.Delete(e.ID)
}

// DisassociateAddress makes an address stand for nothing.
func (s *Service) DisassociateAddress(ctx context.Context, c world.Caller, in *ec2api.DisassociateAddressInput) (*ec2api.DisassociateAddressOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		a, err := findAssociated(tx, c, in)
		if err != nil {
			return err
		}
		if err := managed(tx, a); err != nil {
			return err
		}
		disassociate(tx, a)
		return nil
	})
	return &ec2api.DisassociateAddressOutput{}, err
}

func findAssociated(tx *world.Tx, c world.Caller, in *ec2api.DisassociateAddressInput) (world.Address, error) {
	if !set(in.AssociationId) {
		a, err := findAddress(tx, c, nil, in.PublicIp)
		if err == nil && a.Association == "" {
			err = awserr.EC2Code("InvalidAssociationID.NotFound", "Address '%s' is not associated.", a.Public)
		}
		return a, err
	}
	if set(in.PublicIp) {
		return world.Address{}, awserr.EC2Combination("You may specify public IP or association id, but not both in the same call")
	}
	if err := awserr.EC2CheckID("address-association", *in.AssociationId); err != nil {
		return world.Address{}, err
	}
	for _, a := range mine(&tx.Addresses, c) {
		if a.Association == *in.AssociationId {
			return a, nil
		}
	}
	return world.Address{}, awserr.EC2NotFound("address-association", *in.AssociationId)
}

// address describes an elastic address.
func (v *view) address(a world.Address) ec2api.Address {
	out := ec2api.Address{
		AllocationId: new(string(a.ID)), PublicIp: new(a.Public.String()), Domain: new("vpc"), NetworkBorderGroup: new(a.Region),
		PublicIpv4Pool: new(amazonPool), Tags: tags(a.Meta),
	}
	if a.Association == "" {
		return out
	}
	e, _ := v.w.ENIs.Get(a.ENI)
	out.AssociationId, out.NetworkInterfaceId, out.PrivateIpAddress = new(a.Association), new(string(a.ENI)), new(a.Private.String())
	out.NetworkInterfaceOwnerId = new(string(e.Account))
	if i := e.Attachment.Instance; i != "" {
		out.InstanceId = new(string(i))
	}
	return out
}

// DescribeAddresses lists the caller's elastic addresses.
func (s *Service) DescribeAddresses(_ context.Context, c world.Caller, in *ec2api.DescribeAddressesInput) (*ec2api.DescribeAddressesOutput, error) {
	v := s.look(c)
	rows := mine(&v.w.Addresses, c)
	if len(in.PublicIps) > 0 {
		var err error
		if rows, err = addressesNamed(rows, in.PublicIps); err != nil {
			return nil, err
		}
	}
	text := func(f func(ec2api.Address) *string) func(world.Address) []string {
		return func(a world.Address) []string { return some(f(v.address(a))) }
	}
	filters := listing.Filters[world.Address]{
		Tags: ownTags(func(a world.Address) world.Meta { return a.Meta }),
		Fields: map[string]func(world.Address) []string{
			"allocation-id":              text(func(a ec2api.Address) *string { return a.AllocationId }),
			"association-id":             text(func(a ec2api.Address) *string { return a.AssociationId }),
			"domain":                     text(func(a ec2api.Address) *string { return a.Domain }),
			"instance-id":                text(func(a ec2api.Address) *string { return a.InstanceId }),
			"network-border-group":       text(func(a ec2api.Address) *string { return a.NetworkBorderGroup }),
			"network-interface-id":       text(func(a ec2api.Address) *string { return a.NetworkInterfaceId }),
			"network-interface-owner-id": text(func(a ec2api.Address) *string { return a.NetworkInterfaceOwnerId }),
			"private-ip-address":         text(func(a ec2api.Address) *string { return a.PrivateIpAddress }),
			"public-ip":                  text(func(a ec2api.Address) *string { return a.PublicIp }),
		},
	}
	page, _, err := list(query{noun: "address", ids: in.AllocationIds, filters: in.Filters, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeAddressesOutput{Addresses: each(page, v.address)}, nil
}

// addressesNamed are the rows with the given public addresses, which all must be there.
func addressesNamed(rows []world.Address, public []string) ([]world.Address, error) {
	var out []world.Address
	var missing []string
	for n, p := range public {
		i := slices.IndexFunc(rows, func(a world.Address) bool { return a.Public.String() == p })
		switch {
		case i < 0:
			missing = append(missing, p)
		case !slices.Contains(public[:n], p):
			out = append(out, rows[i])
		}
	}
	if len(missing) > 0 {
		return nil, noAddress(missing...)
	}
	return out, nil
}

// absent is a row of a noun that can be asked for and that nobody has yet.
type absent struct{}

// RowID is no id.
func (absent) RowID() string { return "" }

// absentFilters are the filters of such a noun.
func absentFilters(names ...string) listing.Filters[absent] {
	f := listing.Filters[absent]{Fields: map[string]func(absent) []string{}, Tags: func(absent) []world.Tag { return nil }}
	for _, n := range names {
		f.Fields[n] = never[absent]
	}
	return f
}
