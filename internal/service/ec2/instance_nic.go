package ec2

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

func itoa(n int) string { return strconv.Itoa(n) }

// nic is an interface an instance is to be launched with: a new one, or one there is.
type nic struct {
	existing    string // ENI id
	device      int
	subnetID    string
	groupIDs    []string
	groupNames  []string
	addrs       []netip.Addr // asked for; the first is the primary one
	secondary   int          // addresses to choose beside the primary one
	prefixes    []netip.Prefix
	prefixCount int // /28 prefixes to choose
	description string
	keep        bool  // stays when the instance is terminated
	public      *bool // AssociatePublicIpAddress

	subnet   world.Subnet // of place
	groups   []world.SecurityGroupID
	reserved []world.SubnetReservation // of the subnet
}

// slots is how many addresses and prefixes the interface has.
func (n nic) slots() int { return max(1, len(n.addrs)) + n.secondary + len(n.prefixes) + n.prefixCount }

// checkSlots refuses more addresses and prefixes than interfaces of a type of instances have. (Amazon EC2 User Guide, "IP
// addresses per network interface".)
func checkSlots(slots int, t instanceType) error {
	if slots > t.addrs {
		return awserr.EC2Code("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")
	}
	return nil
}

// readNICs reads the interfaces of a request: the list of interfaces, or the members for a single one.
func readNICs(in *ec2api.RunInstancesInput) ([]nic, error) {
	if set(in.SubnetId) && len(in.SecurityGroups) > 0 {
		return nil, awserr.EC2Combination("The parameter groupName cannot be used with the parameter subnet")
	}
	if len(in.NetworkInterfaces) == 0 {
		n := nic{subnetID: val(in.SubnetId), groupIDs: in.SecurityGroupIds, groupNames: in.SecurityGroups}
		if a := val(in.PrivateIpAddress); a != "" {
			if val(in.MaxCount) > 1 {
				return nil, awserr.EC2Combination("Private IP address may only be specified for a single instance")
			}
			addr, err := parseAddr(a)
			if err != nil {
				return nil, err
			}
			n.addrs = []netip.Addr{addr}
		}
		return []nic{n}, nil
	}
	switch {
	case val(in.SubnetId) != "":
		return nil, awserr.EC2Combination("Network interfaces and an instance-level subnet ID may not be specified on the same request")
	case len(in.SecurityGroupIds) > 0 || len(in.SecurityGroups) > 0:
		return nil, awserr.EC2Combination("Network interfaces and an instance-level security groups may not be specified on the same request")
	case val(in.PrivateIpAddress) != "":
		return nil, awserr.EC2Combination("Network interfaces and an instance-level private IP address may not be specified on the same request")
	}
	var out []nic
	for _, x := range in.NetworkInterfaces {
		n, err := readNIC(x)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o nic) bool { return o.device == n.device }) {
			return nil, awserr.EC2Code("InvalidParameterValue", "Each network interface requires a unique device index.")
		}
		if (n.existing != "" || len(n.addrs) > 0) && val(in.MaxCount) > 1 {
			return nil, awserr.EC2Combination("Network interface IDs and addresses may only be specified for a single instance")
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b nic) int { return a.device - b.device })
	if out[0].device != 0 {
		return nil, awserr.EC2InvalidValue("When specifying network interfaces, you must include a device at index 0.")
	}
	return out, refusePublic(out)
}

