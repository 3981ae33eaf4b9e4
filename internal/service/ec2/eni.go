package ec2

import (
	"context"
	"maps"
	"net/netip"
	"strconv"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// eni describes an interface.
func (v *view) eni(e world.ENI) ec2api.NetworkInterface {
	n, _ := v.w.Subnets.Get(e.Subnet)
	out := ec2api.NetworkInterface{
		NetworkInterfaceId: new(string(e.ID)), OwnerId: new(string(e.Account)), VpcId: new(string(e.VPC)), SubnetId: new(string(e.Subnet)),
		AvailabilityZone: new(n.Zone), AvailabilityZoneId: new(world.ZoneID(e.Region, n.Zone)),
		Description: new(e.Description), InterfaceType: new(e.InterfaceType), MacAddress: new(e.MAC),
		Status: new(v.eniStatus(e)), SourceDestCheck: new(e.SourceDestCheck), Attachment: v.attachment(e), Groups: v.groupNames(e.Groups),
		PrivateIpAddress: new(e.Addr().String()), Ipv6Addresses: []ec2api.NetworkInterfaceIpv6Address{},
		Ipv6Prefixes:     []ec2api.Ipv6PrefixSpecification{},
		RequesterManaged: new(e.RequesterManaged), TagSet: allTags(e.Meta), Operator: &ec2api.OperatorResponse{Managed: new(false)},
		PrivateIpAddresses: each(e.Addrs, func(a netip.Addr) ec2api.NetworkInterfacePrivateIpAddress {
			return ec2api.NetworkInterfacePrivateIpAddress{Primary: new(a == e.Addr()), PrivateIpAddress: new(a.String()), PrivateDnsName: v.eniName(e, a),
				Association: v.association(e, a)}
		}),
		PrivateDnsName: v.eniName(e, e.Addr()), Association: v.association(e, e.Addr()),
	}
	if len(e.Prefixes) > 0 {
		out.Ipv4Prefixes = each(e.Prefixes, func(p netip.Prefix) ec2api.Ipv4PrefixSpecification {
			return ec2api.Ipv4PrefixSpecification{Ipv4Prefix: new(p.String())}
		})
	}
	if e.RequesterID != "" {
		out.RequesterId = new(e.RequesterID)
	}
	if e.RequesterManaged {
		out.DenyAllIgwTraffic = new(true)
	}
	return out
}

// eniName is the private DNS name of an address of the interface, in VPCs that give names.
func (v *view) eniName(e world.ENI, a netip.Addr) *string {
	p, _ := v.w.VPCs.Get(e.VPC)
	if !p.DNSHostnames || !p.DNSSupport {
		return nil
	}
	return new(world.PrivateName(a, e.Region))
}

func (v *view) groupNames(ids []world.SecurityGroupID) []ec2api.GroupIdentifier {
	return each(ids, func(id world.SecurityGroupID) ec2api.GroupIdentifier {
		g, _ := v.w.SecurityGroups.Get(id)
		return ec2api.GroupIdentifier{GroupId: new(string(id)), GroupName: new(g.Name)}
	})
}

func (v *view) eniStatus(e world.ENI) string {
	switch {
	case e.Attachment.Instance != "" || e.RequesterManaged:
		return "in-use"
	case v.seen.Ready(e.Rev, string(e.VPC)):
		return "available"
	}
	return "pending"
}

// managedAttachment is the id of the attachment of an interface that a service manages; AWS calls them ela-attach-….
func managedAttachment(e world.ENI) string {
	return "ela-attach-" + strings.TrimPrefix(string(e.ID), "eni-")
}

// managedOwner owns the other end of what AWS services attach.
const managedOwner = "amazon-aws"

func attachmentID(e world.ENI) string {
	if e.RequesterManaged {
		return managedAttachment(e)
	}
	return e.Attachment.ID
}

func (v *view) attachmentOwner(e world.ENI) string {
	if e.RequesterManaged {
		return managedOwner
	}
	i, _ := v.w.Instances.Get(e.Attachment.Instance)
	return string(i.Account)
}

func attachmentIndex(e world.ENI) int {
	if e.RequesterManaged {
		return 1
	}
	return e.Attachment.DeviceIndex
}

func attached(e world.ENI) bool { return e.RequesterManaged || e.Attachment.Instance != "" }

// attachmentStatus is attached once the kernel has the cable: the interface's VPC and the instance or gateway it
// leads to.
func (v *view) attachmentStatus(e world.ENI) string {
	if e.RequesterManaged {
		if v.seen.Ready(e.Rev, string(e.VPC), string(e.Gateway), string(e.NAT), string(e.Endpoint)) {
			return "attached"
		}
		return "attaching"
	}
	i, ok := v.w.Instances.Get(e.Attachment.Instance)
	switch state := state(i, v.seen); {
	case !ok:
		return "detached"
	case state == shuttingDown || e.Attachment.Detaching:
		return "detaching"
	case state == pending || state == running && !v.seen.Ready(e.Attachment.Rev, string(e.VPC), string(i.ID)):
		return "attaching"
	}
	return "attached"
}

func (v *view) attachment(e world.ENI) *ec2api.NetworkInterfaceAttachment {
	if !attached(e) {
		return nil
	}
	out := &ec2api.NetworkInterfaceAttachment{
		AttachmentId: new(attachmentID(e)), DeviceIndex: new(int32(attachmentIndex(e))), NetworkCardIndex: new(int32(0)),
		InstanceOwnerId: new(v.attachmentOwner(e)), Status: new(v.attachmentStatus(e)), DeleteOnTermination: new(e.Attachment.DeleteOnTermination),
	}
	if e.Attachment.Instance != "" {
		out.InstanceId, out.AttachTime = new(string(e.Attachment.Instance)), new(e.Attachment.Time)
	}
	return out
}

// DescribeNetworkInterfaces lists the caller's interfaces, those that services manage among them.
func (s *Service) DescribeNetworkInterfaces(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInterfacesInput) (*ec2api.DescribeNetworkInterfacesOutput, error) {
	v := s.look(c)
	page, next, err := listFrom(query{"network-interface", in.NetworkInterfaceIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		owned(&v.w.ENIs, c), v.eniFilters(), listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNetworkInterfacesOutput{NetworkInterfaces: each(page, v.eni), NextToken: next}, nil
}

func (v *view) eniFilters() listing.Filters[world.ENI] {
	addrs := func(f func(netip.Addr) string) func(world.ENI) []string {
		return func(e world.ENI) []string { return each(e.Addrs, f) }
	}
	when := func(is func(world.ENI) bool, f func(world.ENI) string) func(world.ENI) []string {
		return func(e world.ENI) []string {
			if !is(e) {
				return nil
			}
			return []string{f(e)}
		}
	}
	zone := func(e world.ENI) string { n, _ := v.w.Subnets.Get(e.Subnet); return n.Zone }
	onInstance := func(e world.ENI) bool { return e.Attachment.Instance != "" }
	check := flag(func(e world.ENI) bool { return e.SourceDestCheck })
	f := map[string]func(world.ENI) []string{
		"network-interface-id": one(func(e world.ENI) world.ENIID { return e.ID }),
		"vpc-id":               one(func(e world.ENI) world.VPCID { return e.VPC }),
		"subnet-id":            one(func(e world.ENI) world.SubnetID { return e.Subnet }),
		"owner-id":             one(func(e world.ENI) world.AccountID { return e.Account }),
		"availability-zone":    one(zone),
		"availability-zone-id": one(func(e world.ENI) string { return world.ZoneID(e.Region, zone(e)) }),
		"description":          one(func(e world.ENI) string { return e.Description }),
		"interface-type":       one(func(e world.ENI) string { return e.InterfaceType }),
		"mac-address":          one(func(e world.ENI) string { return e.MAC }),
		"status":               one(v.eniStatus),
		"requester-id":         one(func(e world.ENI) string { return e.RequesterID }),
		"requester-managed":    flag(func(e world.ENI) bool { return e.RequesterManaged }),
		"source-dest-check":    check, "sourceDestCheck": check,
		"private-ip-address":           addrs(netip.Addr.String),
		"addresses.private-ip-address": addrs(netip.Addr.String),
		"private-dns-name":             func(e world.ENI) []string { return some(v.eniName(e, e.Addr())) },
		"group-id": func(e world.ENI) []string {
			return each(e.Groups, func(g world.SecurityGroupID) string { return string(g) })
		},
		"group-name": func(e world.ENI) []string { return v.namesOf(e.Groups) },
		"addresses.primary": func(e world.ENI) []string {
			return each(e.Addrs, func(a netip.Addr) string { return strconv.FormatBool(a == e.Addr()) })
		},
		"attachment.attachment-id":     when(attached, attachmentID),
		"attachment.device-index":      when(attached, func(e world.ENI) string { return strconv.Itoa(attachmentIndex(e)) }),
		"attachment.instance-owner-id": when(attached, v.attachmentOwner),
		"attachment.status":            when(attached, v.attachmentStatus),
		"attachment.instance-id":       when(onInstance, func(e world.ENI) string { return string(e.Attachment.Instance) }),
		"attachment.delete-on-termination": when(attached, func(e world.ENI) string {
			return strconv.FormatBool(e.Attachment.DeleteOnTermination)
		}),
		"attachment.attach-time": when(onInstance, func(e world.ENI) string { return e.Attachment.Time.UTC().Format("2006-01-02T15:04:05.000Z") }),
		"operator.managed":       flag(func(world.ENI) bool { return false }),
	}
	maps.Copy(f, v.associationFilters())
	for _, name := range []string{"ipv6-addresses.ipv6-address", "operator.principal",
		"attachment.nat-gateway-id",
	} {
		f[name] = never[world.ENI]
	}
	return listing.Filters[world.ENI]{Fields: f, Tags: ownTags(func(e world.ENI) world.Meta { return e.Meta })}
}

func some(s *string) []string {
	if s == nil {
		return nil
	}
	return []string{*s}
}

func (v *view) namesOf(ids []world.SecurityGroupID) []string {
	return each(ids, func(id world.SecurityGroupID) string { g, _ := v.w.SecurityGroups.Get(id); return g.Name })
}

// DescribeNetworkInterfaceAttribute tells one attribute of an interface.
func (s *Service) DescribeNetworkInterfaceAttribute(_ context.Context, c world.Caller, in *ec2api.DescribeNetworkInterfaceAttributeInput) (*ec2api.DescribeNetworkInterfaceAttributeOutput, error) {
	v := s.look(c)
	e, err := find(&v.w.ENIs, c, "network-interface", in.NetworkInterfaceId)
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeNetworkInterfaceAttributeOutput{NetworkInterfaceId: in.NetworkInterfaceId}
	switch val(in.Attribute) {
	case "description":
		out.Description = &ec2api.AttributeValue{Value: new(e.Description)}
	case "groupSet":
		out.Groups = v.groupNames(e.Groups)
	case "sourceDestCheck":
		out.SourceDestCheck = &ec2api.AttributeBooleanValue{Value: new(e.SourceDestCheck)}
	case "attachment":
		out.Attachment = v.attachment(e)
	case "associatePublicIpAddress":
		out.AssociatePublicIpAddress = new(e.AutoPublic)
	default:
		return nil, awserr.EC2InvalidParameter("attribute", val(in.Attribute), "Unknown attribute.")
	}
	return out, dryRun(in.DryRun)
}

// ModifyNetworkInterfaceAttribute changes one attribute of an interface of the caller's own.
func (s *Service) ModifyNetworkInterfaceAttribute(ctx context.Context, c world.Caller, in *ec2api.ModifyNetworkInterfaceAttributeInput) (*ec2api.ModifyNetworkInterfaceAttributeOutput, error) {
	if in.EnaSrdSpecification != nil || val(in.EnablePrimaryIpv6) || in.ConnectionTrackingSpecification != nil ||
		val(in.AssociatePublicIpAddress) || len(in.AssociatedSubnetIds) > 0 {
		return nil, unsupported("ENA Express, IPv6, connection tracking times, public addresses and associated subnets are not built.")
	}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		e, err := find(&tx.ENIs, c, "network-interface", in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		if e.RequesterManaged {
			return notYours()
		}
		if err := changeENI(tx, c, &e, in); err != nil {
			return err
		}
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
		return nil
	})
	return &ec2api.ModifyNetworkInterfaceAttributeOutput{}, err
}

func changeENI(tx *world.Tx, c world.Caller, e *world.ENI, in *ec2api.ModifyNetworkInterfaceAttributeInput) error {
	var given []string
	if in.Description != nil {
		given = append(given, "description")
		e.Description = val(in.Description.Value)
	}
	if in.SourceDestCheck != nil {
		given = append(given, "sourceDestCheck")
		e.SourceDestCheck = val(in.SourceDestCheck.Value)
	}
	if in.Groups != nil {
		given = append(given, "groups")
		n, _ := tx.Subnets.Get(e.Subnet)
		groups, err := groupsFor(&tx.World, c, n, in.Groups)
		if err != nil {
			return err
		}
		e.Groups = groups
	}
	if in.Attachment != nil {
		given = append(given, "attachment")
		if e.Attachment.ID == "" || e.Attachment.ID != val(in.Attachment.AttachmentId) {
			return noAttachment(val(in.Attachment.AttachmentId))
		}
		if in.Attachment.DeleteOnTermination == nil {
			return unsupported("ENA queues are not built.")
		}
		e.Attachment.DeleteOnTermination = *in.Attachment.DeleteOnTermination
	}
	return oneAttribute(given)
}

// enisOf are the interfaces attached to an instance, by device.
func (v *view) enisOf(id world.InstanceID) []world.ENI {
	return v.w.ENIsOf(id)
}