func readNIC(x ec2api.InstanceNetworkInterfaceSpecification) (nic, error) {
	n := nic{
		existing: val(x.NetworkInterfaceId), device: int(val(x.DeviceIndex)), subnetID: val(x.SubnetId), groupIDs: x.Groups,
		secondary: int(val(x.SecondaryPrivateIpAddressCount)), prefixCount: int(val(x.Ipv4PrefixCount)), description: val(x.Description),
		keep: x.DeleteOnTermination != nil && !*x.DeleteOnTermination, public: x.AssociatePublicIpAddress,
	}
	switch {
	case x.DeviceIndex == nil || n.device < 0:
		return n, awserr.EC2Code("InvalidParameterValue", "Each network interface requires a device index.")
	case n.device > maxDevice:
		return n, wrongDevice(n.device)
	case val(x.AssociateCarrierIpAddress):
		return n, unsupported("Carrier addresses are not built: associateCarrierIpAddress cannot be true.")
	case len(x.Ipv6Addresses) > 0, val(x.Ipv6AddressCount) != 0, len(x.Ipv6Prefixes) > 0, val(x.Ipv6PrefixCount) != 0, val(x.PrimaryIpv6):
		return n, unsupported("IPv6 is not built.")
	case val(x.InterfaceType) != "" && *x.InterfaceType != "interface", val(x.NetworkCardIndex) != 0, x.EnaSrdSpecification != nil,
		x.ConnectionTrackingSpecification != nil, x.EnaQueueCount != nil:
		return n, unsupported("Interfaces of types beside interface, network cards and ENA settings are not built.")
	case n.secondary < 0 || n.secondary > maxAddrs, n.prefixCount < 0 || n.prefixCount > maxAddrs:
		return n, awserr.EC2Code("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")
	}
	return n, n.readAddresses(x)
}

// maxAddrs bounds the addresses and prefixes of an interface for every type of instance.
const maxAddrs = 50

func (n *nic) readAddresses(x ec2api.InstanceNetworkInterfaceSpecification) error {
	var rest []netip.Addr
	for _, p := range x.PrivateIpAddresses {
		a, err := parseAddr(val(p.PrivateIpAddress))
		if err != nil {
			return err
		}
		switch {
		case !val(p.Primary):
			rest = append(rest, a)
		case len(n.addrs) > 0:
			return awserr.EC2InvalidValue("Only one primary private IP address can be specified.")
		default:
			n.addrs = append(n.addrs, a)
		}
	}
	if s := val(x.PrivateIpAddress); s != "" {
		a, err := parseAddr(s)
		if err != nil {
			return err
		}
		if len(n.addrs) > 0 && n.addrs[0] != a {
			return awserr.EC2InvalidValue("Only one primary private IP address can be specified.")
		}
		n.addrs = []netip.Addr{a}
	}
	if len(rest) > 0 && len(n.addrs) == 0 {
		return awserr.EC2InvalidValue("A primary private IP address must be specified.")
	}
	n.addrs = append(n.addrs, rest...)
	for _, p := range x.Ipv4Prefixes {
		prefix, err := parseCIDR("ipv4Prefix", val(p.Ipv4Prefix))
		if err != nil || prefix.Bits() != 28 {
			return awserr.EC2InvalidParameter("ipv4Prefix", val(p.Ipv4Prefix), "Prefixes have a length of 28.")
		}
		n.prefixes = append(n.prefixes, prefix)
	}
	switch {
	case len(rest) > 0 && n.secondary > 0:
		return awserr.EC2Combination("Secondary private IP addresses and their count may not be specified on the same request")
	case len(n.prefixes) > 0 && n.prefixCount > 0:
		return awserr.EC2Combination("IPv4 prefixes and their count may not be specified on the same request")
	case n.slots() > maxAddrs:
		return awserr.EC2Code("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")
	}
	return nil
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return a, awserr.EC2InvalidParameter("privateIpAddress", s, "Invalid IPv4 address.")
	}
	return a, nil
}

// place finds the subnets and groups of the interfaces and says how many instances there is room for.
func (l *launch) place(tx *world.Tx) (int, error) {
	if len(l.nics) > l.kind.enis {
		return 0, awserr.EC2Limit("AttachmentLimitExceeded", "Interface count "+itoa(len(l.nics))+" exceeds the limit for "+l.kind.name)
	}
	perSubnet := map[string]int{}
	for i := range l.nics {
		n := &l.nics[i]
		if err := l.find(tx, n); err != nil {
			return 0, err
		}
		if n.subnet.VPC != l.nics[0].subnet.VPC {
			return 0, awserr.EC2Combination("All network interfaces of an instance must be in the same VPC")
		}
		if n.subnet.Zone != l.nics[0].subnet.Zone {
			return 0, awserr.EC2Combination("All network interfaces of an instance must be in the same availability zone")
		}
		if err := checkSlots(n.slots(), l.kind); err != nil {
			return 0, err
		}
		if n.existing == "" {
			perSubnet[string(n.subnet.ID)] += max(1, len(n.addrs)) + n.secondary + 16*(len(n.prefixes)+n.prefixCount)
		}
	}
	l.subnet = l.nics[0].subnet
	if p := l.in.Placement; p != nil && set(p.AvailabilityZoneId) && *p.AvailabilityZoneId != world.ZoneID(l.c.Region, l.subnet.Zone) {
		return 0, awserr.EC2Combination("The availability zone " + *p.AvailabilityZoneId + " is not that of subnet " + string(l.subnet.ID))
	}
	if p := l.in.Placement; p != nil && val(p.AvailabilityZone) != "" && *p.AvailabilityZone != l.subnet.Zone {
		return 0, awserr.EC2Combination("The availability zone " + *p.AvailabilityZone + " is not that of subnet " + string(l.subnet.ID))
	}
	count := l.most
	for _, id := range sortedKeys(perSubnet) {
		n, _ := tx.Subnets.Get(world.SubnetID(id))
		if count = min(count, tx.FreeAddresses(n)/perSubnet[id]); count < l.least {
			return 0, awserr.EC2NoAddresses(id)
		}
	}
	return count, nil
}

// find resolves what an interface names.
func (l *launch) find(tx *world.Tx, n *nic) error {
	var err error
	if n.existing != "" {
		e, err := find(&tx.ENIs, l.c, "network-interface", &n.existing)
		if err != nil {
			return err
		}
		if attached(e) {
			return eniInUse(e)
		}
		n.subnet, _ = tx.Subnets.Get(e.Subnet)
		return checkSlots(slotsOf(e), l.kind)
	}
	if n.subnetID == "" {
		if n.subnetID, err = l.usualSubnet(tx); err != nil {
			return err
		}
	}
	if n.subnet, err = find(&tx.Subnets, l.c, "subnet", &n.subnetID); err != nil {
		return err
	}
	ids := n.groupIDs
	for _, name := range n.groupNames {
		g, ok := groupNamed(&tx.World, n.subnet.VPC, name)
		if !ok {
			return awserr.EC2NotFound("security-group", name)
		}
		ids = append(slices.Clone(ids), string(g.ID))
	}
	n.groups, err = groupsFor(&tx.World, l.c, n.subnet, ids)
	return err
}

// usualSubnet is the default subnet of the zone asked for, of any zone when none was.
func (l *launch) usualSubnet(tx *world.Tx) (string, error) {
	p, ok := defaultVPC(&tx.World, l.c)
	if !ok {
		return "", awserr.EC2Code("VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.")
	}
	zone := ""
	if w := l.in.Placement; w != nil && (set(w.AvailabilityZone) || set(w.AvailabilityZoneId)) {
		var err error
		if zone, err = chooseZone(l.c.Region, w.AvailabilityZone, w.AvailabilityZoneId); err != nil {
			return "", err
		}
	}
	n, ok := defaultSubnet(&tx.World, l.c, zone)
	if !ok {
		return "", awserr.EC2Code("MissingInput", "No subnets found for the default VPC '%s'. Please specify a subnet.", p.ID)
	}
	return string(n.ID), nil
}

func groupNamed(w *world.World, v world.VPCID, name string) (world.SecurityGroup, bool) {
	for g := range w.SecurityGroups.In(string(v)) {
		if g.Name == name {
			return g, true
		}
	}
	return world.SecurityGroup{}, false
}

// plug makes an interface of an instance, or attaches the one there is.
func (l *launch) plug(tx *world.Tx, i world.Instance, n nic) error {
	a := world.Attachment{
		ID: tx.NewID("eni-attach"), Instance: i.ID, DeviceIndex: n.device, DeleteOnTermination: n.existing == "" && !n.keep, Time: tx.Now, Rev: tx.Rev,
	}
	if n.existing != "" {
		e, _ := tx.ENIs.Get(world.ENIID(n.existing))
		e.Attachment = a
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
		return nil
	}
	e, err := n.make(tx, l.c, l.usedIn(tx, n.subnet.ID))
	if err != nil {
		return err
	}
	e.Attachment, e.Tags = a, world.SortTags(l.tags["network-interface"])
	l.givePublic(&e)
	tx.ENIs.Put(e)
	return nil
}

// make makes the interface, which the caller puts; used are the addresses of its subnet that are given out.
func (n nic) make(tx *world.Tx, c world.Caller, used map[netip.Addr]bool) (world.ENI, error) {
	n.reserved = slices.Collect(tx.SubnetReservations.In(string(n.subnet.ID)))
	prefixes, err := choosePrefixes(n, used)
	if err != nil {
		return world.ENI{}, err
	}
	addrs, err := chooseAddrs(n, used)
	if err != nil {
		return world.ENI{}, err
	}
	e := tx.NewENI(c, n.subnet, addrs, n.groups)
	e.Prefixes, e.Description = prefixes, n.description
	return e, nil
}

// usedIn are the addresses of a subnet that are given out; those this launch chooses are added to it.
func (l *launch) usedIn(tx *world.Tx, id world.SubnetID) map[netip.Addr]bool {
	if l.used[id] == nil {
		if l.used == nil {
			l.used = map[world.SubnetID]map[netip.Addr]bool{}
		}
		l.used[id] = tx.UsedAddresses(id)
	}
	return l.used[id]
}

// choosePrefixes are the /28 prefixes of a new interface: those asked for, and the highest free ones. Their addresses
// are used from then on.
func choosePrefixes(n nic, used map[netip.Addr]bool) ([]netip.Prefix, error) {
	out := slices.Clone(n.prefixes)
	for i, p := range out {
		if !covers(n.subnet.CIDR, p) {
			return nil, awserr.EC2InvalidValue("Prefix does not fall within the subnet's address range")
		}
		if !world.PrefixFree(n.subnet, p, used) || slices.Contains(out[:i], p) {
			return nil, awserr.EC2Code("InvalidIPAddress.InUse", "Prefix %s is in use.", p)
		}
	}
	for p := range n.blocks() {
		if len(out) == len(n.prefixes)+n.prefixCount {
			break
		}
		if world.PrefixFree(n.subnet, p, used) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) < len(n.prefixes)+n.prefixCount {
		return nil, awserr.EC2Code("InsufficientCidrBlocks", "There are not enough free cidr blocks in subnet '%s' to satisfy the request.", n.subnet.ID)
	}
	for _, p := range out {
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			used[a] = true
		}
	}
	return out, nil
}

// blocks are the /28 blocks of the subnet that may be chosen: those reserved for prefixes, then those nothing is reserved
// of.
func (n nic) blocks() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for _, r := range n.reserved {
			if r.Explicit {
				continue
			}
			for p := range world.Blocks(r.CIDR, 28) {
				if !yield(p) {
					return
				}
			}
		}
		for p := range world.Blocks(n.subnet.CIDR, 28) {
			if !n.keeps(p) && !yield(p) {
				return
			}
		}
	}
}

// keeps tells whether something of p is reserved.
func (n nic) keeps(p netip.Prefix) bool {
	return slices.ContainsFunc(n.reserved, func(r world.SubnetReservation) bool { return r.CIDR.Overlaps(p) })
}

// chooseAddrs are the private addresses of a new interface: those asked for, and the lowest free ones. They are used
// from then on.
func chooseAddrs(n nic, used map[netip.Addr]bool) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range n.addrs {
		switch {
		case !n.subnet.CIDR.Contains(a):
			return nil, awserr.EC2InvalidValue("Address does not fall within the subnet's address range")
		case n.subnet.Reserved(a):
			return nil, awserr.EC2InvalidValue("Address " + a.String() + " is in subnet's reserved address range")
		case used[a]:
			return nil, awserr.EC2Code("InvalidIPAddress.InUse", "Address %s is in use.", a)
		}
		used[a] = true
		out = append(out, a)
	}
	want := max(1, len(n.addrs)) + n.secondary
	for a := n.subnet.CIDR.Addr(); len(out) < want && n.subnet.CIDR.Contains(a); a = a.Next() {
		if !n.subnet.Reserved(a) && !used[a] && !n.keeps(netip.PrefixFrom(a, a.BitLen())) {
			used[a] = true
			out = append(out, a)
		}
	}
	if len(out) < want {
		return nil, awserr.EC2NoAddresses(string(n.subnet.ID))
	}
	return out, nil
}
